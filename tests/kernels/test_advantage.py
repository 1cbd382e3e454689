"""Which of the two trains is decided by shapes alone."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from mnistlab import Recipe
from mnistlab.errors import KernelError
from mnistlab.kernels.advantage import why_slower
from mnistlab.kernels.trace import trace
from mnistlab.models import build_model
from tests.kernels.reference import make_checked_plan, make_plan


def perceptron(*widths):
    layers = [nn.Flatten()]
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def convolutions_before(linear):
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(64 * 4 * 4, linear), nn.ReLU(), nn.Linear(linear, 10)),
    )


def transformer(width):
    layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True)
    return nn.Sequential(
        *(nn.Conv2d(1, width, 7, 7), nn.Flatten(2), Transposed(), layer),
        *(nn.Flatten(), nn.Linear(16 * width, 10)),
    )


class Transposed(nn.Module):
    def forward(self, tokens):
        return tokens.transpose(1, 2)


@pytest.mark.parametrize(
    "model",
    [
        perceptron(784, 60, 10),
        perceptron(784, 200, 100, 10),
        convolutions_before(1024),
        transformer(64),
        nn.Sequential(nn.ZeroPad2d(2), build_model(Recipe(), (1, 32, 32), 10)),
    ],
)
def test_the_kernels_train_what_they_are_faster_at(model):
    assert why_slower(trace(model, (1, 28, 28))) == ""


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (perceptron(784, 256, 10), "linear layers have 203,264 weights"),
        (perceptron(784, 512, 512, 10), "linear layers have 668,672 weights"),
        (convolutions_before(20_000), "linear layers have 20,680,000 weights"),
        (transformer(256), "a linear layer on tokens has 196,608 weights"),
    ],
)
def test_pytorch_trains_what_it_is_faster_at(model, reason):
    assert why_slower(trace(model, (1, 28, 28))) == f"PyTorch is faster, since {reason}"
    with pytest.raises(KernelError, match=f"^PyTorch is faster, since {reason}$"):
        make_checked_plan(model, (1, 28, 28), 10)
    # It can still be planned, by who wants to.
    assert make_plan(model, (1, 28, 28), 10).logits(
        torch.zeros(2, 1, 28, 28, dtype=torch.uint8)
    ).shape == (2, 10)
