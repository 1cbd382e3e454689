"""Colour: between images of one channel (grey) and of three (red, green, blue)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_RED, _GREEN, _BLUE = 19595, 38470, 7471
"""ITU-R BT.601 luma in units of 2^-16, as Pillow has it."""
_AT_ONCE = 1 << 12


def to_channels(images: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Return images with that number of channels.

    Args:
        images: uint8, ``(n, c, height, width)``, c of 1 or 3.
        channels: 1 takes ITU-R BT.601 luma of colours, as Pillow's mode ``L`` does; 3 repeats grey
            three times.

    Returns:
        uint8, ``(n, channels, height, width)``; the same array if it has them already.

    Example:
        >>> red = np.array([255, 0, 0], np.uint8).reshape(1, 3, 1, 1)
        >>> int(to_channels(red, 1)[0, 0, 0, 0])
        76
    """
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=1)
    grey = np.empty((len(images), 1, *images.shape[2:]), np.uint8)
    for start in range(0, len(images), _AT_ONCE):
        grey[start : start + _AT_ONCE] = luma(images[start : start + _AT_ONCE].astype(np.float32))
    return grey


def luma(colour: Any) -> Any:
    """Return the luma of colours: 0 to 255, to be rounded down.

    Args:
        colour: float32 ``(n, 3, height, width)``, whole numbers from 0 to 255, of NumPy or PyTorch;
            all sums are exact.
    """
    red, green, blue = (colour[:, channel : channel + 1] for channel in range(3))
    return (red * _RED + green * _GREEN + blue * _BLUE + 0x8000) * 2.0**-16


def is_grey(images: NDArray[np.uint8]) -> bool:
    """Return whether no pixel of ``(n, channels, height, width)`` has a colour."""
    return images.shape[1] == 1 or bool(
        (images[:, 0] == images[:, 1]).all() and (images[:, 1] == images[:, 2]).all()
    )
