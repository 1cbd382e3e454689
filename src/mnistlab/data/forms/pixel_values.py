"""From the numbers of a table of pixels to images of bytes."""

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.form import Part
from mnistlab.data.forms.pixel_columns import Shape
from mnistlab.data.forms.pixel_rows import AT_ONCE, Content, Numbers
from mnistlab.errors import DataError

_COLOURS = 3
_CLEARLY = 0.9
"""Of two readings of an image's colours, how rough the better one may be, the other being 1."""
_LOOKED_AT = 256
"""Images that are looked at to tell how colours are stored."""
_DIGITS_MOST, _DIGITS_SHAPE = 16, (1, 8, 8)
"""UCI's handwritten digits: counts of black pixels in blocks of 4 x 4."""
_EMNIST = re.compile(r"(^|/)emnist[-_]", re.IGNORECASE)
"""Its tables hold each image with rows and columns exchanged."""


def to_images(contents: Mapping[Part, Content], notes: list[str]) -> dict[Part, NDArray[np.uint8]]:
    """Return the images of all splits on one scale.

    Args:
        contents: of the table of each split.
        notes: to which is added what was scaled or arranged.

    Returns:
        uint8, ``(n, channels, height, width)``.

    Raises:
        DataError: a pixel is out of range, or the splits are on different scales.
    """
    pixels = {part: _pixels(content) for part, content in contents.items()}
    shift, factor = _scale(contents, pixels, notes)
    images: dict[Part, NDArray[np.uint8]] = {}
    interleaved: bool | None = None
    for part, content in contents.items():
        own = _to_bytes(pixels.pop(part), shift, factor)
        shape = content.columns.shape or (1, 1, own.shape[1])
        if interleaved is None and shape[0] == _COLOURS:
            interleaved = _is_interleaved(own, shape, notes, ordered=content.columns.ordered)
        images[part] = _arranged(own, shape, interleaved=bool(interleaved))
    if _EMNIST.search(contents["train"].table.name):
        notes.append("EMNIST's tables hold the pictures transposed, which was undone")
        images = {part: np.ascontiguousarray(own.swapaxes(2, 3)) for part, own in images.items()}
    return images


def _pixels(content: Content) -> Numbers:
    """Return the numbers of the pixels' columns alone; without a copy where they are adjacent."""
    places, numbers = content.columns.pixels, content.numbers
    adjacent = places == tuple(range(places[0], places[-1] + 1))
    found = numbers[:, places[0] : places[-1] + 1] if adjacent else numbers[:, list(places)]
    if found.dtype != np.uint8:
        _refuse_where(content, found, ~np.isfinite(found))
    return found


def _refuse_where(content: Content, pixels: Numbers, wrong: NDArray[np.bool_]) -> None:
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        name = (
            f"pixel {column}"
            if content.columns.strings
            else content.columns.names[content.columns.pixels[column]]
        )
        raise DataError(
            f"{content.table.where}: data row {row + 1}, {name} is {pixels[row, column]:g}; pixels"
            " are 0 to 255, or fractions from 0 to 1"
        )


def _scale(
    contents: Mapping[Part, Content], pixels: Mapping[Part, Numbers], notes: list[str]
) -> tuple[float, float]:
    """Return what is to be added to pixels, and what they are then to be multiplied by."""
    lows = {part: float(found.min()) for part, found in pixels.items()}
    highs = {part: float(found.max()) for part, found in pixels.items()}
    whole = {part: _is_whole(found) for part, found in pixels.items()}
    low, high = min(lows.values()), max(highs.values())
    if -1 <= low < 0 and high <= 1:
        notes.append("pixels from -1 to 1 are scaled to 0 to 255")
        return 1.0, 127.5
    for part, found in pixels.items():
        if low < 0 or high > 255:
            _refuse_where(contents[part], found, (found < 0) | (found > 255))
    if 0 < high <= 1:
        notes.append("pixels from 0 to 1 are scaled to 0 to 255")
        return 0.0, 255.0
    fractions = [part for part in pixels if not whole[part] and highs[part] <= 1]
    if fractions:
        other = next(part for part in pixels if highs[part] > 1)
        raise DataError(
            f"{contents[fractions[0]].table.where}: {fractions[0]} pixels are from 0 to 1, {other}"
            f" ones up to {highs[other]:g}; use one scale for all"
        )
    if (
        all(whole.values())
        and high <= _DIGITS_MOST
        and (contents["train"].columns.shape == _DIGITS_SHAPE)
    ):
        notes.append(f"pixels from 0 to {_DIGITS_MOST} are scaled to 0 to 255")
        return 0.0, 255 / _DIGITS_MOST
    if not all(whole.values()):
        notes.append("fractions of pixels from 0 to 255 are rounded")
    return 0.0, 1.0


def _is_whole(pixels: Numbers) -> bool:
    return pixels.dtype == np.uint8 or bool((pixels == np.rint(pixels)).all())


def _to_bytes(pixels: Numbers, shift: float, factor: float) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8 and factor == 1:
        return pixels
    scaled = np.empty(pixels.shape, np.uint8)
    for start in range(0, len(pixels), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        scaled[rows] = np.rint((pixels[rows].astype(np.float32) + shift) * factor).clip(0, 255)
    return scaled


def _is_interleaved(
    pixels: NDArray[np.uint8], shape: Shape, notes: list[str], *, ordered: bool
) -> bool:
    """Tell whether the colours of a pixel are together, rather than plane by plane."""
    _, height, width = shape
    size = f"{pixels.shape[1]:,} pixels are read as {height}x{width} in colour,"
    if ordered:
        notes.append(f"{size} as the columns are named")
        return False
    some = pixels[:_LOOKED_AT]
    together, apart = (_arranged(some, shape, interleaved=how) for how in (True, False))
    if _roughness(together) < _CLEARLY * _roughness(apart):
        notes.append(
            f"{size} with red, green and blue alternating, since that looks like a picture"
        )
        return True
    notes.append(f"{size} a plane of red, then green, then blue")
    return False


def _arranged(pixels: NDArray[np.uint8], shape: Shape, *, interleaved: bool) -> NDArray[np.uint8]:
    """Turn rows of pixels into images ``(n, channels, height, width)``."""
    channels, height, width = shape
    if interleaved and channels == _COLOURS:
        by_pixel = pixels.reshape(-1, height, width, channels)
        return np.ascontiguousarray(by_pixel.transpose(0, 3, 1, 2))
    return np.ascontiguousarray(pixels.reshape(-1, channels, height, width))


def _roughness(images: NDArray[np.uint8]) -> float:
    """Return how much a pixel and the one below it differ on average.

    Neither channels nor pixels side by side tell the orders apart: in the wrong one, the former are
    neighbours of one grey and the latter, in nearly grey pictures, channels of one pixel.
    """
    some = images[:_LOOKED_AT].astype(np.float32)
    return float(np.abs(np.diff(some, axis=2)).mean())
