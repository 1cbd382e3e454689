"""Picture: a file of pixels, or an array, as colours one can look at: upright, opaque, eight
bits.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnistlab.data.decode import LoadedPicture, load_image, load_picture
from mnistlab.errors import PictureError
from mnistlab.files import read_file

MAX_PIXELS = 178_000_000
"""As many as Pillow opens; a picture of more is taken for a decompression bomb."""
WORKING_SIDE, SMALLEST_SIDE = 1280, 112
"""Pixels of the longer side above which a picture is reduced, and of the shorter below which it is
enlarged."""
_HIGHEST_ENLARGEMENT = 8
_COLOUR, _CHANNELS = 3, (1, 3, 4)
"""Dimensions of an array with channels, and how many channels it has, last."""


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


def open_picture(
    source: bytes | Path | Image.Image | NDArray[np.generic], max_pixels: int = MAX_PIXELS
) -> Picture:
    """Decode a picture and bring it to a size to work with.

    Args:
        source: a file's content, its path, a Pillow image, or an array: ``(height, width)``,
            ``(height, width, 1, 3 or 4)`` or ``(1 or 3, height, width)``, uint8 or uint16, or bool,
            or floating point from 0 to 1.
        max_pixels: files of more are refused, before they are decoded.

    Returns:
        As :mod:`mnistlab.data.decode` reads it, as training images are; transparency laid on white
        or black, whichever the ink stands out from.

    Raises:
        PictureError: not a picture, of a format not read, damaged, or too large.
    """
    if isinstance(source, Image.Image | np.ndarray):
        return _bring_to_size(_given(source))
    name, content = (
        ("picture", source) if isinstance(source, bytes) else (str(source), _read(source))
    )
    try:
        return _bring_to_size(
            load_picture(
                content, name, ground="contrast", max_pixels=max_pixels, longest=WORKING_SIDE
            )
        )
    except MemoryError:
        raise PictureError(f"{name}: does not fit into memory; make it smaller") from None


def _read(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise PictureError(f"{path}: cannot be read: {error.strerror or error}") from error


def _given(source: Image.Image | NDArray[np.generic]) -> LoadedPicture:
    image = Image.fromarray(_as_bytes(source)) if isinstance(source, np.ndarray) else source
    try:
        return load_image(image, ground="contrast", longest=WORKING_SIDE)
    except ValueError as error:
        raise PictureError(f"picture: {error}") from error


def _as_bytes(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if array.ndim == _COLOUR and array.shape[2] not in _CHANNELS and array.shape[0] in (1, 3):
        array = array.transpose(1, 2, 0)
    if (
        array.ndim not in (2, _COLOUR)
        or 0 in array.shape
        or (array.ndim == _COLOUR and array.shape[2] not in _CHANNELS)
    ):
        raise PictureError(
            f"array: {array.shape} is not a picture; (height, width), (height, width, 1, 3 or 4)"
            " and (1 or 3, height, width) are"
        )
    values = array[..., 0] if array.ndim == _COLOUR and array.shape[2] == 1 else array
    if values.dtype == np.uint8:
        return values.view(np.uint8)
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return (values.astype(np.uint32) >> 8).astype(np.uint8)
    if values.dtype == np.bool_ or np.issubdtype(values.dtype, np.floating):
        numbers = values.astype(np.float64)
        if not np.isfinite(numbers).all() or numbers.min() < 0 or numbers.max() > 1:
            raise PictureError("array: floating point pixels go from 0 to 1")
        return np.round(255 * numbers).astype(np.uint8)
    raise PictureError(
        f"array: pixels of type {values.dtype}; uint8, uint16, bool or floating point are read"
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
