"""Every native layer, and networks of them, compared with PyTorch in float64."""

from itertools import pairwise

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from tests.kernels.reference import (
    batch_of,
    differentiate,
    make_plan,
    pixels,
    random_batches,
    randomise,
    train_in_pytorch,
    twin_of,
)

CLASSES = 5
SEEDS = st.integers(0, 10_000)
SIDES = st.integers(1, 13)
COUNTS = st.integers(1, 50)
SEVERAL = st.integers(8, 50)
"""With fewer images, batch norm cancels nearly all of its own gradient, and rounding errors
remain."""
THREADS = st.integers(1, 2)
SMOOTHING = st.sampled_from([0.0, 0.1, 0.5, 1.0])
modest = settings(deadline=None, max_examples=25)


class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.branch = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.branch(x)


def largest(tensors):
    return max((tensor.abs().max().item() for tensor in tensors), default=0.0)


def how_far_rounding_moves(model, images, labels, smoothing, loss, gradients):
    """Return how loss and gradients change if pixels and layer outputs change by one part in 1e6.

    In float32, a value near the kink of ReLU may fall on either side of it, as may two close values
    in a pooling window, and normalising values that hardly differ magnifies rounding errors.
    """
    moved, loss_moved = [0.0] * len(gradients), 0.0
    for sign in (1e-6, -1e-6):
        random = torch.Generator().manual_seed(1)

        def shake(values, sign=sign, random=random):
            return values * (1 + sign * torch.randn(values.shape, generator=random))

        other = twin_of(model)
        for module in other.modules():
            if not list(module.children()):
                module.register_forward_hook(
                    lambda _module, _inputs, output, shake=shake: shake(output)
                )
        other_loss, _, others = differentiate(other, shake(images), labels, smoothing)
        loss_moved = max(loss_moved, abs(other_loss - loss))
        for k, gradient in enumerate(others):
            moved[k] = max(moved[k], (gradient - gradients[k]).abs().max().item())
    return loss_moved, moved


def check(model, shape, count, *, seed, threads=1, smoothing=0.0, slack=2e-5):
    """Compare loss, ``correct``, gradients, running averages and evaluation logits of a batch."""
    randomise(model, seed)
    batches = random_batches(count, shape, CLASSES, seed=seed)
    wide, narrow = twin_of(model), twin_of(model, torch.float32)
    images, labels = batch_of(batches, 0)
    loss, correct, gradients = differentiate(wide, images, labels, smoothing)
    theirs = differentiate(narrow, images.float(), labels, smoothing)[2]
    loss_moved, moved = how_far_rounding_moves(model, images, labels, smoothing, loss, gradients)
    assume(max(moved, default=0) <= 1e-3 * largest(gradients))
    plan = make_plan(model, shape, CLASSES)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    plan.train(batches, 0, 1, None, smoothing=smoothing, threads=threads)
    assert batches.losses.item() == pytest.approx(loss, rel=4e-6, abs=2e-6 + 2 * loss_moved)
    # Where two logits are equal except for rounding, either may be the larger.
    first, second = twin_of(wide)(images).detach().topk(2, dim=1).values.T
    assert (
        abs(batches.correct.item() - correct)
        <= ((first - second) < 1e-5 * first.abs().clamp(min=1)).sum()
    )
    for (name, parameter), exact, their, far in zip(
        model.named_parameters(), gradients, theirs, moved, strict=True
    ):
        allowed = (
            3e-5 * exact.abs().max()
            + 3 * far
            + 4 * (their - exact).abs().max()
            + slack * largest(gradients)
        )
        assert (parameter.grad - exact).abs().max() <= allowed, name
    for parameter, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
    for (name, ours), exact in zip(model.named_buffers(), wide.buffers(), strict=True):
        torch.testing.assert_close(ours.double(), exact.double(), rtol=2e-6, atol=2e-6, msg=name)
    with torch.no_grad():
        exact = wide.eval()(pixels(batches.images))
    torch.testing.assert_close(
        plan.logits(batches.images, threads=threads).double(),
        exact,
        rtol=0,
        atol=4e-6 * max(1, exact.abs().max().item()),
    )


