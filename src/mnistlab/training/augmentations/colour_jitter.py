"""Colour jitter: random brightness, contrast and saturation, as torchvision's ``ColorJitter``.

They are always changed in that order, where torchvision draws the order, and hue is left alone.
"""

import torch
from torch import Tensor

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler

_LUMA = (0.2989, 0.587, 0.114)
"""Shares of red, green and blue in the grey of a colour (ITU-R BT.601, as torchvision rounds
them)."""


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``jitters``, float32 ``(n, 3)``: factors of brightness, contrast and saturation, uniform
    in 1 +- the recipe's strengths.
    """
    factors = [sampler.uniform(1 - strength, 1 + strength) for strength in recipe.colour_jitter]
    return {"jitters": torch.stack(factors, dim=1)}


def jitter(images: Tensor, jitters: Tensor) -> Tensor:
    """Change brightness, then contrast, then saturation, each time clipping to 0..1.

    Brightness is a factor of all pixels. Contrast is a factor of their distance from the mean grey
    of the image, saturation of their distance from their own grey.

    Args:
        images: float32, ``(n, c, h, w)``; saturation changes only images of three channels.
        jitters: float32, ``(n, 3)``, see :func:`draw`.

    Returns:
        Images of the same shape.
    """
    brightness, contrast, saturation = jitters.view(-1, 3, 1, 1, 1).unbind(1)  # (n, 1, 1, 1) each
    images = (images * brightness).clamp(0, 1)
    images = _stretch(images, _grey(images).mean(dim=(1, 2, 3), keepdim=True), contrast)
    return _stretch(images, _grey(images), saturation) if images.shape[1] == 3 else images


def _stretch(images: Tensor, around: Tensor, factor: Tensor) -> Tensor:
    return (factor * images + (1 - factor) * around).clamp(0, 1)


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] != 3:
        return images.mean(dim=1, keepdim=True)
    red, green, blue = (share * part for share, part in zip(_LUMA, images.unbind(1), strict=True))
    return (red + green + blue).unsqueeze(1)


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return jitter(images, params["jitters"])


AUGMENTATION = Augmentation(
    name="colour_jitter",
    fields=("colour_jitter",),
    apply_order=15,
    tensors=("jitters",),
    draw=draw,
    apply=_apply,
)
