"""User models that raise, in any way and anywhere: one line names the model."""

import pytest

from mnistlab import RunFolder, built_in, train
from mnistlab.cli.app import app, run
from mnistlab.errors import MnistlabError, TrainingError
from mnistlab.training import load_trained
from tests.reliability.kinds import tiny_dataset

NET = """
import os, sys
from torch import nn

class Mute(Exception):
    def __str__(self): raise RuntimeError("no words")
class Odd(Exception):
    def __str__(self): return 5
class Base(BaseException): pass

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.linear = nn.Linear(1024, classes)
    def forward(self, images):
        {forward}
        return self.linear(images.flatten(1))
    {method}

def build(image_shape, classes):
    return Net(classes)
"""
WAYS = {
    "exit": {"forward": "sys.exit(0)"},
    "base": {"forward": "raise Base('deep')"},
    "mute": {"forward": "raise Mute()"},
    "odd": {"forward": "raise Odd()"},
    "training": {"forward": "if self.training: raise Mute()"},
    "parameters": {"method": "def parameters(self, recurse=True): raise RuntimeError('x')"},
    "state": {"method": "def state_dict(self, *args, **kwargs): raise RuntimeError('x')"},
    "mode": {"method": "def train(self, mode=True): raise RuntimeError('x')"},
    "second mode": {
        "method": (
            "def train(self, mode=True):\n        self.calls = getattr(self, 'calls', 0) + 1\n"
            "        if self.calls > 3: raise RuntimeError('x')\n        return super().train(mode)"
        )
    },
}


def write(folder, forward="pass", method="pass"):
    (folder / "net.py").write_text(NET.format(forward=forward, method=method), encoding="utf-8")
    return f"{folder / 'net.py'}:build"


@pytest.mark.parametrize("way", WAYS)
def test_one_that_raises_is_named(way, tmp_path):
    recipe = built_in("mlp").replace(model=write(tmp_path, **WAYS[way]), epochs=1, batch_size=4)
    with pytest.raises(MnistlabError, match=r"net\.py:build"):
        train(recipe, tiny_dataset(), kernels="torch")


def test_one_whose_module_raises_at_every_name_is_named(tmp_path):
    (tmp_path / "net.py").write_text("def __getattr__(name): raise RuntimeError('x')")
    with pytest.raises(MnistlabError, match=r"net\.py:build.*RuntimeError: x"):
        train(built_in("mlp").replace(model=f"{tmp_path / 'net.py'}:build"), tiny_dataset())


@pytest.mark.parametrize(
    "forward", ["sys.exit(0)", "if len(images) > 2: raise Mute()", "images = images[:2]"]
)
def test_one_that_raises_as_its_run_is_read_is_named(forward, tmp_path, monkeypatch):
    model = write(tmp_path, forward=f"if 'FAIL' in os.environ:\n            {forward}")
    folder = RunFolder(tmp_path / "run")
    train(built_in("mlp").replace(model=model, epochs=1), tiny_dataset(), folder=folder.path)
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(MnistlabError, match=r"net\.py:build"):
        load_trained(folder).logits(tiny_dataset().test.images)


@pytest.mark.parametrize("command", ["doctor", "train"])
def test_one_that_ends_the_program_is_a_failure(command, few, tmp_path, capsys):
    data = ["--data", str(few)] if command == "train" else []
    assert run(app, [command, write(tmp_path, forward="sys.exit(0)"), *data]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "net.py:build: does not accept images" in line


WRONG_IN_THE_END = {
    "no number": ("images = images * float('nan')", "is not finite at the end"),
    "other classes": ("return self.linear(images.flatten(1))[:, :5]", "returns .* it must return"),
    "fewer rows": ("images = images[:3]", "returns .* it must return"),
}


@pytest.mark.parametrize("way", WRONG_IN_THE_END)
@pytest.mark.parametrize("part", ["train", "test"])
def test_one_that_is_wrong_on_one_part_of_the_images_alone_is_named(way, part, tmp_path):
    images, (statement, words) = len(getattr(tiny_dataset(), part)), WRONG_IN_THE_END[way]
    forward = f"if not self.training and len(images) == {images}:\n            {statement}"
    recipe = built_in("mlp").replace(model=write(tmp_path, forward), epochs=1, batch_size=4)
    expected = "the loss is not finite" if (way, part) == ("no number", "test") else words
    with pytest.raises(TrainingError, match=expected):
        train(recipe, tiny_dataset(), kernels="torch", folder=tmp_path / "run")
