"""Models for which tracing is not enough: a plan must agree with PyTorch, or be refused."""

import random
import types
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.agreement import _near
from mnistlab.models import build_model
from mnistlab.recipe import Recipe
from tests.kernels.models import CLASSES, SHAPE, Model, conv, head
from tests.kernels.reference import (
    batch_of,
    differentiate,
    make_checked_plan,
    pixels,
    random_batches,
    randomise,
)


def hidden():
    return nn.Linear(72, 8)


def summed_in_place(m, x):
    one = m.one(x.flatten(1))
    same = one
    one += m.other(x.flatten(1))
    return m.last(one + same)


def through_identity(m, x):
    x = m.one(x.flatten(1))
    return m.last(m.relu(m.same(x)) + x)


def through_flatten(m, x):
    x = m.conv(x)
    return m.last(m.relu(x.flatten(1))) + m.other(m.mean(x).flatten(1))


def without_gradient(m, x):
    with torch.no_grad():
        x = m.one(x.flatten(1))
    return m.last(x)


def forget_gradient(parameter):
    parameter.grad.zero_()


def gradient_hook(register):
    def build():
        model = nn.Sequential(nn.Flatten(), head(72))
        register(model[1].weight)
        return model

    return build


def patched_layer():
    model = nn.Sequential(nn.Flatten(), head(72))
    model[1].forward = types.MethodType(
        lambda self, x: functional.linear(x, 2 * self.weight, self.bias), model[1]
    )
    return model


def patched_model():
    model = nn.Sequential(nn.Flatten(), head(72))
    model.forward = types.MethodType(lambda self, x: 2 * self[1](self[0](x)), model)
    return model


class CallsOtherwise(nn.Sequential):
    def __call__(self, x):
        return 2 * super().__call__(x)


class FrozenNorm(nn.Sequential):
    """The usual way to train with frozen running averages."""

    def train(self, mode=True):
        super().train(mode)
        self[1].eval()
        return self


def norm_in_evaluation():
    model = nn.Sequential(conv(), nn.BatchNorm2d(4), nn.Flatten(), head())
    model[1].eval()
    return model


