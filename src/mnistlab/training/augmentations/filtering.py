"""Random 3x3 and 5x5 convolutions with normal weights (Xu et al., 2021, arXiv:2007.13003)."""

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler
from mnistlab.training.randomness import normal

_SIDE = 5
_RIM = functional.pad(torch.zeros(3, 3), (1, 1, 1, 1), value=1).bool()
"""The 5x5 weights that are zero in a 3x3 filter."""
_FLAT = 1e-4
"""A channel whose values differ by no more counts as constant."""


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``filters``, float32 ``(n, 5, 5)``; one that is all zero leaves its image unchanged.

    If the middle weight is negative, half of the time, the absolute response is used, which shows
    outlines.
    """
    filters = normal(sampler.generator, sampler.count, _SIDE, _SIDE)
    small = sampler.uniform(0, 1) < 0.5
    chosen = sampler.uniform(0, 1) < recipe.filtering
    filters *= (chosen.view(-1, 1, 1) & ~(small.view(-1, 1, 1) & _RIM)).float()
    return {"filters": filters}


def filter_images(images: Tensor, filters: Tensor) -> Tensor:
    """Correlate each image with its own filter, and stretch each channel to 0..1.

    Args:
        images: float32, ``(n, c, h, w)``, padded with black.
        filters: float32, ``(n, k, k)``, k odd. If the middle weight is negative, the absolute
            response is used; a filter that is all zero leaves its image unchanged.

    Returns:
        Images of the same shape; a channel whose response is constant becomes black.
    """
    count, channels, height, width = images.shape
    grouped = images.view(1, count * channels, height, width)
    weights = filters.repeat_interleave(channels, dim=0).unsqueeze(1)  # (n * c, 1, k, k)
    response = functional.conv2d(
        grouped, weights, padding=filters.shape[-1] // 2, groups=count * channels
    ).view_as(images)
    middle = filters[:, filters.shape[1] // 2, filters.shape[2] // 2].view(-1, 1, 1, 1)
    response = torch.where(middle < 0, response.abs(), response)
    low, high = response.amin(dim=(2, 3), keepdim=True), response.amax(dim=(2, 3), keepdim=True)
    stretched = torch.where(high - low > _FLAT, (response - low) / (high - low), 0)
    return torch.where((filters != 0).any(dim=(1, 2)).view(-1, 1, 1, 1), stretched, images)


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return filter_images(images, params["filters"])


AUGMENTATION = Augmentation(
    name="filtering",
    fields=("filtering",),
    apply_order=30,
    tensors=("filters",),
    draw=draw,
    apply=_apply,
    draw_order=4,
)
