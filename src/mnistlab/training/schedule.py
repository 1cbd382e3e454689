"""Schedule: the learning rate of every step."""

import torch
from torch import Tensor

from mnistlab.recipe import Recipe

_RISE, _START, _END = 0.3, 1 / 25, 1 / 25 / 1e4


def learning_rates(recipe: Recipe, epoch: int, batches: int) -> Tensor:
    """Return the learning rates of an epoch's steps.

    ``cosine`` falls to 0 along a cosine (Loshchilov and Hutter, 2017), ``onecycle`` rises along one
    from a 25th in 30 % of all steps and falls to a 250,000th of its peak (Smith and Topin, 2018,
    with PyTorch's figures). ``warmup`` scales the first epochs linearly.

    Args:
        recipe: its ``learning_rate``, ``schedule``, ``warmup`` and ``epochs`` count.
        epoch: from 1.
        batches: steps an epoch.

    Returns:
        float64, ``(batches,)``.
    """
    steps = torch.arange(batches, dtype=torch.float64) + (epoch - 1) * batches
    total = recipe.epochs * batches
    factors = torch.ones(batches, dtype=torch.float64)
    if recipe.schedule == "cosine":
        factors = _between(1.0, 0.0, steps / total)
    elif recipe.schedule == "onecycle":
        peak = _RISE * total - 1
        rising = _between(_START, 1.0, (steps / peak).clamp(max=1)) if peak > 0 else factors
        falling = _between(1.0, _END, ((steps - peak) / max(total - 1 - peak, 1)).clamp(0, 1))
        factors = torch.where(steps < peak, rising, falling)
    if recipe.warmup:
        factors = factors * ((steps + 1) / (recipe.warmup * batches)).clamp(max=1)
    return factors * recipe.learning_rate


def _between(start: float, end: float, share: Tensor) -> Tensor:
    return end + (start - end) * (1 + torch.cos(torch.pi * share)) / 2
