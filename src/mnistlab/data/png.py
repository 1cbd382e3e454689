"""Images as pictures, for files and plots."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode an image as a PNG file.

    Args:
        pixels: uint8, ``(height, width)`` or ``(channels, height, width)`` with 1 or 3 channels.
    """
    buffer = io.BytesIO()
    to_pillow(pixels).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def to_pillow(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return an image, as :func:`encode_png` takes it, as Pillow's."""
    return Image.fromarray(np.ascontiguousarray(channels_last(pixels)))


def channels_last(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image, as :func:`encode_png` takes it, as plots want it: ``(height, width)`` if it
    is grey, else ``(height, width, 3)``.
    """
    pixels = np.asarray(pixels).view(np.ndarray)
    if pixels.ndim == 2:
        return pixels
    return pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
