"""Picture: a file of pixels, or an array, as colours one can look at: upright, opaque, eight
bits.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnistlab.data.decode import LoadedPicture
from mnistlab.data.picture_inputs import load

MAX_PIXELS = 178_000_000
"""As many as Pillow opens; a picture of more is taken for a decompression bomb."""
WORKING_SIDE, SMALLEST_SIDE = 1280, 112
"""Pixels of the longer side above which a picture is reduced, and of the shorter below which it is
enlarged."""
_HIGHEST_ENLARGEMENT = 8


@dataclass(frozen=True, eq=False)
class Picture:
    """Colours to read.

    Attributes:
        colours: uint8, ``(height, width, 3)``, RGB.
        size: width and height of the picture itself.
        scale: pixels of ``colours`` for one pixel of the picture.
    """

    colours: NDArray[np.uint8]
    size: tuple[int, int]
    scale: float


def open_picture(source: Any, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a picture and bring it to a size to work with.

    Args:
        source: see :func:`mnistlab.data.picture_inputs.open_picture`.
        max_pixels: files of more are refused, before they are decoded.

    Returns:
        As :mod:`mnistlab.data.decode` reads it, as training images are; transparency laid on white
        or black, whichever the ink stands out from.

    Raises:
        PictureError: not a picture, of a format not read, damaged, or too large.
    """
    return _bring_to_size(
        load(source, ground="contrast", max_pixels=max_pixels, longest=WORKING_SIDE)
    )


def _bring_to_size(picture: LoadedPicture) -> Picture:
    (width, height), image = picture.size, picture.image.convert("RGB")
    factor = min(1.0, WORKING_SIDE / max(image.size))
    if factor == 1 and min(image.size) < SMALLEST_SIDE:
        factor = min(
            SMALLEST_SIDE / min(image.size), _HIGHEST_ENLARGEMENT, WORKING_SIDE / max(image.size)
        )
    new = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    if new != image.size:
        way = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
        image = image.resize(new, way)
    return Picture(np.asarray(image), (width, height), image.width / width)
