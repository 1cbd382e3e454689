"""Training is compared with PyTorch in float64, and gives the same bits on any threads."""

import copy

import pytest
import torch
from torch import nn

from mnistlab.errors import KernelError
from tests.kernels.reference import (
    batch_of,
    differentiate,
    make_plan,
    random_batches,
    randomise,
    train_in_pytorch,
    twin_of,
)

SHAPE, CLASSES = (2, 9, 8), 5
STEPS, BATCH = 10, 37
OPTIMISERS = {
    "plain": (torch.optim.SGD, {}),
    "decayed": (torch.optim.SGD, {"weight_decay": 0.01}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
    "adamw": (torch.optim.AdamW, {"weight_decay": 0.1}),
    "adam": (torch.optim.Adam, {}),
    "adam, decayed": (torch.optim.Adam, {"betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.1}),
    "adam, decoupled": (torch.optim.Adam, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    # An epsilon that matters, and averages that forget quickly.
    "adamw, other constants": (
        torch.optim.AdamW,
        {"betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.0},
    ),
}


def network(norm=True, seed=0):
    # The gradient of a bias before batch norm is rounding error only, which AdamW would turn into
    # full steps.
    layers = [
        *(
            nn.Conv2d(2, 4, 3, padding=1, bias=not norm),
            nn.BatchNorm2d(4) if norm else nn.Identity(),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ),
        *(
            nn.Conv2d(4, 6, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(24, 11),
            nn.ReLU(),
            nn.Linear(11, CLASSES),
        ),
    ]
    return randomise(nn.Sequential(*layers), seed)


def start(model, name, rate=0.02):
    kind, options = OPTIMISERS[name]
    return kind(model.parameters(), lr=rate, **options)


def rate_of(name):
    return 0.002 if "adam" in name else 0.05


def assert_same_parameters(model, wide, atol=1e-6):
    for (name, ours), exact in zip(model.named_parameters(), wide.parameters(), strict=True):
        torch.testing.assert_close(
            ours.double(), exact.double(), atol=atol, rtol=0, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize("norm", [False, True], ids=["", "norm"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_ten_steps_are_those_of_pytorch_in_float64(name, norm):
    model = network(norm)
    wide = twin_of(model)
    batches = random_batches(STEPS * BATCH - 8, SHAPE, CLASSES, BATCH, seed=3, rate=rate_of(name))
    averages, exact_averages = ([p.detach().clone() for p in m.parameters()] for m in (model, wide))
    optimiser, exact_optimiser = start(model, name), start(wide, name)
    plan = make_plan(model, SHAPE, CLASSES)
    plan.train(batches, 0, 4, optimiser, smoothing=0.1, averages=averages, decay=0.8)
    plan.train(batches, 4, STEPS, optimiser, smoothing=0.1, averages=averages, decay=0.8)
    losses = train_in_pytorch(wide, batches, exact_optimiser, exact_averages, 0.8, smoothing=0.1)
    assert batches.losses.tolist() == pytest.approx(losses, abs=2e-6)
    assert_same_parameters(model, wide)
    for ours, exact in zip(averages, exact_averages, strict=True):
        torch.testing.assert_close(ours.double(), exact, atol=1e-6, rtol=0)
    for ours, exact in zip(model.parameters(), wide.parameters(), strict=True):
        mine, theirs = optimiser.state[ours], exact_optimiser.state[exact]
        assert mine.keys() == theirs.keys()
        for key in mine:
            # AdamW's constants are kept in float32, in which 1 - 0.999 has five digits.
            atol = 3e-5 * theirs[key].abs().max().item() if key == "exp_avg_sq" else 2e-6
            torch.testing.assert_close(mine[key].double(), theirs[key].double(), atol=atol, rtol=0)


@pytest.mark.parametrize("name", ["momentum", "adamw", "adam"])
def test_pytorch_goes_on_from_the_plans_state_and_the_plan_from_pytorchs(name):
    model = network()
    wide = twin_of(model)
    batches = random_batches(6 * BATCH, SHAPE, CLASSES, BATCH, seed=4, rate=rate_of(name))
    optimiser = start(model, name)
    plan = make_plan(model, SHAPE, CLASSES)
    for number in range(6):
        if number % 2:
            plan.train(batches, number, number + 1, optimiser)
            continue
        images, labels = batch_of(batches, number, torch.float32)
        differentiate(model, images, labels)
        optimiser.param_groups[0]["lr"] = float(batches.rates[number])
        optimiser.step()
    train_in_pytorch(wide, batches, start(wide, name))
    assert_same_parameters(model, wide, 2e-6)


@pytest.mark.parametrize("name", ["nesterov", "adamw"])
def test_frozen_parameters_stay_and_the_others_train(name):
    model = network()
    for frozen in (model[0].weight, model[1].bias, model[7].bias, model[9].weight):
        frozen.requires_grad_(False)
    wide, before = twin_of(model), copy.deepcopy(model.state_dict())
    batches = random_batches(4 * BATCH, SHAPE, CLASSES, BATCH, seed=5, rate=rate_of(name))
    make_plan(model, SHAPE, CLASSES).train(batches, 0, 4, start(model, name))
    train_in_pytorch(wide, batches, start(wide, name))
    assert_same_parameters(model, wide)
    for key, parameter in model.named_parameters():
        assert torch.equal(parameter, before[key]) == (not parameter.requires_grad), key


def outcome(count, batch, threads, calls, name="adamw", norm=True, dropout=True):
    """Everything that training changes, as one vector."""
    model = network(norm)
    if dropout:
        model.insert(9, nn.Dropout(0.3))
    averages = [parameter.detach().clone() for parameter in model.parameters()]
    optimiser = start(model, name)
    batches = random_batches(count, SHAPE, CLASSES, batch, seed=6, rate=rate_of(name))
    plan = make_plan(model, SHAPE, CLASSES)
    steps = len(batches.rates)
    for first, last in (
        ((k, k + 1) for k in range(steps)) if calls == "one by one" else ((0, steps),)
    ):
        plan.train(batches, first, last, optimiser, averages=averages, decay=0.9, threads=threads)
    state = [value for p in model.parameters() for value in optimiser.state[p].values()]
    logits = plan.logits(batches.images, threads=threads)
    parts = [
        *model.state_dict().values(),
        *averages,
        *state,
        batches.losses,
        batches.correct,
        logits,
    ]
    return torch.cat([part.double().flatten() for part in parts])


@pytest.mark.parametrize("norm", [False, True], ids=["", "norm"])
@pytest.mark.parametrize("batch", [5, 16, 50, 300, 530])
def test_the_same_bits_on_any_threads_and_in_calls_of_any_length(batch, norm):
    # 300 and 530 images are more than 16 tiles of 16, so that some groups sum several.
    count = 2 * batch + batch // 2
    expected = outcome(count, batch, 1, "at once", norm=norm)
    assert expected.isfinite().all()
    for threads in (1, 2, 3, 7):
        for calls in ("at once", "one by one"):
            assert torch.equal(outcome(count, batch, threads, calls, norm=norm), expected)


@pytest.mark.parametrize("batch", [1, 15, 17, 31, 257, 529])
def test_batches_of_any_size_with_a_last_partial_one(batch):
    model = network(norm=False)
    wide = twin_of(model)
    batches = random_batches(
        2 * batch + max(1, batch // 3), SHAPE, CLASSES, batch, seed=7, rate=0.02
    )
    make_plan(model, SHAPE, CLASSES).train(batches, 0, 3, start(model, "momentum"), threads=2)
    losses = train_in_pytorch(wide, batches, start(wide, "momentum"))
    assert batches.losses.tolist() == pytest.approx(losses, abs=2e-6)
    assert_same_parameters(model, wide)


def test_a_call_trains_the_batches_asked_for_and_no_other():
    model = network()
    before = copy.deepcopy(model.state_dict())
    batches = random_batches(60, SHAPE, CLASSES, 20)
    plan = make_plan(model, SHAPE, CLASSES)
    plan.train(batches, 1, 1, start(model, "adamw"))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    plan.train(batches, 1, 2, start(model, "adamw"))
    assert batches.losses[1] > 0
    assert batches.losses[0] == batches.losses[2] == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("layer", [0, 4, 9])
def test_a_weight_that_is_not_finite_shows_in_the_loss(layer, value):
    model = network(norm=False)
    with torch.no_grad():
        model[layer].weight.view(-1)[0] = value
    batches = random_batches(20, SHAPE, CLASSES)
    make_plan(model, SHAPE, CLASSES).train(batches, 0, 1, None)
    assert not batches.losses.isfinite().any()


def flushes_denormals():
    tiny = torch.tensor(1e-30), torch.tensor(1e-10)
    return (tiny[0] * tiny[1]).item() == 0.0 or (tiny[0].numpy() * tiny[1].numpy()) == 0.0


@pytest.mark.parametrize("threads", [1, 3])
def test_the_processs_own_denormals_are_left_alone(threads):
    model = network()
    plan = make_plan(model, SHAPE, CLASSES)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1e-30)
    assert not flushes_denormals()
    batches = random_batches(100, SHAPE, CLASSES, 50, rate=1e-9)
    plan.train(batches, 0, 2, start(model, "adamw"), threads=threads)
    assert not flushes_denormals()
    assert plan.logits(batches.images, threads=threads).isfinite().all()
    assert not flushes_denormals()
    assert batches.losses.isfinite().all()


@pytest.mark.parametrize("threads", [0, -1])
def test_a_team_of_nobody_is_refused(threads):
    with pytest.raises(KernelError, match="threads"):
        make_plan(network(), SHAPE, CLASSES).train(
            random_batches(9, SHAPE, CLASSES), 0, 1, None, threads=threads
        )


def test_images_of_another_shape_or_type_are_refused():
    plan = make_plan(network(), SHAPE, CLASSES)
    with pytest.raises(ValueError, match=r"\(2, 8, 9\)"):
        plan.logits(torch.zeros(3, 2, 8, 9, dtype=torch.uint8))
    with pytest.raises(ValueError, match="uint8"):
        plan.logits(torch.zeros(3, *SHAPE))
