"""Learning rates, compared with PyTorch's schedulers."""

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from mnistlab import Recipe
from mnistlab.errors import RecipeError
from mnistlab.training.schedule import learning_rates


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


def test_warmup_rises_linearly_and_ends():
    rates = all_rates(Recipe(epochs=3, learning_rate=1.0, warmup=1.5), 4)
    assert rates == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1, 1, 1, 1, 1, 1])


def test_fields_that_contradict_one_another_are_refused():
    with pytest.raises(RecipeError, match="warmup: onecycle has a rise of its own"):
        Recipe(schedule="onecycle", warmup=1.0)
    with pytest.raises(RecipeError, match="nesterov: needs optimizer sgd with momentum"):
        Recipe(nesterov=True, momentum=0.0)
    with pytest.raises(RecipeError, match="nesterov: needs optimizer sgd"):
        Recipe(nesterov=True, optimizer="adamw")
