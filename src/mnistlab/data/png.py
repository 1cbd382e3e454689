"""Images written as picture files."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode an image as a PNG file.

    Args:
        pixels: uint8, ``(height, width)`` or ``(channels, height, width)`` with 1 or 3 channels.
    """
    if pixels.ndim > 2:
        pixels = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