MODELS = {
    "a scaled sum": lambda: Model(
        lambda m, x: m.last(torch.add(m.same(x), x, alpha=3).flatten(1)),
        same=nn.Identity(),
        last=head(72),
    ),
    "a scaled sum with itself": lambda: Model(
        lambda m, x: m.last(torch.add(x, x, alpha=3).flatten(1)), last=head(72)
    ),
    "a sum in place of a value used elsewhere": lambda: Model(
        summed_in_place, one=hidden(), other=hidden(), last=head(8)
    ),
    "a ReLU in place behind Identity": lambda: Model(
        through_identity, one=hidden(), same=nn.Identity(), relu=nn.ReLU(inplace=True), last=head(8)
    ),
    "a ReLU in place behind flatten": lambda: Model(
        through_flatten,
        conv=conv(),
        relu=nn.ReLU(inplace=True),
        mean=nn.AdaptiveAvgPool2d(1),
        last=head(),
        other=head(4),
    ),
    "no_grad in forward": lambda: Model(without_gradient, one=hidden(), last=head(8)),
    "a hook on a parameter": gradient_hook(
        lambda p: p.register_hook(lambda gradient: 0 * gradient)
    ),
    "a hook after a gradient": gradient_hook(
        lambda p: p.register_post_accumulate_grad_hook(forget_gradient)
    ),
    "another forward of one layer": patched_layer,
    "another forward of one model": patched_model,
    "another __call__": lambda: CallsOtherwise(nn.Flatten(), head(72)),
    "a normalisation that stays in evaluation": lambda: FrozenNorm(
        conv(), nn.BatchNorm2d(4), nn.Flatten(), head()
    ).train(),
    "a normalisation put in evaluation": norm_in_evaluation,
    "a padded convolution of one pixel": lambda: nn.Sequential(
        nn.Conv2d(2, 1, 6), nn.Conv2d(1, 4, 3, padding=1), nn.Flatten(), head(4)
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_plan_agrees_with_pytorch_or_is_refused(name):
    # Built twice, since a copy would lose the hooks.
    model, wide = (randomise(MODELS[name](), seed=1) for _ in range(2))
    wide = wide.double()
    batches = random_batches(20, SHAPE, CLASSES)
    try:
        plan = make_checked_plan(model, SHAPE, CLASSES)
    except KernelError:
        return
    loss, _, gradients = differentiate(wide, *batch_of(batches, 0))
    plan.train(batches, 0, 1, None)
    assert batches.losses.item() == pytest.approx(loss, abs=1e-5)
    for ours, exact in zip(model.parameters(), gradients, strict=True):
        expected = torch.zeros_like(ours) if exact is None else exact
        torch.testing.assert_close(ours.grad.double(), expected.double(), atol=1e-5, rtol=0)
    with torch.no_grad():
        exact = wide.eval()(pixels(batches.images))
    torch.testing.assert_close(plan.logits(batches.images).double(), exact, atol=1e-5, rtol=0)


def skips_at_random(m, x):
    x = m.one(x.flatten(1))
    return m.last(x if m.training and torch.rand(()) < 0.3 else m.other(x))


def test_a_forward_pass_that_draws_is_refused_whatever_it_draws():
    """Stochastic depth (Huang et al., 2016): a plan would skip the layer always or never."""
    refused = []
    for seed in range(10):
        torch.manual_seed(seed)
        try:
            make_checked_plan(
                Model(skips_at_random, one=hidden(), other=nn.Linear(8, 8), last=head(8)),
                SHAPE,
                CLASSES,
            )
        except KernelError:
            refused.append(seed)
    assert refused == list(range(10))


def test_making_a_plan_draws_nothing_that_others_would_notice():
    def draws(m, x):
        torch.rand(())
        random.random()
        return m.last(x.flatten(1))

    torch.manual_seed(0)
    random.seed(0)
    model = Model(draws, last=head(72))
    before = torch.get_rng_state(), random.getstate()
    with suppress(KernelError):
        make_checked_plan(model, SHAPE, CLASSES)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]


def test_making_a_plan_leaves_the_modes_of_layers():
    model = norm_in_evaluation()
    with suppress(KernelError):
        make_checked_plan(model, SHAPE, CLASSES)
    assert [module.training for module in model] == [True, False, True, True]


def test_pytorchs_own_rounding_does_not_count():
    # At 512 pixels its float32 gradients are further from float64's than the plan's are.
    recipe = Recipe(model="convnet", channels=((2,),))
    torch.manual_seed(0)
    model = build_model(recipe, (1, 512, 512), 10)
    assert make_checked_plan(model, (1, 512, 512), 10).classes == 10


@pytest.mark.parametrize(
    "to_float32",
    [
        Tensor.float,
        lambda x: x.to(torch.float32),
        lambda x: x.to(dtype=torch.float32),
        lambda x: x.type(torch.float32),
    ],
    ids=["float()", "to(float32)", "to(dtype=float32)", "type(float32)"],
)
def test_a_model_that_asks_for_float32_is_compared_in_float64_too(to_float32):
    # A convolution's bias before batch normalisation has a gradient of pure rounding.
    torch.manual_seed(0)
    layers = [
        layer
        for width in (3, *[16] * 7)
        for layer in (nn.Conv2d(width, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
    ]
    model = Model(
        lambda m, x: m.last(to_float32(m.layers(x)).mean((2, 3))),
        layers=nn.Sequential(*layers),
        last=nn.Linear(16, 10),
    )
    assert make_checked_plan(model, (3, 32, 32), 10).classes == 10


@pytest.mark.parametrize(("found", "near"), [(1.01, True), (1.3, True), (1.7, False)])
def test_a_result_may_be_as_far_from_float64_as_pytorchs(found, near):
    tensors = (torch.tensor([value]) for value in (found, 1.2, 1.0))
    assert _near(*tensors, 0.0) is near
