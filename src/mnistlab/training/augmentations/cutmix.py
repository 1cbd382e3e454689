"""CutMix: a box of each image is another image's (Yun et al., 2019, arXiv:1905.04899).

The targets are mixed by area. As in the authors' code, the images of one batch are mixed with one
another, all in the same box.
"""

import numpy as np
import torch
from torch import Tensor

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.box import boxes_around, within
from mnistlab.training.augmentations.pairs import (
    draw_cutmix_turns,
    draw_partners,
    draw_shares,
    for_each_image,
    mix,
    partners_of,
)
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``cutmix_partners``, ``cutmix_boxes`` and ``cutmix_shares``.

    The partners are int32 ``(n,)``. The boxes, int32 ``(n, 4)``, are the top, left, height and
    width in pixels of the partner's part: of the image's proportions, 1 - Beta(alpha, alpha) of its
    area, centred at any pixel and cut off at the edges; all 0 in batches that mixup mixes. The
    shares, float32 ``(n,)``, are what remains of the image's own area, 0 to 1.
    """
    size, batches = torch.tensor([sampler.height, sampler.width]), len(sampler.bounds) - 1
    cut = torch.from_numpy(np.sqrt(1 - draw_shares(recipe.cutmix, sampler).numpy()))
    sides = (cut.unsqueeze(1) * size).long()
    rows, columns = (
        torch.randint(int(side), (batches,), generator=sampler.generator) for side in size
    )
    boxes = boxes_around(rows, columns, sides, (sampler.height, sampler.width))
    boxes = boxes * draw_cutmix_turns(recipe, sampler).unsqueeze(1)
    shares = 1 - boxes[:, 2:].prod(dim=1) / size.prod()
    return {
        "cutmix_partners": draw_partners(sampler),
        "cutmix_boxes": for_each_image(boxes, sampler),
        "cutmix_shares": for_each_image(shares, sampler),
    }


def cutmix(images: Tensor, partners: Tensor, boxes: Tensor) -> Tensor:
    """Take a box of each image from its partner.

    Args:
        images: float32, ``(n, c, h, w)``.
        partners: int32, ``(n,)``, see :func:`mnistlab.training.augmentations.pairs.draw_partners`.
        boxes: int32, ``(n, 4)``: top, left, height and width in pixels.

    Returns:
        Images of the same shape.
    """
    return torch.where(within(boxes, images), partners_of(images, partners), images)


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return cutmix(images, params["cutmix_partners"], params["cutmix_boxes"])


def _mix_targets(targets: Tensor, params: AugmentationParams) -> Tensor:
    return mix(targets, params["cutmix_partners"], params["cutmix_shares"])


AUGMENTATION = Augmentation(
    name="cutmix",
    fields=("cutmix",),
    apply_order=90,
    tensors=("cutmix_partners", "cutmix_boxes", "cutmix_shares"),
    draw=draw,
    apply=_apply,
    mix_targets=_mix_targets,
)
