"""Forward passes that can be traced, in all the usual ways of writing them."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.kernels.models import CLASSES, SHAPE, Model, conv, head
from tests.kernels.reference import (
    batch_of,
    differentiate,
    make_plan,
    pixels,
    random_batches,
    randomise,
    twin_of,
)


class MyReLU(nn.ReLU):
    """The same forward pass, written in a way that can be traced."""


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.one, self.two = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def forward(self, x):
        out = self.relu(self.norm(self.one(x)))
        out = self.two(out)
        out += x
        return self.relu(out)


def flattening(how):
    return lambda: Model(lambda m, x: m.last(how(m.conv(x))), conv=conv(), last=head())


def sizeable(m, x):
    size = x.size(0)
    return m.last(functional.relu(m.conv(x)).view(size, 64))


def two_ways(m, x):
    x = m.conv(x)
    return m.last(m.flatten(torch.relu(x) + m.again(x)))


def branches(m, x):
    one, other = torch.flatten(m.first(x), 1), m.second(x).flatten(1)
    return m.last(torch.add(one, other)) + m.other(one)


def pooling(*args, **options):
    return lambda: Model(
        lambda m, x: m.last(functional.max_pool2d(m.conv(x), *args, **options).flatten(1)),
        conv=conv(),
        last=head(16),
    )


SUPPORTED = {
    "nested": lambda: nn.Sequential(
        nn.Sequential(conv(), nn.Sequential(nn.ReLU(), nn.MaxPool2d(2, 2))),
        nn.Sequential(nn.Flatten(), head(16)),
    ),
    "nothing but Flatten and Linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, CLASSES)),
    "a convolution as the last": lambda: nn.Sequential(
        conv(), nn.ReLU(), nn.Conv2d(4, CLASSES, 4), nn.Flatten()
    ),
    "blocks, one ReLU used twice": lambda: nn.Sequential(
        conv(), Block(4), Block(4), nn.Flatten(), head()
    ),
    "ReLU in place": lambda: nn.Sequential(conv(), nn.ReLU(inplace=True), nn.Flatten(), head()),
    "two ReLUs": lambda: nn.Sequential(
        conv(), nn.ReLU(), nn.ReLU(), nn.AvgPool2d(2), nn.ReLU(), nn.Flatten(), head(16)
    ),
    "a ReLU of a user's": lambda: nn.Sequential(conv(), MyReLU(), nn.Flatten(), head()),
    "a ReLU last": lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, CLASSES), nn.ReLU()),
    "normalised images": lambda: nn.Sequential(nn.BatchNorm2d(2), conv(), nn.Flatten(), head()),
    "pooled images": lambda: nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), head(18)),
    "a ReLU after Flatten": lambda: nn.Sequential(
        conv(), nn.MaxPool2d(2), nn.Flatten(), nn.ReLU(), head(16)
    ),
    "Dropout of nothing": lambda: nn.Sequential(conv(), nn.Dropout(0.0), nn.Flatten(), head()),
    "F.relu": flattening(lambda x: torch.flatten(functional.relu(x), 1)),
    "torch.relu": flattening(lambda x: torch.flatten(torch.relu(x), start_dim=1)),
    "x.relu": flattening(lambda x: x.relu().flatten(1)),
    "view of size": flattening(lambda x: x.view(x.size(0), -1)),
    "view of -1": flattening(lambda x: x.view(-1, 64)),
    "reshape of shape": flattening(lambda x: x.reshape(x.shape[0], -1)),
    "view of both": lambda: Model(sizeable, conv=conv(), last=head()),
    "max_pool2d": pooling(2),
    "max_pool2d, stride": pooling((2, 2), stride=2),
    "max_pool2d, kernel_size": pooling(kernel_size=2),
    "a value used twice": lambda: Model(
        two_ways, conv=conv(), again=nn.ReLU(), flatten=nn.Flatten(), last=head()
    ),
    "two convolutions added": lambda: Model(
        lambda m, x: m.last((m.conv(x) + m.other(x)).flatten(1)), **two()
    ),
    "a value added to itself": flattening(lambda x: (x + x).flatten(1)),
    "a value added to itself by torch": flattening(lambda x: torch.add(x, x).flatten(1)),
    "branches": lambda: Model(
        branches, first=conv(), second=conv(), last=nn.Linear(64, CLASSES), other=head()
    ),
}


class TakesMany(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Sequential(nn.Flatten(), head(72))

    def forward(self, *images):
        return self.last(images[0])


SUPPORTED |= {
    "*images": TakesMany,
    **{
        f"a parameter named {name}": lambda name=name: Model(
            lambda m, x: m.last(x.flatten(1)) + getattr(m, name),
            last=head(72),
            **{name: nn.Parameter(torch.ones(CLASSES))},
        )
        for name in ("relu", "view")
    },
}


def two():
    return {"conv": conv(), "other": nn.Conv2d(2, 4, 5, padding=1), "last": head()}


@pytest.mark.parametrize("name", SUPPORTED)
def test_what_is_supported_gives_what_pytorch_gives(name):
    assert_as_pytorch(SUPPORTED[name])


def assert_as_pytorch(build):
    """Logits and gradients of a plan are those of the model in float64."""
    try:
        model = build()
        differentiate(twin_of(model), *batch_of(random_batches(3, SHAPE, CLASSES), 0))
    except RuntimeError as error:
        raise AssertionError("the test's own model is wrong") from error
    randomise(model)
    batches = random_batches(27, SHAPE, CLASSES)
    wide = twin_of(model)
    _, _, gradients = differentiate(wide, *batch_of(batches, 0))
    plan = make_plan(model, SHAPE, CLASSES)
    plan.train(batches, 0, 1, None)
    for ours, exact in zip(model.parameters(), gradients, strict=True):
        if exact is None:
            assert ours.grad is None
        else:
            torch.testing.assert_close(ours.grad.double(), exact, atol=2e-6, rtol=1e-5)
    with torch.no_grad():
        exact = wide.eval()(pixels(batches.images))
    torch.testing.assert_close(plan.logits(batches.images).double(), exact, atol=5e-6, rtol=0)
    assert model.training
