"""Cutout: a square is blackened (DeVries and Taylor, 2017, arXiv:1708.04552)."""

import torch
from torch import Tensor

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.box import boxes_around
from mnistlab.training.augmentations.erasing import erase
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``cutouts``, int32 ``(n, 4)``: the top, left, height and width in pixels of a square of
    side ``recipe.cutout``, cut off at the image's edges.

    Its centre is any pixel of the image, with the same probability.
    """
    size = (sampler.height, sampler.width)
    rows, columns = (
        torch.randint(side, (sampler.count,), generator=sampler.generator) for side in size
    )
    sides = torch.full((sampler.count, 2), recipe.cutout)
    return {"cutouts": boxes_around(rows, columns, sides, size)}


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return erase(images, params["cutouts"])


AUGMENTATION = Augmentation(
    name="cutout",
    fields=("cutout",),
    apply_order=55,
    tensors=("cutouts",),
    draw=draw,
    apply=_apply,
)
