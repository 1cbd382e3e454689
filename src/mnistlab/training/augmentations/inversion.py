"""Inversion: black becomes white and white black."""

from torch import Tensor

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``inversions``, float32 ``(n,)``: 1 inverts an image, 0 does not."""
    return {"inversions": (sampler.uniform(0, 1) < recipe.inversion).float()}


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    inverted = params["inversions"].view(-1, 1, 1, 1)
    return inverted + (1 - 2 * inverted) * images


AUGMENTATION = Augmentation(
    name="inversion",
    fields=("inversion",),
    apply_order=60,
    tensors=("inversions",),
    draw=draw,
    apply=_apply,
    draw_order=6,
)
