"""What the documents promise of the code, and what the house rules ask of it."""

import inspect
import json
import posixpath
import re
import tomllib
from importlib import import_module
from itertools import combinations, product
from pathlib import Path

import click
import pytest

import mnistlab
from docs import site_links
from docs.reference.generate import OPERATIONS, PAGE, cli_page, operations_page
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


def test_the_command_reference_is_what_the_code_says():
    assert PAGE.read_text(encoding="utf-8") == cli_page(), "run docs/reference/generate.py"


def test_the_list_of_native_operations_is_the_registry():
    page = OPERATIONS.read_text(encoding="utf-8")
    assert page == operations_page(), "run docs/reference/generate.py"


def test_the_python_reference_describes_every_public_name():
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    named = re.findall(r"^::: (mnistlab[\w.]*)\.(\w+)$", page, re.MULTILINE)
    assert sorted(name for _, name in named) == sorted(mnistlab.__all__)
    for home, name in named:
        public = getattr(mnistlab, name)
        assert getattr(import_module(home), name) in (public, inspect.unwrap(public))


def test_the_python_reference_takes_no_module_for_the_function_of_that_name():
    """The site reads sources without running them, where a module hides what it is named after."""
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    modules = {
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
    }
    for name in re.findall(r"^::: mnistlab\.(\w+)$", page, re.MULTILINE):
        home = getattr(mnistlab, name).__module__.split(".")[:2]
        same = {f"mnistlab.{name}", ".".join([*home, name])} & modules
        assert not same, f"{name} is also a module: give the function's full path"


def test_the_sites_navigation_lists_every_page():
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^ +- (?:[^:\n]+: )?(\S+\.md)$", settings, re.MULTILINE)
    assert sorted(listed) == sorted(site_links.pages())


def test_every_link_of_the_site_leads_to_a_page_or_file_of_it():
    outside = site_links.outside()
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*")}
    for at, page in site_links.pages().items():
        text = site_links.rewrite(page.read_text(encoding="utf-8"), page, at)
        for target in re.findall(r"\]\((?!https:|#)([^)#]+)", text):
            found = posixpath.normpath(posixpath.join(posixpath.dirname(at), target))
            assert found in there or found in outside, f"{at}: {target}"


def test_every_recipe_key_is_documented_as_it_is():
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    for key, field in Recipe.model_fields.items():
        assert (
            f"| `{key}` | `{json.dumps(field.default)}` | {allowed(key)} | {field.description} |"
            in page
        )


def test_the_picture_of_the_layers_is_the_contract_that_is_checked():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        contract
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    drawn = {
        folder: row
        for row, folders in enumerate(re.findall(r"^ {4}([a-z_ |]+?) {2,}", page, re.MULTILINE))
        for folder in folders.split(" | ")
    }
    layers = [layer.split(" | ") for layer in contract["layers"] if layer != "__main__"]
    for upper, lower in combinations(layers, 2):
        for above, below in product(upper, lower):
            assert drawn[above] <= drawn[below], f"{above} is above {below}"


def test_the_architecture_names_files_that_exist():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.py)`", page))
    assert len(named) > 40
    assert {path for path in named if not (ROOT / "src" / "mnistlab" / path).is_file()} == set()


def test_the_documents_name_files_of_the_repository_that_exist():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for path in re.findall(r"`((?:src|tests|docs)/[\w./-]+)`", text):
            assert (ROOT / path).exists(), f"{page.name}: {path}"


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


def sections(name):
    return re.split(r"^#+ .*$", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_both_readmes_have_the_same_lines():
    english, korean = (
        (ROOT / name).read_text(encoding="utf-8").splitlines()
        for name in ("README.md", "README.ko.md")
    )
    assert len(english) == len(korean) < 150
    commands = [
        [re.sub(r" {2,}#.*", "", line) for line in lines if line.startswith("    ")]
        for lines in (english, korean)
    ]
    assert commands[0] == commands[1]


def test_both_readmes_hold_the_same_figures_and_links_section_by_section():
    for english, korean in zip(sections("README.md"), sections("README.ko.md"), strict=True):
        for pattern in (r"(?<![A-Za-z0-9-])\d+(?:[.,]\d+)*", r"\]\(((?!README)[^)]+)\)"):
            found = [
                sorted(re.findall(pattern, re.sub(r" {2,}# .*", "", text)))
                for text in (english, korean)
            ]
            assert found[0] == found[1]


def test_the_korean_readme_keeps_regularisation_and_normalisation_apart():
    """Both are often called 정규화; here regularisation is 규제."""
    korean = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    assert korean.count("정규화") == korean.count("배치 정규화") > 0
    assert korean.count("규제") >= 3


def test_the_readmes_table_is_that_of_the_records():
    table = (ROOT / "results" / "course" / "table.md").read_text(encoding="utf-8")
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_module_says_what_it_is(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""' if path.suffix == ".py" else "// ")


def test_the_public_names_are_there():
    for name in mnistlab.__all__:
        assert getattr(mnistlab, name) is not None
    assert re.fullmatch(r"\d+\.\d+\.\d+", mnistlab.__version__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        mnistlab.nonsense  # noqa: B018
