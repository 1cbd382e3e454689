"""mnistlab.runs.prerequisites: what a recipe names is missed before any picture is loaded."""

import pytest

import mnistlab
from mnistlab import MnistlabError, Recipe
from mnistlab.cli.app import app, run
from mnistlab.runs import check_prerequisites

NET = """
from torch import nn

def build(image_size, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, classes))
"""
MISSING = {
    "model=none.py:build": "none.py:build: there is no file none.py",
    "model=net.py:biuld": "net.py:biuld: no function 'biuld'; it defines build",
    "model=no.such:build": "no.such:build: there is no module no.such",
    "loss=none.py:focal": "none.py:focal: there is no file none.py",
    "optimizer=none.py:Own": "none.py:Own: there is no file none.py",
    "optimizer=torch.optim.Adamm": "torch.optim has no Adamm; did you mean Adam?",
    "init=none.safetensors": "init: none.safetensors: cannot be read: No such file",
}
COMMANDS = {
    "train": ["train", "mlp"],
    "ablate": ["ablate", "mlp", "--set", "dropout=0.1"],
    "repeat": ["repeat", "mlp"],
    "lr": ["lr", "mlp"],
    "doctor": ["doctor", "mlp"],
}


@pytest.mark.parametrize("setting", MISSING)
@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_told_before_the_data_are_looked_at(tmp_path, monkeypatch, capsys, command, setting):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    told = ["--set", setting, "--set", "data=no_such_data"]
    assert run(app, [*COMMANDS[command], *told]) == 2
    assert MISSING[setting] in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("setting", MISSING)
def test_it_is_told_in_python_too(tmp_path, monkeypatch, setting):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    changes = dict([setting.split("=", 1)])
    with pytest.raises(MnistlabError) as caught:
        mnistlab.train("mlp", data="no_such_data", **changes)
    assert MISSING[setting] in str(caught.value)


@pytest.mark.parametrize(
    "code",
    [
        "from other import *",
        "def __getattr__(name): ...",
        "globals()['bui' + 'ld'] = print",
        "build = 3",
        "from other import build",
        "this is no Python",
    ],
)
def test_what_may_be_there_is_not_refused(tmp_path, code):
    (tmp_path / "net.py").write_text(code)
    assert check_prerequisites(Recipe(model=f"{tmp_path / 'net.py'}:build")) == b""
