"""Blur by a 3x3 Gaussian."""

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``sigmas``, float32 ``(n,)``, in pixels, uniform in the recipe's range."""
    return {"sigmas": sampler.uniform(*recipe.blur)}


def blur(images: Tensor, sigmas: Tensor) -> Tensor:
    """Convolve each image with its own 3x3 Gaussian; the border is reflected.

    Args:
        images: float32, ``(n, c, h, w)``, sides of at least 2.
        sigmas: float32, ``(n,)``, pixels, at least 0; 0 leaves the image unchanged.

    Returns:
        Images of the same shape.
    """
    # A Gaussian sampled at -1, 0, 1 and scaled to sum to 1: (side, centre, side). exp(-inf) makes
    # sigma 0 the identity.
    neighbour = torch.exp(-0.5 / sigmas.square()).view(-1, 1, 1, 1)
    centre = 1 / (1 + 2 * neighbour)
    side = neighbour * centre
    padded = functional.pad(images, (1, 1, 1, 1), mode="reflect")
    across = padded[..., 1:-1] * centre + (padded[..., :-2] + padded[..., 2:]) * side
    return across[:, :, 1:-1] * centre + (across[:, :, :-2] + across[:, :, 2:]) * side


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return blur(images, params["sigmas"])


AUGMENTATION = Augmentation(
    name="blur",
    fields=("blur",),
    apply_order=20,
    tensors=("sigmas",),
    draw=draw,
    apply=_apply,
    draw_order=2,
)