@st.composite
def convolutions(draw, channels, height, width):
    """A convolution that fits, and its output shape."""
    kernel, padding = [], []
    for side in (height, width):
        kernel.append(draw(st.sampled_from([1, 2, 3, 5, 7])))
        fewest = max(0, -(-(kernel[-1] - side) // 2))
        # A kernel that overhangs a single pixel on both sides is in test_unfit.py.
        assume(fewest == 0 or height * width > 1)
        padding.append(draw(st.integers(fewest, kernel[-1] - 1)) if height * width > 1 else 0)
    outputs = draw(st.one_of(st.integers(1, 9), st.sampled_from([13, 17, 29])))
    sides = [n + 2 * p - k + 1 for n, p, k in zip((height, width), padding, kernel)]
    named: dict[tuple[int, ...], str] = {(0, 0): "valid"}
    if all(k % 2 for k in kernel):
        named[kernel[0] // 2, kernel[1] // 2] = "same"
    chosen = named.get(tuple(padding), tuple(padding)) if draw(st.booleans()) else tuple(padding)
    layer = nn.Conv2d(channels, outputs, tuple(kernel), padding=chosen, bias=draw(st.booleans()))
    return layer, (outputs, *sides)


@modest
@given(data=st.data(), count=COUNTS, threads=THREADS, seed=SEEDS)
def test_convolution(data, count, threads, seed):
    shape = data.draw(st.tuples(st.integers(1, 4), SIDES, SIDES))
    first, middle = data.draw(convolutions(*shape))
    second, last = data.draw(convolutions(*middle))
    model = nn.Sequential(
        first, second, nn.Flatten(), nn.Linear(last[0] * last[1] * last[2], CLASSES)
    )
    check(model, shape, count, seed=seed, threads=threads)


@modest
@given(
    sizes=st.lists(st.integers(1, 70), max_size=3),
    bias=st.booleans(),
    count=COUNTS,
    smoothing=SMOOTHING,
    seed=SEEDS,
)
def test_linear(sizes, bias, count, smoothing, seed):
    shape = (2, 3, 5)
    sizes = [30, *sizes, CLASSES]
    layers = [nn.Linear(a, b, bias=bias) for a, b in pairwise(sizes)]
    check(nn.Sequential(nn.Flatten(), *layers), shape, count, seed=seed, smoothing=smoothing)


@modest
@given(
    order=st.permutations(["norm", "relu", "pool"]),
    pool=st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]),
    affine=st.booleans(),
    sides=st.tuples(st.integers(2, 11), st.integers(2, 11)),
    channels=st.integers(1, 7),
    count=SEVERAL,
    threads=THREADS,
    seed=SEEDS,
)
def test_normalisation_relu_and_pooling_in_any_order(
    order, pool, affine, sides, channels, count, threads, seed
):
    stages = {"norm": nn.BatchNorm2d(channels, affine=affine), "relu": nn.ReLU(), "pool": pool(2)}
    size = channels * (sides[0] // 2) * (sides[1] // 2)
    layers = [
        nn.Conv2d(1, channels, 1),
        *(stages[name] for name in order),
        nn.Flatten(),
        nn.Linear(size, CLASSES),
    ]
    check(nn.Sequential(*layers), (1, *sides), count, seed=seed, threads=threads)


@modest
@given(
    channels=st.integers(1, 5),
    height=SIDES,
    width=SIDES,
    wide=st.integers(1, 20),
    count=SEVERAL,
    seed=SEEDS,
)
def test_global_average_and_normalisation_of_vectors(channels, height, width, wide, count, seed):
    model = nn.Sequential(
        *(
            nn.Conv2d(2, channels, 1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(channels, wide),
        ),
        *(nn.BatchNorm1d(wide, eps=1e-3, momentum=0.3), nn.ReLU(), nn.Linear(wide, CLASSES)),
    )
    check(model, (2, height, width), count, seed=seed)


@st.composite
def networks(draw):
    """Any layers in any order, with residual additions, and the shape of the images."""
    channels, height, width = shape = draw(
        st.tuples(st.integers(1, 3), st.integers(1, 11), st.integers(1, 11))
    )
    layers = []
    kinds = ["convolution", "norm", "relu", "largest", "mean", "global", "residual", "identity"]
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=6)):
        if kind == "convolution":
            layer, (channels, height, width) = draw(convolutions(channels, height, width))
            layers.append(layer)
        elif kind in ("largest", "mean") and min(height, width) > 1:
            layers.append(nn.MaxPool2d(2) if kind == "largest" else nn.AvgPool2d((2, 2)))
            height, width = height // 2, width // 2
        elif kind == "residual" and height * width > 1:
            inside = [
                nn.Conv2d(channels, channels, 3, padding=1),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Identity(),
            ]
            layers.append(Residual(*draw(st.permutations(inside))[: draw(st.integers(1, 4))]))
        elif kind == "global":
            layers.append(nn.AdaptiveAvgPool2d((1, 1)))
            height = width = 1
        elif kind == "norm":
            layers.append(
                nn.BatchNorm2d(channels, affine=draw(st.booleans()), momentum=draw(st.floats(0, 1)))
            )
        else:
            layers.append(nn.ReLU() if kind == "relu" else nn.Identity())
    layers.append(nn.Flatten())
    size = channels * height * width
    flattened = height * width > 1
    for kind in draw(st.lists(st.sampled_from(["linear", "norm", "relu", "residual"]), max_size=4)):
        if kind == "linear" or size > 40 or (flattened and kind != "relu"):
            flattened = False
            layers.append(nn.Linear(size, wide := draw(st.integers(1, 20))))
            size = wide
        elif kind == "residual":
            layers.append(Residual(nn.Linear(size, size), nn.ReLU(), nn.BatchNorm1d(size)))
        elif kind == "norm":
            layers.append(nn.BatchNorm1d(size))
        else:
            layers.append(nn.ReLU())
    layers.append(nn.Linear(size, CLASSES, bias=draw(st.booleans())))
    return nn.Sequential(*layers), shape


@settings(deadline=None, max_examples=50)
@given(network=networks(), count=SEVERAL, threads=THREADS, smoothing=SMOOTHING, seed=SEEDS)
def test_networks(network, count, threads, smoothing, seed):
    check(*network, count, seed=seed, threads=threads, smoothing=smoothing)


@modest
@given(
    channels=st.integers(1, 5), sides=st.tuples(SIDES, SIDES), count=st.integers(2, 7), seed=SEEDS
)
def test_normalisation_of_few_images(channels, sides, count, seed):
    model = nn.Sequential(
        *(nn.Conv2d(1, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(), nn.Flatten()),
        nn.Linear(channels * sides[0] * sides[1], CLASSES),
    )
    check(model, (1, *sides), count, seed=seed)


def test_evaluation_after_training_uses_the_running_averages():
    shape = (2, 7, 6)
    model = nn.Sequential(
        *(
            nn.Conv2d(2, 3, 3, bias=False),
            nn.BatchNorm2d(3, momentum=0.3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        ),
        *(nn.Linear(12, 6), nn.BatchNorm1d(6, affine=False), nn.ReLU(), nn.Linear(6, CLASSES)),
    )
    wide = twin_of(randomise(model))
    batches = random_batches(83, shape, CLASSES, batch=20)
    plan = make_plan(model, shape, CLASSES)
    plan.train(batches, 0, 5, torch.optim.SGD(model.parameters(), lr=1.0))
    train_in_pytorch(wide, batches, torch.optim.SGD(wide.parameters(), lr=1.0))
    assert model[1].num_batches_tracked == model[6].num_batches_tracked == 5
    for ours, exact in zip(model.buffers(), wide.buffers(), strict=True):
        torch.testing.assert_close(ours.double(), exact.double(), rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        exact = wide.eval()(pixels(batches.images))
    torch.testing.assert_close(plan.logits(batches.images).double(), exact, rtol=0, atol=1e-5)
