"""The convolutional network, compared with its definition written by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from mnistlab import Recipe
from mnistlab.errors import ModelError, RecipeError
from mnistlab.kernels import make_plan
from mnistlab.models import build_model, count_parameters

IMAGE = (1, 28, 28)


def recipe(channels, **fields):
    return Recipe.parse({"model": "convnet", "channels": channels, "batch_norm": True} | fields)


def test_parameters_layer_by_layer():
    model = build_model(recipe([[4], [6, 8]], stem=5), IMAGE, 10)
    assert {key: tuple(value.shape) for key, value in model.named_parameters()} == {
        "conv1.weight": (4, 1, 5, 5),
        "norm1.weight": (4,),
        "norm1.bias": (4,),
        "conv2.weight": (6, 4, 3, 3),
        "norm2.weight": (6,),
        "norm2.bias": (6,),
        "conv3.weight": (8, 6, 3, 3),
        "norm3.weight": (8,),
        "norm3.bias": (8,),
        "output.weight": (10, 8),
        "output.bias": (10,),
    }
    assert count_parameters(model) == 100 + 8 + 216 + 12 + 432 + 16 + 90


def test_it_computes_what_its_definition_says():
    model = build_model(recipe([[4], [6, 8]], batch_norm=False), IMAGE, 10)
    w = dict(model.named_parameters())
    images = torch.rand(3, *IMAGE)
    hidden = functional.conv2d(images, w["conv1.weight"], w["conv1.bias"]).relu()
    hidden = functional.max_pool2d(hidden, 2)
    hidden = functional.conv2d(hidden, w["conv2.weight"], w["conv2.bias"]).relu()
    hidden = functional.conv2d(hidden, w["conv3.weight"], w["conv3.bias"]).relu()
    assert hidden.shape == (3, 8, 9, 9)
    expected = hidden.mean(dim=(2, 3)) @ w["output.weight"].T + w["output.bias"]
    torch.testing.assert_close(model(images), expected)


def test_dropout_stands_before_the_last_layer():
    model = build_model(recipe([[4]], dropout=0.25), IMAGE, 10)
    assert [name for name, _ in model.named_children()][-3:] == ["flatten", "dropout", "output"]
    assert model.dropout.p == 0.25


@settings(deadline=None, max_examples=25)
@given(
    groups=st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=2), min_size=1, max_size=2),
    stem=st.integers(1, 5),
    classes=st.integers(2, 30),
)
def test_any_that_fits_has_native_kernels(groups, stem, classes):
    model = build_model(recipe(groups, stem=stem), IMAGE, classes)
    assert model(torch.rand(2, *IMAGE)).shape == (2, classes)
    make_plan(model, IMAGE, classes, mean=0.1, std=0.3)


@pytest.mark.parametrize(
    ("channels", "stem", "shape", "number"),
    [
        ([[2], [2], [2], [2]], 3, IMAGE, 4),
        ([[2, 2]], 3, (1, 28, 4), 2),
        ([[2]], 15, (1, 14, 14), 1),
    ],
)
def test_too_many_layers_are_refused_with_the_first_that_does_not_fit(
    channels, stem, shape, number
):
    with pytest.raises(
        ModelError, match=rf"convnet: images of .* too small for convolution {number};"
    ):
        build_model(recipe(channels, stem=stem), shape, 10)


@pytest.mark.parametrize(
    "fields", [{"model": "convnet"}, {"channels": [[4]]}, {"model": "mlp", "channels": [[4]]}]
)
def test_channels_and_convnet_go_together(fields):
    with pytest.raises(RecipeError, match="channels: model convnet needs them"):
        Recipe.parse(fields)


@pytest.mark.parametrize("model", ["lenet5", "mlp", "net.py:build"])
def test_a_stem_that_a_model_does_not_have_is_refused(model):
    with pytest.raises(RecipeError, match=f"stem: has no effect on {model}; model convnet alone"):
        Recipe(model=model, stem=5)
    assert Recipe(model=model, stem=3).stem == 3
