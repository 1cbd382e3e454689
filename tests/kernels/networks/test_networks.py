"""Every network of the table trains: planned or refused as it says, with PyTorch's result."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from mnistlab import built_in
from mnistlab.recipe import ModelInput
from mnistlab.training.backend import choose_backend
from mnistlab.training.loss import Loss
from mnistlab.training.optimizers import Update
from mnistlab.training.randomness import seed_global
from tests.kernels.networks.table import NETWORKS
from tests.kernels.reference import (
    MEAN,
    STD,
    batch_of,
    differentiate,
    pixels,
    random_batches,
    twin_of,
)

CPU = torch.device("cpu")
STEPS, BATCH = 10, 18
RATE = 0.001
"""So small that a near tie in pooling, which rounding decides, does not grow in ten steps."""


@pytest.fixture(autouse=True)
def _no_dropout(monkeypatch):
    """Without dropout, whose draws are the kernels' own."""
    for name in ("dropout", "dropout2d", "alpha_dropout"):
        monkeypatch.setattr(functional, name, lambda input, *args, **options: input)


def build(name):
    with torch.random.fork_rng():
        torch.manual_seed(len(name))
        model = NETWORKS[name].build()
    for module in model.modules():
        if isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0
    return model


def batches_of(name, count=1):
    return random_batches(count * BATCH - count // 2, NETWORKS[name].shape, 10, BATCH, rate=RATE)


def backend_of(model, name, optimizer):
    channels, height, width = NETWORKS[name].shape
    model_input = ModelInput(
        channels=channels,
        height=height,
        width=width,
        fit="pad",
        mean=(MEAN,) * channels,
        std=(STD,) * channels,
    )
    recipe = built_in("lenet5").model_copy(update={"batch_size": BATCH})
    update = Update(model, recipe, optimizer, [])
    return choose_backend(model, recipe, update, Loss(), model_input, 10, CPU, "auto")


def train_alone(model, batches):
    """Train in plain PyTorch, in the model's dtype."""
    optimizer = torch.optim.SGD(model.parameters())
    for number, rate in enumerate(batches.rates.tolist()):
        optimizer.param_groups[0]["lr"] = rate
        seed_global(int(batches.dropout_seeds[number]), CPU)
        differentiate(model, *batch_of(batches, number, next(model.parameters()).dtype))
        optimizer.step()


def state(model):
    return torch.cat(
        [
            value.double().flatten()
            for value in model.state_dict().values()
            if value.is_floating_point()
        ]
    )


def agrees(ours, plain, exact):
    """Whether gradients agree with float64's, about as closely as PyTorch's float32."""
    whole = torch.stack([gradient.norm() for gradient in exact]).norm()
    return all(
        (a - c).norm() <= max(1e-5 * c.norm() + 1e-6 * whole, 3 * (b - c).norm())
        for a, b, c in zip(ours, plain, exact, strict=True)
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_refused_as_the_table_says_or_agrees_with_float64(name):
    model = build(name)
    wide, plain, batches = twin_of(model), twin_of(model, torch.float32), batches_of(name, 3)
    batches.rates.zero_()
    backend = backend_of(model, name, torch.optim.SGD(model.parameters(), lr=0.0))
    if refused := NETWORKS[name].refused:
        assert backend.kernels == "torch"
        assert refused in backend.reason
        return
    assert backend.reason == ""

    def agrees_on(number):
        _, _, exact = differentiate(wide, *batch_of(batches, number))
        _, _, theirs = differentiate(plain, *batch_of(batches, number, torch.float32))
        backend.train(batches, number, number + 1)
        return agrees([parameter.grad for parameter in model.parameters()], theirs, exact)

    # A near tie in pooling may send a gradient elsewhere, but not in every batch.
    assert any(map(agrees_on, range(3)))
    wide.load_state_dict(model.state_dict())
    with torch.no_grad():
        expected = wide.eval()(pixels(batches.images))
    assert (backend.logits(batches.images) - expected).norm() <= 1e-5 * expected.norm()


@pytest.mark.parametrize("name", NETWORKS)
def test_ten_steps_are_those_of_pytorch(name):
    model = build(name)
    wide, plain, batches = twin_of(model), twin_of(model, torch.float32), batches_of(name, STEPS)
    backend = backend_of(model, name, torch.optim.SGD(model.parameters()))
    with torch.random.fork_rng():
        backend.train(batches, 0, STEPS)
        train_alone(wide, batches)
        train_alone(plain, batches)
    exact = state(wide)
    ours, theirs = ((state(one) - exact).norm() / exact.norm() for one in (model, plain))
    # In a deep network rounding decides on which side of zero a few values lie.
    assert ours <= max(1e-6, 3 * theirs)
