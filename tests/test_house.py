"""What the documents promise of the code, and what the house rules ask of it."""

import json
import re
from pathlib import Path

import click
import pytest

import mnistlab
from docs.reference.generate import FOLDER
from docs.reference.generate import PAGES as REFERENCE
from mnistlab import Recipe
from mnistlab.answer import Answer
from mnistlab.cli.app import app
from mnistlab.recipe import allowed

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for ending in ("py", "h", "cpp") for path in (ROOT / "src").rglob(f"*.{ending}")
)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def commands(group, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


@pytest.mark.parametrize(("name", "command"), list(commands(app)), ids=str)
def test_every_command_is_documented(name, command):
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert f"mnistlab {name}" in pages
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option) and "--split" not in parameter.opts:
            assert parameter.help or parameter.opts[0] in ("--out",), parameter


@pytest.mark.parametrize("file", REFERENCE)
def test_the_reference_is_what_the_code_says(file):
    assert (FOLDER / file).read_text(encoding="utf-8") == REFERENCE[file](), (
        "run docs/reference/generate.py"
    )


def test_every_recipe_key_is_documented_as_it_is():
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    for key, field in Recipe.model_fields.items():
        assert (
            f"| `{key}` | `{json.dumps(field.default)}` | {allowed(key)} | {field.description} |"
            in page
        )


def test_every_field_of_an_answer_is_documented_as_it_is():
    page = (ROOT / "docs" / "recogniser.md").read_text(encoding="utf-8")
    for name, field in Answer.model_fields.items():
        assert f"| `{name}` | {field.description} |" in page


def test_every_link_in_the_documents_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (page.parent / target).exists(), (
                f"{page.name}: {target}"
            )


def test_both_readmes_show_the_same_commands_and_table():
    english, korean = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md")
    )
    shown = ("    ", "| LeNet", "| Custom")
    lines = [
        [
            re.sub(r" {2,}#.*", "", line)
            for line in text.splitlines()
            if line.startswith(shown) and "![" not in line
        ]
        for text in (english, korean)
    ]
    assert lines[0] == lines[1]
    assert len(english.splitlines()) < 150


def test_the_readmes_table_is_that_of_the_records():
    table = (ROOT / "results" / "course" / "table.md").read_text(encoding="utf-8")
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_module_says_what_it_is_and_stays_short(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""' if path.suffix == ".py" else "// ")
    assert len(text.splitlines()) <= 250


def test_the_public_names_are_there():
    for name in mnistlab.__all__:
        assert getattr(mnistlab, name) is not None
    assert re.fullmatch(r"\d+\.\d+\.\d+", mnistlab.__version__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        mnistlab.nonsense  # noqa: B018
