"""Vertical flip: top and bottom change places."""

from torch import Tensor

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``vertical_flips``, bool ``(n,)``: whether an image is flipped."""
    return {"vertical_flips": sampler.uniform(0, 1) < recipe.flip_vertical}


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return images.flip(2).where(params["vertical_flips"].view(-1, 1, 1, 1), images)


AUGMENTATION = Augmentation(
    name="flip_vertical",
    fields=("flip_vertical",),
    apply_order=4,
    tensors=("vertical_flips",),
    draw=draw,
    apply=_apply,
)
