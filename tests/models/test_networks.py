"""The built-in networks, compared with their published shapes and sizes."""

import pytest
import torch
from torch.nn import functional

from mnistlab import Recipe, built_in
from mnistlab.errors import ModelError
from mnistlab.models import build_model, count_parameters

IMAGE = (1, 32, 32)

LENET5 = {
    "conv1.weight": (6, 1, 5, 5),
    "conv1.bias": (6,),
    "conv2.weight": (16, 6, 5, 5),
    "conv2.bias": (16,),
    "conv3.weight": (120, 16, 5, 5),
    "conv3.bias": (120,),
    "linear.weight": (84, 120),
    "linear.bias": (84,),
    "output.weight": (10, 84),
    "output.bias": (10,),
}
NORMS = {
    f"norm{n}.{part}": (width,)
    for n, width in ((1, 6), (2, 16), (3, 120), (4, 84))
    for part in ("weight", "bias")
}
PERCEPTRON = {
    "hidden.weight": (60, 1024),
    "hidden.bias": (60,),
    "output.weight": (10, 60),
    "output.bias": (10,),
}


@pytest.mark.parametrize(
    ("name", "layers", "total"),
    [
        ("lenet5", LENET5, 61_706),
        ("custom_mlp", LENET5 | NORMS, 62_158),
        ("mlp", PERCEPTRON, 62_110),
    ],
)
def test_parameters_layer_by_layer(name, layers, total):
    model = build_model(built_in(name), IMAGE, 10)
    assert {key: tuple(value.shape) for key, value in model.named_parameters()} == layers
    assert count_parameters(model) == total


def test_lenet5_computes_what_its_definition_says():
    model = build_model(built_in("lenet5"), IMAGE, 10)
    w = dict(model.named_parameters())
    images = torch.rand(3, *IMAGE)
    hidden = functional.max_pool2d(
        functional.conv2d(images, w["conv1.weight"], w["conv1.bias"]).relu(), 2
    )
    hidden = functional.max_pool2d(
        functional.conv2d(hidden, w["conv2.weight"], w["conv2.bias"]).relu(), 2
    )
    # A 5x5 convolution of a 5x5 map is a matrix product.
    hidden = hidden.flatten(1) @ w["conv3.weight"].flatten(1).T + w["conv3.bias"]
    hidden = (hidden @ w["linear.weight"].T + w["linear.bias"]).relu()
    expected = hidden @ w["output.weight"].T + w["output.bias"]
    torch.testing.assert_close(model(images), expected)


def test_custom_mlp_normalises_and_drops_where_it_should():
    model = build_model(built_in("custom_mlp"), IMAGE, 10)
    assert [type(layer).__name__ for layer in model] == [
        *("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"),
        *("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"),
        *("Conv2d", "BatchNorm2d", "Flatten"),
        *("Linear", "BatchNorm1d", "ReLU", "Dropout", "Linear"),
    ]
    assert model.dropout.p == 0.3


@pytest.mark.parametrize("name", ["lenet5", "custom_mlp", "mlp"])
@pytest.mark.parametrize(
    ("shape", "classes"), [((1, 64, 64), 10), ((1, 32, 32), 26), ((3, 40, 33), 2)]
)
def test_other_sizes_and_classes(name, shape, classes):
    model = build_model(built_in(name), shape, classes)
    assert model(torch.rand(2, *shape)).shape == (2, classes)
    assert model.training


@pytest.mark.parametrize("shape", [(1, 31, 32), (1, 28, 28), (1, 32, 8)])
def test_images_too_small_for_lenet5_are_refused_with_the_remedy(shape):
    with pytest.raises(
        ModelError, match=r"lenet5: images of \d+x\d+ pixels are too small.* size = 32"
    ):
        build_model(built_in("lenet5"), shape, 10)


def test_an_unknown_model_suggests_a_near_one():
    with pytest.raises(ModelError, match=r"lenet: no such model; did you mean lenet5\?$"):
        build_model(Recipe(model="lenet"), IMAGE, 10)
