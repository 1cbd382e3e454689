"""The model's input: images brought to size once, then normalised batch by batch."""

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mnistlab.data import Split
from mnistlab.recipe import Recipe


def resize_or_pad(images: NDArray, recipe: Recipe) -> Tensor:  # type: ignore[type-arg]
    """Bring images to the size of the model's input; they stay bytes.

    Args:
        images: uint8, ``(n, height, width)``.
        recipe: its ``fit`` and ``size`` are used. ``pad`` puts a black border around images smaller
            than ``size``, the same on both sides (an odd pixel goes right and below). ``resize``
            interpolates bilinearly, with antialiasing, to ``size`` x ``size`` and rounds, as Pillow
            and the original course code do. ``none`` changes nothing.

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
    """Pad images with black to ``recipe.size``, if ``recipe.fit`` is ``pad`` and they are smaller.

    Args:
        pixels: ``(n, c, height, width)`` of any dtype.
        recipe: its ``fit`` and ``size`` are used.
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
    _, channels, height, width = resize_or_pad(split.images[:1], recipe).shape
    return channels, height, width


def normalise(pixels: Tensor, recipe: Recipe) -> Tensor:
    """Subtract ``recipe.mean`` from pixels in 0..1, and divide by ``recipe.std``."""
    return (pixels - recipe.mean) / recipe.std


def to_float(pixels: Tensor) -> Tensor:
    """Convert uint8 pixels to float32 in 0..1."""
    return pixels.to(torch.float32) / 255
