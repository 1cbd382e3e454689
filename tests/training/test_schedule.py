"""Learning rates, compared with PyTorch's schedulers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    StepLR,
)

from mnistlab import Recipe
from mnistlab.errors import RecipeError
from mnistlab.training.schedule import learning_rates
from mnistlab.training.trainer import Trainer
from tests.training.test_early_stopping import history


def all_rates(recipe, batches):
    return torch.cat(
        [learning_rates(recipe, epoch, batches) for epoch in range(1, recipe.epochs + 1)]
    ).tolist()


def pytorchs(make, rate, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_the_default_factor_is_told_where_it_is_taken_after_each_epoch(small_mnist):
    def told(recipe):
        notes = Trainer(recipe, small_mnist, 0, torch.device("cpu")).notes
        return [note for note in notes if "gamma" in note]

    recipe = Recipe(model="mlp", schedule="exponential")
    (note,) = told(recipe)
    assert note.startswith("schedule exponential with gamma = 0.1, its default: ")
    assert not told(recipe.replace(gamma=0.95))
    assert not told(Recipe(model="mlp", schedule="step", step_size=2))


def test_a_warmup_that_does_not_end_is_told(small_mnist):
    def told(**fields):
        recipe = Recipe(model="mlp", epochs=3, **fields)
        notes = Trainer(recipe, small_mnist, 0, torch.device("cpu")).notes
        return [note for note in notes if "warmup" in note]

    assert told(warmup=3.5) == [
        "warmup = 3.5 is longer than training, 3 epochs: the learning rate never reaches the"
        " recipe's"
    ]
    assert not told(warmup=3.0)


def test_constant_is_the_recipes():
    assert all_rates(Recipe(epochs=2, learning_rate=0.25), 3) == [0.25] * 6


@pytest.mark.parametrize(("epochs", "batches"), [(1, 1), (1, 7), (5, 11), (50, 3)])
def test_cosine_is_pytorchs(epochs, batches):
    recipe = Recipe(epochs=epochs, learning_rate=0.3, schedule="cosine")
    steps = epochs * batches
    expected = pytorchs(lambda optimizer: CosineAnnealingLR(optimizer, steps), 0.3, steps)
    assert all_rates(recipe, batches) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("epochs", "batches"), [(1, 10), (5, 11), (50, 3)])
def test_onecycle_is_pytorchs(epochs, batches):
    recipe = Recipe(epochs=epochs, learning_rate=0.3, schedule="onecycle")
    steps = epochs * batches
    expected = pytorchs(
        lambda optimizer: OneCycleLR(optimizer, 0.3, total_steps=steps, cycle_momentum=False),
        0.3,
        steps,
    )
    assert all_rates(recipe, batches) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_onecycle_of_very_few_steps_stays_in_range(batches):
    rates = all_rates(Recipe(epochs=1, learning_rate=0.3, schedule="onecycle"), batches)
    assert all(0 <= rate <= 0.3 for rate in rates)


@settings(deadline=None)
@given(
    gamma=st.floats(0.01, 0.99),
    step_size=st.integers(1, 9),
    milestones=st.sets(st.integers(1, 12), min_size=1),
)
def test_falls_by_gamma_are_pytorchs(gamma, step_size, milestones):
    milestones = sorted(milestones)
    schedules = {
        "step": ({"step_size": step_size}, lambda o: StepLR(o, step_size, gamma)),
        "multistep": ({"milestones": milestones}, lambda o: MultiStepLR(o, milestones, gamma)),
        "exponential": ({}, lambda o: ExponentialLR(o, gamma)),
    }
    for name, (fields, scheduler) in schedules.items():
        recipe = Recipe(epochs=10, learning_rate=0.3, schedule=name, gamma=gamma, **fields)
        by_epoch = pytorchs(scheduler, 0.3, 10)
        expected = [rate for rate in by_epoch for _ in range(3)]
        assert all_rates(recipe, 3) == pytest.approx(expected, rel=1e-12, abs=0)


def test_warmup_goes_before_a_fall():
    recipe = Recipe(
        epochs=3, learning_rate=1.0, warmup=1.5, schedule="step", step_size=1, gamma=0.5
    )
    expected = [1 / 3, 2 / 3, 0.5, 0.5, 0.25, 0.25]
    assert all_rates(recipe, 2) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schedule": "step"}, "step_size: schedule step needs it, in epochs"),
        ({"schedule": "multistep"}, "milestones: schedule multistep needs them"),
        ({"step_size": 3}, "step_size: has no effect with schedule constant; it is for step"),
        ({"milestones": [3], "schedule": "step", "step_size": 1}, "milestones: has no effect"),
        ({"gamma": 0.5, "schedule": "cosine"}, "gamma: has no effect with schedule cosine"),
        ({"milestones": [4, 4], "schedule": "multistep"}, "milestones: must ascend"),
        ({"milestones": [0], "schedule": "multistep"}, "milestones: must be a list, each a whole"),
        ({"milestones": 3, "schedule": "multistep"}, "milestones: must be a list, each a whole"),
        ({"gamma": 1, "schedule": "exponential"}, "gamma: must be a number above 0 to below 1"),
    ],
    ids=str,
)
def test_misuse_of_a_schedules_fields_is_refused(fields, message):
    with pytest.raises(RecipeError, match=message):
        Recipe(**fields)


def test_warmup_rises_linearly_and_ends():
    rates = all_rates(Recipe(epochs=3, learning_rate=1.0, warmup=1.5), 4)
    assert rates == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1, 1, 1, 1, 1, 1])


def test_fields_that_contradict_one_another_are_refused():
    with pytest.raises(RecipeError, match="warmup: onecycle has a rise of its own"):
        Recipe(schedule="onecycle", warmup=1.0)
    with pytest.raises(RecipeError, match="nesterov: needs optimizer sgd with momentum"):
        Recipe(nesterov=True, momentum=0.0)
    with pytest.raises(RecipeError, match=r"optimizer sgd .*; set nesterov = false"):
        Recipe(nesterov=True, optimizer="adamw")


def plateau_rates(recipe, epochs):
    return [
        float(learning_rates(recipe, epoch, 1, epochs)[0]) for epoch in range(1, len(epochs) + 2)
    ]


def test_plateau_by_hand():
    recipe = Recipe(learning_rate=0.8, schedule="plateau", plateau_patience=1, gamma=0.5)
    # After epoch 4 two epochs in a row were no better than the second; after epoch 6 two more.
    found = history([1.0, 0.7, 0.7, 0.9, 0.8, 0.75, 0.6])
    assert plateau_rates(recipe, found) == [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    # A ten-thousandth less is no improvement.
    little = history([1.0, 0.99995, 0.9999])
    assert plateau_rates(recipe, little) == [0.8, 0.8, 0.8, 0.4]


def test_plateau_with_warmup():
    recipe = Recipe(
        learning_rate=0.8, schedule="plateau", plateau_patience=0, gamma=0.5, warmup=4.0
    )
    assert plateau_rates(recipe, history([1.0, 1.0])) == pytest.approx([0.2, 0.4, 0.3])


@settings(deadline=None, max_examples=50)
@given(
    values=st.lists(st.integers(0, 40), max_size=40),
    patience=st.integers(0, 4),
    gamma=st.sampled_from([0.1, 0.5, 0.9]),
    monitor=st.sampled_from(["loss", "accuracy"]),
)
def test_plateau_is_pytorchs(values, patience, gamma, monitor):
    recipe = Recipe(
        learning_rate=0.3,
        schedule="plateau",
        plateau_patience=patience,
        gamma=gamma,
        monitor=monitor,
    )
    shares = [value / 40 for value in values]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    scheduler = ReduceLROnPlateau(optimizer, "min" if monitor == "loss" else "max", gamma, patience)
    expected = [0.3]
    for share in shares:
        scheduler.step(share)
        expected.append(optimizer.param_groups[0]["lr"])
    assert plateau_rates(recipe, history(shares, shares)) == expected
