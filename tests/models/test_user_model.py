"""User models: those that work, and the message for each that does not."""

import pytest
import torch

from mnistlab import Recipe
from mnistlab.errors import ModelError
from mnistlab.models import build_model, count_parameters

GOOD = """
from torch import nn

def build(image_shape, classes):
    channels, height, width = image_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, classes))
"""
DEAF = """
from torch import nn

class Deaf(nn.Linear):
    def forward(self, images):
        return super().forward(images.flatten(1)).detach()

def build(image_shape, classes):
    return Deaf(1024, classes)
"""
IMAGE = (1, 32, 32)


def build(path, source, function="build", **fields):
    path.write_text(source, encoding="utf-8")
    return build_model(Recipe(model=f"{path}:{function}", **fields), IMAGE, 7)


def test_a_function_in_a_file(tmp_path):
    model = build(tmp_path / "mine.py", GOOD)
    assert count_parameters(model) == 1024 * 7 + 7
    assert model(torch.zeros(2, *IMAGE)).shape == (2, 7)


def test_a_function_in_a_package_of_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "net.py").write_text(GOOD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    model = build_model(Recipe(model="own_package.net:build"), IMAGE, 7)
    assert count_parameters(model) == 1024 * 7 + 7


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def other(a, b): ...", "no function 'build'; it defines other"),
        ("build = 3", "no function 'build'; it defines none"),
        ("import nowhere_to_be_found", "importing it failed: ModuleNotFoundError"),
        ("def build(: ...", "importing it failed: SyntaxError"),
        ("import sys; sys.exit(3)", "importing it failed: SystemExit: 3"),
        ("def build(width): ...", "needs a value for width; give one as build.width"),
        ("def build(image_shape, classes): raise ValueError('no\\nluck')", "ValueError: no luck"),
        ("def build(image_shape, classes): raise SystemExit(3)", "SystemExit: 3"),
        (DEAF, "its logits do not depend on any trainable parameter"),
        (
            "def build(image_shape, classes): return 3",
            "returned int; it must return a torch.nn.Module",
        ),
        (
            GOOD.replace("width, classes", "width, 3"),
            "returns (2, 3) for two images; it must return (2, 7)",
        ),
        (
            GOOD.replace("height * width", "height"),
            "does not accept images of shape (1, 32, 32): RuntimeError: mat1",
        ),
        ("from torch import nn\ndef build(i, c): return nn.Flatten()", "no parameters to train"),
    ],
)
def test_what_is_wrong_with_it_is_said_in_one_line(tmp_path, source, message):
    path = tmp_path / "mine.py"
    with pytest.raises(ModelError) as caught:
        build(path, source)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"there is no file .*nothing\.py"):
        build_model(Recipe(model=f"{tmp_path / 'nothing.py'}:build"), IMAGE, 7)


def test_fields_that_it_cannot_heed_are_refused(tmp_path):
    with pytest.raises(
        ModelError, match="batch_norm and dropout work with lenet5, mlp, convnet only"
    ):
        build(tmp_path / "mine.py", GOOD, dropout=0.5)


def test_a_data_class_in_a_file_with_postponed_annotations(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom torch import"
        " nn\n@dataclass\nclass Sizes:\n    hidden: int = 7\ndef build(shape, classes):\n    return"
        " nn.Sequential(nn.Flatten(), nn.Linear(1024, Sizes().hidden), nn.Linear(7, classes))\n"
    )
    recipe = Recipe(model=f"{tmp_path / 'mine.py'}:build")
    assert build_model(recipe, (1, 32, 32), 10)[1].out_features == 7
