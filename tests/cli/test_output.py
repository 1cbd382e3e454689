"""What reaches a terminal: names of strangers as they are, and nothing that moves the cursor."""

import ast
import io
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from mnistlab import Recipe, make_dataset
from mnistlab.cli.app import app, run
from mnistlab.cli.output import with_options
from mnistlab.cli.screen import Screen
from mnistlab.data import Split, encode_png
from mnistlab.text import printable
from tests.cli.processes import MNISTLAB, refusal
from tests.cli.processes import run as start
from tests.reliability.test_strangers import hostile_model
from tests.runs.test_store import keep

PACKAGE = Path(__file__).parents[2] / "src" / "mnistlab"
EVIL = "e\x1b[31m\x9b2J\u202e\u2028\u200b[red]:smile:"
SOURCES = Path(__file__).parents[2] / "src" / "mnistlab" / "cli"
GATES = {"__init__.py", "output.py", "screen.py", "app.py", "completion.py"}


def told(capsys, *arguments, status=0):
    """What a command prints on both streams, in this process."""
    assert run(app, [*map(str, arguments)]) == status
    result = capsys.readouterr()
    for text in result:
        assert re.sub(r"[\r\n]", "", text) == printable(re.sub(r"[\r\n]", "", text))
    return result


@pytest.fixture
def strangers(tmp_path, monkeypatch):
    """A folder of class folders, pictures, a run and a model, all with names that no friend would
    give."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for part in ("train", "test"):
        for label in "ab":
            folder = tmp_path / EVIL / part / f"{label}{EVIL}"
            folder.mkdir(parents=True)
            for number in range(2):
                (folder / f"{number}{EVIL}.png").write_bytes(
                    encode_png(random.integers(0, 256, (28, 28), np.uint8))
                )
    kept = keep(tmp_path / "R", Recipe(name="fine"), 0)
    content = json.loads((kept / "record.json").read_text())
    del content["sha256"]
    content["recipe"]["name"] = f"{EVIL}\nforged line"
    (kept / "record.json").write_text(json.dumps(content))
    kept.rename(kept.with_name(EVIL))
    model = onnx.load_from_string(hostile_model())
    notes = {"name": EVIL, "title": f"{EVIL}\n", "classes": [f"{n}{EVIL}" for n in range(10)]}
    helper.set_model_props(model, {"mnistlab": json.dumps(notes)})
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    return tmp_path


def test_names_of_files_classes_and_records_are_shown_and_move_nothing(strangers, capsys):
    assert printable(EVIL) in told(capsys, "data", "verify", EVIL).out
    assert printable(EVIL) in told(capsys, "data", "show", EVIL, "--out", f"{EVIL}.png").out
    assert told(capsys, "runs", "R").out.count("\n") == 2
    assert printable(EVIL) in told(capsys, "predict", EVIL).out
    assert "[red]:smile:" in told(capsys, "predict", f"{EVIL}.jpg", status=1).err
    assert printable(EVIL) in told(capsys, "evaluate", "model.onnx", "--data", EVIL, status=2).err
    assert printable(EVIL) in told(capsys, "recipe", "show", f"{EVIL}.py:build").out.replace(
        r"\u009b", r"\x9b"
    ).replace(r"\u001b", r"\x1b")


@pytest.mark.parametrize(
    "arguments",
    [
        [EVIL],
        ["train", EVIL],
        ["train", "mlp", f"--{EVIL}"],
        ["data", "show", "--split", EVIL],
        ["runs", f"no{EVIL}"],
        ["train", "mlp", "--set", f"{EVIL}=1"],
        ["train", "mlp", "--seed", EVIL],
        ["evaluate", EVIL],
        ["report", EVIL],
    ],
    ids=str,
)
def test_what_was_typed_is_echoed_as_it_is_seen(arguments, strangers, capsys):
    assert told(capsys, *arguments, status=2).err.count("\n") == 1


def test_json_holds_the_true_names(strangers, capsys):
    verified = json.loads(told(capsys, "data", "verify", EVIL, "--json").out)
    assert verified["classes"] == [f"a{EVIL}", f"b{EVIL}"]
    (summary,) = json.loads(told(capsys, "runs", "R", "--json").out)
    assert summary["recipe"]["name"] == f"{EVIL}\nforged line"
    found = json.loads(told(capsys, "predict", EVIL, "--json").out)
    assert all(Path(one["file"]).is_file() for one in found)
    assert (
        json.loads(told(capsys, "recipe", "show", f"{EVIL}.py:b", "--json").out)["model"]
        == f"{EVIL}.py:b"
    )


def test_a_shown_recipe_is_the_same_recipe(strangers, capsys):
    (strangers / "shown.toml").write_text(
        told(capsys, "recipe", "show", f"{EVIL}.py:b").out, encoding="utf-8"
    )
    shown = json.loads(told(capsys, "recipe", "show", "shown.toml", "--json").out)
    assert shown["model"] == f"{EVIL}.py:b"


def test_names_that_are_not_utf8_are_printed_and_given_back(tmp_path):
    odd = "r\udcff"
    keep(tmp_path / odd, Recipe(name="mine"), 0, name=odd)
    listed = start(*MNISTLAB, "runs", odd, cwd=tmp_path)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert r"r\udcff" in listed.stdout
    (summary,) = json.loads(start(*MNISTLAB, "runs", odd, "--json", cwd=tmp_path).stdout)
    assert summary["path"] == f"{odd}/{odd}"
    assert r"x\udcff: there is no such" in refusal(
        start(*MNISTLAB, "export", "x\udcff", "m.onnx", cwd=tmp_path)
    )
    assert "is not UTF-8" in refusal(
        start(*MNISTLAB, "compare", "mlp", "lenet5", "--runs", odd, cwd=tmp_path)
    )


def test_a_class_that_no_record_could_name_is_refused_before_training():
    images = np.zeros((4, 8, 8), np.uint8)
    split = Split(images, np.array([0, 1, 0, 1]))
    with pytest.raises(Exception, match=r"a\\udcff is not UTF-8"):
        make_dataset("mine", split, split, classes=("a\udcff", "b"))


def test_the_screen_shows_text_as_it_is_and_still_draws():
    from rich.progress import Progress
    from rich.table import Table

    screen = Screen(file=io.StringIO(), force_terminal=True, width=60)
    table = Table()
    table.add_column("한국어")
    table.add_row(EVIL)
    screen.print(table)
    screen.say(f"{EVIL}\nforged")
    with Progress(console=screen) as bars:
        bars.add_task("plain", total=1)
    text = screen.file.getvalue()
    assert "\x1b[?25l" in text  # the cursor, hidden while the bar is drawn
    for hostile in ("\x1b[31m\x9b", "\x9b", "\u202e", "\u2028", "\u200b"):
        assert hostile not in text
    assert "[red]:smile:" in text
    assert "\nforged" not in text


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.py")), ids=lambda path: path.name)
def test_every_command_prints_by_way_of_the_gate(path):
    if path.name not in GATES:
        assert not re.search(
            r"click\.s?echo|sys\.std(out|err)\.write|(?<![.\w])print\(|(?<!\w)Console\(",
            path.read_text(),
        )


def test_arguments_of_python_are_options_on_the_command_line():
    said = "give `resume=True`, `device='cpu'` or `max_seeds=20`; leave `threads=` out; `x=1`, `a`"
    shown = "give --resume, --device cpu or --max-seeds 20; leave --threads out; `x=1`, `a`"
    assert with_options(said, app) == shown


def library_texts():
    """Texts of everything that Python functions may raise, by file."""
    for file in PACKAGE.rglob("*.py"):
        if file.relative_to(PACKAGE).parts[0] not in ("cli", "server", "kernels", "page"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Raise):
                    for part in ast.walk(node):
                        if isinstance(part, ast.Constant) and isinstance(part.value, str):
                            yield file.name, part.value


def test_no_error_of_a_python_function_names_an_option():
    assert not [found for found in library_texts() if re.search(r"(^|[ `])--[a-z]", found[1])]


def test_every_argument_that_an_error_names_has_an_option():
    named = [text for _, text in library_texts() if re.search(r"`\w+=", text)]
    assert len(named) > 10
    for text in named:
        assert not re.search(r"`\w+=", with_options(text + "`" * (text.count("`") % 2), app)), text
