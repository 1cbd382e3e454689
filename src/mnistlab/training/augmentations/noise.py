"""Gaussian noise, pixel by pixel, each image with an amplitude of its own (Rusak et al., 2020)."""

import torch
from torch import Tensor

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, Draws

_PLACES = 1 << 17
"""At which an image's part of the grain can begin."""


def draw(recipe: Recipe, draws: Draws) -> dict[str, Tensor]:
    """Draw ``amplitudes``, ``starts`` and ``grain``.

    ``grain``, float32, is one long row of standard normal draws that all images share; an image's
    part of it begins at its entry of ``starts``, int32 ``(n,)``, and is multiplied by its entry of
    ``amplitudes``, float32 ``(n,)``.
    """
    return {
        "amplitudes": draws.uniform(0, recipe.noise),
        "starts": torch.randint(_PLACES, (draws.count,), generator=draws.random, dtype=torch.int32),
        "grain": torch.empty(_PLACES + draws.height * draws.width).normal_(
            0, 1, generator=draws.random
        ),
    }


def add_noise(images: Tensor, amplitudes: Tensor, starts: Tensor, grain: Tensor) -> Tensor:
    """Add to each image its part of the grain; what leaves 0..1 is cut off.

    Args:
        images: float32, ``(n, c, h, w)``.
        amplitudes: float32, ``(n,)``, see :func:`draw`.
        starts: int32, ``(n,)``, see :func:`draw`.
        grain: float32, one row, see :func:`draw`.
    """
    pixels = images[0].numel()
    places = starts.long().unsqueeze(1) + torch.arange(
        pixels, device=images.device
    )  # (n, c * h * w)
    noise = grain[places].view_as(images)
    return torch.clamp(images + amplitudes.view(-1, 1, 1, 1) * noise, 0, 1)


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return add_noise(images, params["amplitudes"], params["starts"], params["grain"])


AUGMENTATION = Augmentation(
    name="noise",
    fields=("noise",),
    order=40,
    tensors=("amplitudes", "starts", "grain"),
    draw=draw,
    apply=_apply,
    shared=("grain",),
    draws_in_turn=5,
)
