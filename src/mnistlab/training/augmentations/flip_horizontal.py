"""Horizontal flip: left and right change places."""

from torch import Tensor

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``horizontal_flips``, bool ``(n,)``: whether an image is flipped."""
    return {"horizontal_flips": sampler.uniform(0, 1) < recipe.flip_horizontal}


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return images.flip(3).where(params["horizontal_flips"].view(-1, 1, 1, 1), images)


AUGMENTATION = Augmentation(
    name="flip_horizontal",
    fields=("flip_horizontal",),
    apply_order=2,
    tensors=("horizontal_flips",),
    draw=draw,
    apply=_apply,
)
