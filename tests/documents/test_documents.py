"""The documents' commands and Python blocks, carried out: the long ones with few images, one epoch
and two seeds."""

import glob
import json
import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
from PIL import Image

import mnistlab
from mnistlab.cli.app import app, run
from mnistlab.recipe import BUILT_IN
from tests import figures
from tests.data.forms import FORMS
from tests.exporting.operators import remember_operators
from tests.recogniser.drawing import sheet

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNS = ("runs/lenet5-5d7ee6a1-seed0", "runs/my-run", "runs/one")
COPIES = ("RUN", "search/first")
OTHER_SEEDS = ("runs/two", "trained/best62k/first", "trained/robust/first", "trained/lenet5/first")
SHORT = ["--epochs", "1", "--train-limit", "200"]
SHORTENED = {
    "train": [*SHORT, "-q", "--overwrite"],
    "reproduce": [*SHORT, "-q"],
    "compare": [*SHORT, "--seeds", "2", "-q"],
    "ablate": [*SHORT, "--seeds", "1", "-q"],
    "repeat": [*SHORT, "--seeds", "2", "-q"],
    "sweep": ["-q"],
    "lr": ["--steps", "60", "--to", "1"],
    "export": ["--overwrite"],
}
TAKE_DATA = {"train", "lr", "reproduce", "compare", "ablate", "repeat", "evaluate", "export"}
# Measurements take minutes, a server does not end, a cluster is elsewhere: their options are
# checked, no more.
ONLY_PARSED = {"bench", "serve"}


def commands():
    """Every command of the documents once, in their order."""
    found = {}
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            if re.match(r" {4}(mnistlab|python main\.py) ", line):
                found.setdefault(re.sub(r"\s+(#|> ).*", "", line.strip()), page.name)
    return [pytest.param(command, id=f"{page}: {command}") for command, page in found.items()]


def blocks(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, few, stand_in):
    """A folder that holds what the documents' examples speak of."""
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        _shorten(patch, few)
        remember_operators()
        figures.use(stand_in, patch.setattr)
        (folder / "path/to/my/images").mkdir(parents=True)
        _write_images(folder / "path/to/my/images", few)
        shutil.copytree(folder / "path/to/my/images", folder / "path/to/my/digits")
        network = re.search(
            r"```python\n(# net\.py\n.*?)```",
            (ROOT / "docs/training.md").read_text("utf-8"),
            re.DOTALL,
        )
        (folder / "path/to/net.py").write_text(network[1], encoding="utf-8")
        (folder / "my.toml").write_text("dropout = 0.1\n", encoding="utf-8")
        (folder / "best.toml").write_text("dropout = 0.2\n", encoding="utf-8")
        (folder / "with_dropout.toml").write_text(
            f'dropout = 0.5\ndata = "{few}"\n', encoding="utf-8"
        )
        (folder / "grid.toml").write_text(
            f'recipe = "mlp"\nvalidation = 100\n[set]\ndata = "{few}"\nepochs = 1\n[grid]\nmomentum'
            " = [0.8, 0.9]\n",
            encoding="utf-8",
        )
        (folder / "scans").mkdir()
        for name in ("photo.jpg", "scans/1.png"):
            shutil.copy(next((ROOT / "docs/images").glob("*.png")), folder / name)
        (folder / "sheets").mkdir()
        marks = Image.fromarray(sheet([["1204", "85"], ["1205", "7"], ["1206", "100"]], wide=240))
        for name in ("sheet.jpg", "sheets/1.png", "sudoku.jpg"):
            marks.save(folder / name)
        (folder / "handwriting").mkdir()
        shutil.copy(folder / "scans/1.png", folder / "handwriting")
        (folder / "handwriting/labels.csv").write_text("file,digits\n1.png,407\n", encoding="utf-8")
        assert run(app, ["train", "lenet5", *SHORT, "-q", "--run", RUNS[0]]) == 0
        for copy in (*RUNS[1:], *COPIES):
            shutil.copytree(RUNS[0], copy)
        for seed, other in enumerate(OTHER_SEEDS, 1):
            assert (
                run(app, ["train", "lenet5", *SHORT, "-q", "--seed", str(seed), "--run", other])
                == 0
            )
        assert run(app, ["export", "runs/my-run", "model.onnx"]) == 0
        assert run(app, ["compare", "lenet5", "mlp", *SHORT, "--seeds", "2", "-q"]) == 0
        assert run(app, ["repeat", "lenet5", *SHORT, "--seeds", "1", "-q", "--out", "result"]) == 0
    return folder


def _write_images(folder, few):
    data = mnistlab.load_dataset(str(few))
    parts = [(part.images, part.labels) for part in (data.train, data.test)]
    FORMS["class folders"](folder, *parts)


def _shorten(patch, few):
    for name, recipe in BUILT_IN.items():
        patch.setitem(
            BUILT_IN,
            name,
            recipe.replace(data=str(few), epochs=1, train_limit=200, validation=0, negatives=0),
        )


@pytest.fixture
def there(workspace, few, undrawn, monkeypatch):
    """In the workspace, with built-in recipes that are short, and reports that are not drawn."""
    monkeypatch.chdir(workspace)
    _shorten(monkeypatch, few)
    return workspace


@pytest.mark.parametrize("command", commands())
def test_a_command_does_what_the_documents_say(command, there, few):
    words = shlex.split(command.replace("python main.py", "mnistlab reproduce"))[1:]
    words = [
        found
        for word in words
        for found in (sorted(glob.glob(word)) if "*" in word else [word])  # noqa: PTH207
    ]
    if "--executor" in words:
        del words[words.index("--executor") :]
    name = words[0]
    if name in ONLY_PARSED:
        app.commands[name].make_context(name, words[1:])
        return
    if (
        name in TAKE_DATA
        and not {"--pictures", "--web"} & {*words}
        and ("--data" not in words or "fashion-mnist" in words)
    ):
        words += ["--data", str(few)]
    shortened = SHORTENED.get(name, [])
    if "--until-settled" in words:
        shortened = [*SHORT, "--max-seeds", "6", "-q"]
    if "--resume" in words:
        shortened = [word for word in shortened if word != "--overwrite"]
        shortened = [word if word != "1" else "2" for word in shortened]
    assert run(app, [*words, *shortened]) == 0


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name
)
def test_python_blocks_run_one_after_another(page, there):
    names = {}
    for block in blocks(page):
        exec(compile(block.replace("seeds=20", "seeds=2"), page.name, "exec"), names)


def test_the_notebook_runs_and_shows_its_results(there):
    notebook = json.loads((ROOT / "docs" / "does-dropout-help.ipynb").read_text(encoding="utf-8"))
    names, shown = {}, []
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == []
        source = "".join(cell["source"]).replace("= 10, 30, 6000", "= 2, 1, 200")
        *body, last = source.splitlines()
        exec("\n".join(body), names)
        try:
            value = eval(last, names)
        except SyntaxError:
            exec(last if body == [] else source, names)
        else:
            shown.append(value)
    assert isinstance(shown[-1], mnistlab.Reading)
    assert "<img" in shown[-1]._repr_html_()
    (result,) = (value for value in shown if isinstance(value, mnistlab.ComparisonResult))
    assert "<table" in result._repr_html_()


def test_every_command_is_shown_somewhere():
    shown = " ".join(parameter.values[0] for parameter in commands())
    for name, command in app.commands.items():
        names = (
            [f"{name} {sub}" for sub in command.commands]
            if isinstance(command, click.Group)
            else [name]
        )
        # The course's command is the one that is written otherwise.
        assert name == "reproduce" or any(f"mnistlab {each}" in shown for each in names), name
