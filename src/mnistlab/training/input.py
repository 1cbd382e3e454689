"""The model's input: images brought to size once, normalised batch by batch."""

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mnistlab.data import Split
from mnistlab.recipe import Recipe


def fit_images(images: NDArray, recipe: Recipe) -> Tensor:  # type: ignore[type-arg]
    """Bring images to the model's size, keeping bytes.

    Args:
        images: uint8, ``(n, height, width)``.
        recipe: its ``fit`` and ``size`` count: ``pad`` puts a black border around images smaller
            than ``size`` (on both sides alike, an odd pixel right and below), ``resize`` scales
            bilinearly to ``size`` x ``size`` and rounds, as Pillow and the original course code do.

    Returns:
        uint8, ``(n, 1, h, w)``.
    """
    pixels = torch.from_numpy(images.copy() if not images.flags.writeable else images).unsqueeze(1)
    if recipe.fit == "resize" and pixels.shape[2:] != (recipe.size, recipe.size):
        return functional.interpolate(
            pixels, (recipe.size, recipe.size), mode="bilinear", align_corners=False, antialias=True
        )
    return pad(pixels, recipe)


def pad(pixels: Tensor, recipe: Recipe) -> Tensor:
    """Put the border around images, ``(n, c, height, width)`` of any type, that a recipe with ``fit
    = pad`` wants.
    """
    if recipe.fit != "pad":
        return pixels
    height, width = pixels.shape[2:]
    rows, columns = max(0, recipe.size - height), max(0, recipe.size - width)
    return functional.pad(
        pixels, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    )


def input_shape(split: Split, recipe: Recipe) -> tuple[int, int, int]:
    """Return ``(channels, height, width)`` of the model's input for these images."""
    _, channels, height, width = fit_images(split.images[:1], recipe).shape
    return channels, height, width


def normalise(pixels: Tensor, recipe: Recipe) -> Tensor:
    """Subtract the recipe's mean from pixels in 0..1, and divide by its deviation."""
    return (pixels - recipe.mean) / recipe.std


def to_unit(pixels: Tensor) -> Tensor:
    """Turn bytes into float32 in 0..1."""
    return pixels.to(torch.float32) / 255
