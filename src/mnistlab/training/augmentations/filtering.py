"""Random linear filters (Xu et al., 2021): 3x3 or 5x5, their weights normal."""

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, Draws

_SIDE = 5
_RIM = functional.pad(torch.zeros(3, 3), (1, 1, 1, 1), value=1).bool()
"""What a 3x3 filter leaves out of 5x5 weights."""
_FLAT = 1e-4
"""A channel whose values differ by no more is constant."""


def draw(recipe: Recipe, draws: Draws) -> dict[str, Tensor]:
    """Draw ``filters``, float32 ``(n, 5, 5)``; all zero leaves an image as it is.

    Where the middle weight is negative, which is half of the time, the magnitude of the response
    counts; that draws outlines.
    """
    filters = torch.empty(draws.count, _SIDE, _SIDE).normal_(0, 1, generator=draws.random)
    small = draws.uniform(0, 1) < 0.5
    chosen = draws.uniform(0, 1) < recipe.filtering
    filters *= (chosen.view(-1, 1, 1) & ~(small.view(-1, 1, 1) & _RIM)).float()
    return {"filters": filters}


def filtered(images: Tensor, filters: Tensor) -> Tensor:
    """Correlate each image, channel by channel, with its own filter, and stretch each channel to
    0..1.

    Args:
        images: float32, ``(n, c, h, w)``; black outside.
        filters: float32, ``(n, k, k)``, k odd; of one whose middle weight is negative the
            response's magnitude counts; one that is all zero leaves its image as it is.

    Returns:
        Images of the same shape; a channel that the filter makes all of one grey is black.
    """
    count, channels, height, width = images.shape
    apart = images.view(1, count * channels, height, width)
    weights = filters.repeat_interleave(channels, dim=0).unsqueeze(1)  # (n * c, 1, k, k)
    seen = functional.conv2d(
        apart, weights, padding=filters.shape[-1] // 2, groups=count * channels
    ).view_as(images)
    middle = filters[:, filters.shape[1] // 2, filters.shape[2] // 2].view(-1, 1, 1, 1)
    seen = torch.where(middle < 0, seen.abs(), seen)
    least, most = seen.amin(dim=(2, 3), keepdim=True), seen.amax(dim=(2, 3), keepdim=True)
    stretched = torch.where(most - least > _FLAT, (seen - least) / (most - least), 0)
    return torch.where((filters != 0).any(dim=(1, 2)).view(-1, 1, 1, 1), stretched, images)


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return filtered(images, params["filters"])


AUGMENTATION = Augmentation(
    name="filtering",
    fields=("filtering",),
    order=30,
    tensors=("filters",),
    draw=draw,
    apply=_apply,
    draws_in_turn=4,
)
