"""Pairs of images of one batch, which mixup and CutMix mix, and their targets with them."""

import numpy as np
import torch
from torch import Tensor

from mnistlab.elementary import exp, log, sin_cos
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import ParamSampler


def draw_partners(sampler: ParamSampler) -> Tensor:
    """Draw int32 ``(n,)``: how many positions after an image its partner is, negative if before.

    The partners of a batch are a permutation of it, so an image may be its own.
    """
    sizes = sampler.bounds.diff().tolist()
    offsets = [
        torch.randperm(size, generator=sampler.generator) - torch.arange(size) for size in sizes
    ]
    return torch.cat(offsets).to(torch.int32)


def draw_shares(alpha: float, sampler: ParamSampler) -> Tensor:
    """Draw float64 ``(batches,)`` from Beta(alpha, alpha).

    From Student's t distribution with 2 alpha degrees of freedom, of which it is a function, by
    Bailey's polar method (Mathematics of Computation, 1994), whose every step is the same on every
    processor.
    """
    batches = len(sampler.bounds) - 1
    radius, angle = torch.rand(2, batches, dtype=torch.float64, generator=sampler.generator).numpy()
    _, cosine = sin_cos(2 * np.pi * angle)
    # The square of t over its degrees of freedom; 1 - radius is above 0.
    ratio = (exp(-log(1 - radius) / alpha) - 1) * cosine**2
    with np.errstate(divide="ignore"):
        distance = np.sqrt(1 / (1 + 1 / ratio))
    return torch.from_numpy((1 + np.copysign(distance, cosine)) / 2)


def draw_cutmix_turns(recipe: Recipe, sampler: ParamSampler) -> Tensor:
    """Draw bool ``(batches,)``: whether CutMix or mixup mixes a batch, the same for both.

    If a recipe has both, each mixes a batch with probability 0.5, as in timm (Wightman, 2019).
    """
    probability = (0.5 if recipe.mixup else 1.0) if recipe.cutmix else 0.0
    generator = sampler.derive_generator("mixup or cutmix")
    return torch.rand(len(sampler.bounds) - 1, generator=generator) < probability


def for_each_image(of_batches: Tensor, sampler: ParamSampler) -> Tensor:
    """Repeat each batch's value for each of its images: ``(batches, ...)`` to ``(n, ...)``."""
    return of_batches.repeat_interleave(sampler.bounds.diff(), dim=0)


def partners_of(values: Tensor, partners: Tensor) -> Tensor:
    """Return each image's partner's value: ``(n, ...)``, given ``(n, ...)`` and the draw."""
    return values[torch.arange(len(values), device=values.device) + partners]


def mix(values: Tensor, partners: Tensor, shares: Tensor) -> Tensor:
    """Return the weighted mean of each image's value and its partner's.

    Args:
        values: float32, ``(n, ...)``: images, or targets.
        partners: int32, ``(n,)``, see :func:`draw_partners`.
        shares: float32, ``(n,)``, 0 to 1: the image's own weight.
    """
    own = shares.view(-1, *(1,) * (values.dim() - 1))
    return own * values + (1 - own) * partners_of(values, partners)
