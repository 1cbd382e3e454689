"""mnistlab bench --profile: where the time of a model's training step goes."""

import json
from pathlib import Path

import pytest

from mnistlab.benchmark import model_profile
from mnistlab.cli.app import app, run

MODEL = """
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(2304, 10))

def slow():
    return nn.Sequential(nn.FractionalMaxPool2d(2, 14), nn.Flatten(), nn.Linear(196, 10))
"""


@pytest.fixture(autouse=True)
def _short(tmp_path, monkeypatch):
    monkeypatch.setattr(model_profile, "_QUICK_SECONDS", 0.0)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(MODEL, encoding="utf-8")


def profile(name, *options):
    file = Path("found.json")
    options = ("--quick", "--threads", "1", *options, "--json", str(file))
    assert run(app, ["bench", "--profile", name, *options]) == 0
    return json.loads(file.read_text(encoding="utf-8"))


def test_a_model_of_ones_own(capsys):
    found = profile("net.py:build")
    operations = found["profile"]["operations"]
    assert [one["operation"] for one in operations] == ["convolution", "relu", "linear"]
    assert operations[0]["inputs"] == [[1, 28, 28]]
    assert (found["images"], found["rounds"]) == (128, 3)
    assert found["environment"]["threads"] == 1
    shown = capsys.readouterr().out
    assert "convolution 1x28x28 -> 4x24x24" in shown
    assert f"{1000 * operations[0]['forward']:.3f}" in shown
    assert all(len(line) <= 80 for line in shown.splitlines() if "kernels" not in line)


@pytest.mark.parametrize(
    ("name", "operations"), [("custom_mlp", {"dropout"}), ("squeeze-excite", {"pool_2x2", "mean"})]
)
def test_recipes_and_networks_by_name(name, operations, capsys):
    found = profile(name)
    assert operations <= {one["operation"] for one in found["profile"]["operations"]}
    assert "total" in capsys.readouterr().out
    assert found["notes"] == ([] if name == "custom_mlp" else ["on noise"])


def test_a_recipe_file_whose_step_pytorch_takes(tmp_path, capsys):
    text = 'model = "net.py:build"\noptimizer = "rmsprop"\nbatch_size = 50\n'
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    found = profile("own.toml")
    assert found["images"] == 50
    assert found["notes"] == ["PyTorch takes the optimiser's step, which is not part of this"]
    assert found["notes"][0] in capsys.readouterr().out


def test_data_that_are_not_here_are_replaced_by_noise(monkeypatch):
    monkeypatch.setattr("mnistlab.benchmark.images.find", lambda known: None)
    found = profile("cifar_small")
    assert found["profile"]["operations"][0]["inputs"] == [[3, 36, 36]]
    assert found["notes"] == ["on noise shaped as cifar10's images, which are not on this machine"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lenet6"], "lenet6: no such recipe or network; did you mean lenet5?"),
        (["depth wise"], "depth wise: no such recipe or network; did you mean depthwise?"),
        (["no such"], "known: lenet5; "),
        (["net.py:slow"], "net.py:slow trains on PyTorch, of which there is no profile: 0"),
        (["lenet5", "--networks"], "--networks and --profile are two different measurements"),
    ],
)
def test_what_has_no_profile_says_so_in_one_line(arguments, said, capsys):
    assert run(app, ["bench", "--quick", "--profile", *arguments]) == 2
    assert said in capsys.readouterr().err
