"""Learning-rate schedules."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mnistlab.elementary import power, sin_cos
from mnistlab.recipe import Recipe
from mnistlab.runs import EpochMetrics, watched_values
from mnistlab.text import counted

_PCT_START, _START, _END = 0.3, 1 / 25, 1 / 25 / 1e4
"""One cycle: share of steps that rise, and the first and last rate as shares of the peak."""


def learning_rates(
    recipe: Recipe, epoch: int, batches: int, history: Sequence[EpochMetrics] = ()
) -> Tensor:
    """Return the learning rate of each step of an epoch.

    ``cosine`` falls to 0 along a cosine (Loshchilov and Hutter, 2017). ``onecycle`` rises along a
    cosine from 1/25 of the peak during the first 30 % of all steps, and falls to 1/250,000 of it
    (Smith and Topin, 2018, with the defaults of :class:`torch.optim.lr_scheduler.OneCycleLR`).
    ``step``, ``multistep`` and ``exponential`` multiply by ``gamma`` every ``step_size`` epochs,
    after each of the epochs in ``milestones``, and after every epoch, as :class:`StepLR`,
    :class:`MultiStepLR` and :class:`ExponentialLR` of :mod:`torch.optim.lr_scheduler`.
    ``plateau`` does whenever the watched images have not improved for more than
    ``plateau_patience`` epochs, as its :class:`ReduceLROnPlateau`. ``warmup`` scales the rates of
    the first epochs linearly.

    Args:
        recipe: its ``learning_rate``, ``schedule``, the schedule's fields, ``warmup`` and
            ``epochs`` are used.
        epoch: from 1.
        batches: steps per epoch.
        history: the epochs before, at least; ``plateau`` follows from their watched images.

    Returns:
        float64, ``(batches,)``.
    """
    steps = torch.arange(batches, dtype=torch.float64) + (epoch - 1) * batches
    total = recipe.epochs * batches
    factors, rate = torch.ones(batches, dtype=torch.float64), recipe.learning_rate
    if recipe.schedule == "cosine":
        factors = _cosine(1.0, 0.0, steps / total)
    elif recipe.schedule == "onecycle":
        peak = _PCT_START * total - 1
        rising = _cosine(_START, 1.0, (steps / peak).clamp(max=1)) if peak > 0 else factors
        falling = _cosine(1.0, _END, ((steps - peak) / max(total - 1 - peak, 1)).clamp(0, 1))
        factors = torch.where(steps < peak, rising, falling)
    elif recipe.schedule == "plateau":
        rate = _plateau(recipe, history[: epoch - 1])
    else:
        factors = factors * power(recipe.gamma, _falls(recipe, epoch - 1))
    if recipe.warmup:
        factors = factors * ((steps + 1) / (recipe.warmup * batches)).clamp(max=1)
    return factors * rate


def schedule_notes(recipe: Recipe) -> tuple[str, ...]:
    """Say where the learning rate hardly rises or soon hardly is one."""
    notes = []
    if recipe.schedule == "exponential" and recipe.gamma == Recipe.model_fields["gamma"].default:
        notes.append(
            f"schedule exponential with gamma = {recipe.gamma:g}, its default: the learning rate"
            " falls to that share after each epoch, and little is learnt after a few; 0.9 to 0.99"
            " is common"
        )
    if recipe.warmup > recipe.epochs:
        notes.append(
            f"warmup = {recipe.warmup:g} is longer than training,"
            f" {counted(recipe.epochs, 'epoch')}: the learning rate never reaches the recipe's"
        )
    return tuple(notes)


def _plateau(recipe: Recipe, history: Sequence[EpochMetrics]) -> float:
    """Return the learning rate after these epochs, as PyTorch's scheduler works it out."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=recipe.learning_rate)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode="min" if recipe.monitor == "loss" else "max",
        factor=recipe.gamma,
        patience=recipe.plateau_patience,
    )
    for value in watched_values(recipe, history):
        scheduler.step(value if recipe.monitor == "loss" else -value)
    return float(optimizer.param_groups[0]["lr"])


def _falls(recipe: Recipe, done: int) -> int:
    """Return how often the rate has been multiplied by gamma after that many epochs."""
    if recipe.schedule == "step":
        return done // recipe.step_size
    if recipe.schedule == "multistep":
        return sum(milestone <= done for milestone in recipe.milestones)
    return done if recipe.schedule == "exponential" else 0


def _cosine(start: float, end: float, progress: Tensor) -> Tensor:
    """Anneal from ``start`` to ``end`` along half a cosine; ``progress`` is 0 to 1."""
    _, cosine = sin_cos(math.pi * progress.numpy())
    return end + (start - end) * (1 + torch.from_numpy(cosine)) / 2
