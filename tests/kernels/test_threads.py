"""The same bits on any number of threads, also where several share a tile of 16 images."""

import pytest
import torch
from torch import nn

from mnistlab.kernels.program import Program
from mnistlab.kernels.trace import trace
from tests.kernels.models import Model
from tests.kernels.networks.residual import BasicBlock
from tests.kernels.reference import make_plan, random_batches

CLASSES = 5
THREADS = (2, 3, 6, 64)
"""64 are more than there are channels, and more than any machine that tests has cores."""


def plain(size):
    """Layers as LeNet-5 has them, behind features of its own."""
    return (nn.Flatten(), nn.Linear(size, 23), nn.Tanh(), nn.Linear(23, CLASSES))


def attend(model, x):
    tokens = model.embed(x.flatten(2).transpose(1, 2))
    return model.head(model.layer(tokens).mean(1))


def unet(model, x):
    """A value that is used twice, and upsampling."""
    down = model.down(x)
    return model.head(torch.cat([x, model.up(torch.sigmoid(down)) * x], 1))


NETWORKS = {
    "lenet": lambda: nn.Sequential(
        *(nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 7, 3), nn.AvgPool2d(2)),
        *plain(7),
    ),
    "norm and dropout": lambda: nn.Sequential(
        *(nn.Conv2d(2, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Dropout2d(0.2), nn.Flatten(), nn.Linear(80, 9), nn.BatchNorm1d(9), nn.SiLU()),
        *(nn.Dropout(0.3), nn.Linear(9, CLASSES)),
    ),
    "strided shortcut": lambda: nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1, bias=False),
        BasicBlock(6, 10, 2, option="B"),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, CLASSES)),
    ),
    "groups": lambda: nn.Sequential(
        *(nn.Conv2d(2, 8, 3), nn.Conv2d(8, 8, 3, groups=8, padding=1), nn.GELU()),
        *(nn.Conv2d(8, 12, 3, stride=2, groups=4), *plain(48)),
    ),
    "wide": lambda: nn.Sequential(
        *(nn.Conv2d(2, 32, 1), nn.Conv2d(32, 36, 3, padding=1), nn.Hardswish()), *plain(36 * 64)
    ),
    "attention": lambda: Model(
        attend,
        embed=nn.Linear(2, 8),
        layer=nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True),
        head=nn.Linear(8, CLASSES),
    ),
    "transposed": lambda: Model(
        unet,
        down=nn.Conv2d(2, 5, 2, stride=2),
        up=nn.ConvTranspose2d(5, 2, 2, stride=2),
        head=nn.Sequential(*plain(4 * 64)),
    ),
}
SHAPE = (2, 8, 8)


def build(name):
    with torch.random.fork_rng():
        torch.manual_seed(len(name))
        return NETWORKS[name]()


def trained(name, batch, threads):
    """Two batches and a smaller one in one call, then an evaluation."""
    model = build(name)
    batches = random_batches(2 * batch + max(2, batch // 3), SHAPE, CLASSES, batch, seed=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    plan = make_plan(model, SHAPE, CLASSES)
    plan.train(batches, 0, len(batches.rates), optimizer, threads=threads)
    logits = plan.logits(batches.images[: batch + 1], threads=threads)
    return [*model.state_dict().values(), batches.losses, batches.correct, logits]


def differentiated(name, batch, threads):
    """Both passes of a module, each in a call of its own, and an evaluation."""
    random = torch.Generator().manual_seed(2)
    values, pull = (torch.randn(batch, *size, generator=random) for size in (SHAPE, (CLASSES,)))
    model = build(name)
    program = Program(trace(model, SHAPE), input_gradient=True)
    outputs, context = program.forward(values, seed=3, threads=threads)
    gradients, of_input = program.backward(context, [pull], [True] * len(program.parameters))
    evaluated = program.evaluate(values, threads=threads)
    return [*outputs, *gradients, of_input, *evaluated, *model.buffers()]


def assert_same_bits(compute, name, batch):
    expected = compute(name, batch, 1)
    assert all(part.isfinite().all() for part in expected)
    for threads in THREADS:
        for one, other in zip(compute(name, batch, threads), expected, strict=True):
            assert one.numpy().tobytes() == other.numpy().tobytes(), threads


@pytest.mark.parametrize("batch", [2, 7, 17, 100])
@pytest.mark.parametrize("name", NETWORKS)
def test_training(name, batch):
    assert_same_bits(trained, name, batch)


@pytest.mark.parametrize("batch", [2, 16, 33])
@pytest.mark.parametrize("name", NETWORKS)
def test_passes_of_their_own(name, batch):
    assert_same_bits(differentiated, name, batch)


@pytest.mark.parametrize("name", ["lenet", "attention"])
def test_a_single_image(name):
    assert_same_bits(trained, name, 1)
    assert_same_bits(differentiated, name, 1)
