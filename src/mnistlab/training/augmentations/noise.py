"""Gaussian noise, with a random amplitude per image (Rusak et al., 2020, arXiv:2001.06057)."""

import torch
from torch import Tensor

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler
from mnistlab.training.randomness import normal

_STARTS = 1 << 17
"""Number of positions at which an image's part of the grain can start."""


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``amplitudes``, ``starts`` and ``grain``.

    ``grain``, float32, is one long vector of standard normal draws that all images share. An
    image's part of it starts at its entry of ``starts``, int32 ``(n,)``, and is multiplied by its
    entry of ``amplitudes``, float32 ``(n,)``, uniform from 0 to the recipe's ``noise``.
    """
    return {
        "amplitudes": sampler.uniform(0, recipe.noise),
        "starts": torch.randint(
            _STARTS, (sampler.count,), generator=sampler.generator, dtype=torch.int32
        ),
        "grain": normal(
            sampler.generator, _STARTS + sampler.channels * sampler.height * sampler.width
        ),
    }


def add_noise(images: Tensor, amplitudes: Tensor, starts: Tensor, grain: Tensor) -> Tensor:
    """Add to each image its part of the grain, and clip to 0..1.

    Args:
        images: float32, ``(n, c, h, w)``.
        amplitudes: float32, ``(n,)``, see :func:`draw`.
        starts: int32, ``(n,)``, see :func:`draw`.
        grain: float32, one-dimensional, see :func:`draw`.

    Returns:
        Images of the same shape.
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
    apply_order=40,
    tensors=("amplitudes", "starts", "grain"),
    draw=draw,
    apply=_apply,
    shared=("grain",),
    draw_order=5,
)
