"""Mixup: pairs of images, and their targets, are averaged (Zhang et al., 2018, arXiv:1710.09412).

As in the authors' code, the images of one batch are mixed with one another, all by the same weight.
"""

from torch import Tensor

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.pairs import (
    draw_cutmix_turns,
    draw_partners,
    draw_shares,
    for_each_image,
    mix,
)
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``mixup_partners``, int32 ``(n,)``, and ``mixup_shares``, float32 ``(n,)``, 0 to 1.

    A share is the image's own weight, from Beta(alpha, alpha) for each batch. It is 1 in batches
    that CutMix mixes.
    """
    shares = draw_shares(recipe.mixup, sampler)
    shares = shares.masked_fill(draw_cutmix_turns(recipe, sampler), 1).float()
    return {
        "mixup_partners": draw_partners(sampler),
        "mixup_shares": for_each_image(shares, sampler),
    }


def _apply(values: Tensor, params: AugmentationParams) -> Tensor:
    return mix(values, params["mixup_partners"], params["mixup_shares"])


AUGMENTATION = Augmentation(
    name="mixup",
    fields=("mixup",),
    apply_order=80,
    tensors=("mixup_partners", "mixup_shares"),
    draw=draw,
    apply=_apply,
    mix_targets=_apply,
)
