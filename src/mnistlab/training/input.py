"""The model's input: images brought to size once, then normalised batch by batch."""

from collections.abc import Sequence
from typing import Protocol

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


class Normalisation(Protocol):
    """What :func:`normalise` subtracts and divides by: a number, or one for each channel."""

    @property
    def mean(self) -> float | Sequence[float]:
        """Subtracted from pixels in 0..1."""

    @property
    def std(self) -> float | Sequence[float]:
        """Divides them then."""


def normalise(pixels: Tensor, by: Normalisation) -> Tensor:
    """Subtract the mean from pixels in 0..1, and divide by the standard deviation.

    Args:
        pixels: float32, ``(n, channels, height, width)``; of any shape if ``by`` holds numbers.
        by: its ``mean`` and ``std`` are used.

    Raises:
        ValueError: as many means or deviations as there are channels are needed.
    """
    if not isinstance(by.mean, Sequence) and not isinstance(by.std, Sequence):
        return (pixels - by.mean) / by.std
    # By numbers, since a tensor of them would have to be made on the device in every step.
    channels = pixels.unbind(dim=1)
    means, deviations = (
        given if isinstance(given, Sequence) else (given,) * len(channels)
        for given in (by.mean, by.std)
    )
    parts = zip(channels, means, deviations, strict=True)
    return torch.stack([(part - mean) / std for part, mean, std in parts], dim=1)


def to_float(pixels: Tensor) -> Tensor:
    """Convert uint8 pixels to float32 in 0..1."""
    return pixels.to(torch.float32) / 255
