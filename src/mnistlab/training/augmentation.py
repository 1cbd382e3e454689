"""Augmentation: small random changes to training images, batched, their random parameters drawn beforehand."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.recipe import Recipe


@dataclass(frozen=True)
class Distortions:
    """One random change an image.

    Attributes:
        angles: float32, ``(n,)``, radians, counter-clockwise; ``None`` is no rotation.
        sigmas: float32, ``(n,)``, pixels, 0 is no blur; ``None`` is no blur at all.
    """

    angles: Tensor | None
    sigmas: Tensor | None

    def of(self, start: int, stop: int, device: torch.device) -> "Distortions":
        """Return those of images ``start`` to ``stop``, on the device."""

        def part(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[start:stop].to(device)

        return Distortions(part(self.angles), part(self.sigmas))


def draw_distortions(recipe: Recipe, count: int, random: torch.Generator) -> Distortions:
    """Draw for ``count`` images: angles uniform in +-rotation, sigmas uniform in the recipe's blur range."""
    angles = sigmas = None
    if recipe.rotation:
        limit = math.radians(recipe.rotation)
        angles = torch.empty(count).uniform_(-limit, limit, generator=random)
    low, high = recipe.blur
    if high:
        sigmas = torch.empty(count).uniform_(low, high, generator=random)
    return Distortions(angles, sigmas)


def distort(images: Tensor, distortions: Distortions) -> Tensor:
    """Rotate, then blur.

    Args:
        images: float32, ``(n, c, h, w)``.
        distortions: of ``n`` images, on the same device.

    Returns:
        Images of the same shape and range.
    """
    if distortions.angles is not None:
        images = rotate(images, distortions.angles)
    if distortions.sigmas is not None:
        images = blur(images, distortions.sigmas)
    return images


def rotate(images: Tensor, angles: Tensor) -> Tensor:
    """Rotate each image about its centre, bilinearly; what comes in from outside is 0.

    Args:
        images: float32, ``(n, c, h, w)``.
        angles: float32, ``(n,)``, radians, counter-clockwise as one looks at the picture.
    """
    _, _, height, width = images.shape
    cosine, sine, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    # affine_grid works in coordinates from -1 to 1 whatever the sides, hence the ratios.
    rows = (cosine, -sine * height / width, zero), (sine * width / height, cosine, zero)
    matrices = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)  # (n, 2, 3)
    grid = functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def blur(images: Tensor, sigmas: Tensor) -> Tensor:
    """Convolve each image with its own 3x3 Gaussian; the border is mirrored.

    Args:
        images: float32, ``(n, c, h, w)``, sides of at least 2.
        sigmas: float32, ``(n,)``, pixels, at least 0; 0 leaves the image as it is.
    """
    # A kernel is sampled at -1, 0, 1 and scaled to sum 1: (side, centre, side). exp(-inf) makes sigma 0 the identity.
    neighbour = torch.exp(-0.5 / sigmas.square()).view(-1, 1, 1, 1)
    centre = 1 / (1 + 2 * neighbour)
    side = neighbour * centre
    padded = functional.pad(images, (1, 1, 1, 1), mode="reflect")
    across = padded[..., 1:-1] * centre + (padded[..., :-2] + padded[..., 2:]) * side
    return across[:, :, 1:-1] * centre + (across[:, :, :-2] + across[:, :, 2:]) * side
