"""Images from arrays: any order of axes, flat or not, bytes or floats, as bytes
``(n, channels, height, width)``.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import DataError

_RGB, _RGBA = 3, 4
_WHITE = 255.0
_BLOCK_BYTES = 1 << 24
_NEAR = 1e-3
"""By how much rounding may lead beyond a range."""
_WHOLE_SCALES = (16, 255, 1023, 4095, 16383, 65535)
"""The largest values of whole numbers: scikit-learn's digits, and pictures of 8 to 16 bits."""
_LEAST_BRIGHT = 128.0
"""What fractions reach at least if they are meant to end at 255."""
_SMALL = 8
"""Pixels of a side; a smaller square is probably none."""
_LEAST_STEP = 1e-6
"""Between normalised bytes, as a share of the largest of them."""
_PLAIN_SHARE = 0.5
"""The share of an alpha channel that is opaque or transparent, and not in between."""
_LOOKED_AT = 200
"""Images that are looked at to tell how flat ones are laid out."""
_CLEARER = 1.1


@dataclass(frozen=True)
class Arrangement:
    """Images with their axes in order, not yet bytes.

    Attributes:
        images: ``(n, channels, height, width)``, 1, 3 or 4 channels, a view where that is possible.
        note: what was taken in another sense than might be expected; or nothing.
    """

    images: NDArray[Any]
    note: str = ""


def looks_like_images(array: NDArray[Any]) -> bool:
    """Whether an array can be images by its shape and its type."""
    if array.dtype.kind not in "buif" or array.size == 0:
        return False
    sides = [side for side in array.shape if side > 1]
    return len(sides) > 2 or (len(sides) == 2 and any(map(_flat_shape, array.shape)))


def count_images(shape: tuple[int, ...], *, matlab: bool) -> int:
    """Return how many images an array without labels holds.

    Args:
        shape: the array's.
        matlab: see :func:`arrange`; then the last axis counts them if the first two are the sides
            of a square, or if columns alone are as long as the pixels of one.
    """
    if matlab and len(shape) == 2:
        squares = [_flat_shape(side) for side in shape]
        in_columns, in_rows = (found is not None and found[1] >= _SMALL for found in squares)
        return shape[1] if in_columns and not in_rows else shape[0]
    return shape[-1] if matlab and shape[0] == shape[1] != shape[-1] else shape[0]


def arrange(
    array: NDArray[Any],
    count: int,
    name: str,
    *,
    matlab: bool = False,
    by_columns: bool = False,
) -> Arrangement:
    """Bring the axes of images into order.

    Args:
        array: ``(n, h, w)``, ``(h, w, n)``, ``(n, c, h, w)``, ``(n, h, w, c)``, ``(h, w, c, n)``,
            ``(c, h, w, n)``, or square images with all their pixels in a row, ``(n, pixels)`` or
            ``(pixels, n)``.
        count: of the images, which tells the axes apart.
        name: what messages start with.
        matlab: whether MATLAB may have written them, which counts images along the last axis;
            otherwise the first axis counts them if that is possible.
        by_columns: whether flat pixels run down the columns, as MATLAB's do, and not along rows.

    Raises:
        DataError: another shape, or one that can be read in two ways.
    """
    if array.dtype.kind not in "buif":
        raise DataError(
            f"{name}: images of type {array.dtype}; store them as numbers, preferably uint8"
        )
    found = _flatten_thin(array)
    if found.ndim == 2:
        return _unflatten(found, count, name, matlab=matlab, by_columns=by_columns)
    candidates = list(_orders(found.shape, count))
    leading = [order for order in candidates if order[0] == 0]
    if len(candidates) > 1 and len(leading) == 1 and not matlab:
        candidates = leading
    if len(candidates) > 1:
        raise DataError(
            f"{name}: images of shape {array.shape} can be read in several ways; transpose them to"
            " (n, channels, height, width)"
        )
    if not candidates:
        raise DataError(_refusal(array, count, name))
    order = candidates[0]
    images = found.transpose(order) if found.ndim == 4 else found.transpose(order)[:, np.newaxis]
    return Arrangement(images)


def _flatten_thin(array: NDArray[Any]) -> NDArray[Any]:
    """Drop the axes of length 1 of flat images, such as ``(n, 1, 784)``."""
    long = [side for side in array.shape if side > 1]
    if array.ndim > 2 and len(long) == 2 and any(map(_flat_shape, array.shape)):
        return array.reshape(long)
    return array


def _orders(shape: tuple[int, ...], count: int) -> Iterable[tuple[int, ...]]:
    """Yield the orders of axes that make ``(n, h, w)`` or ``(n, c, h, w)`` of a shape."""
    channels = (1, _RGB, _RGBA)
    if len(shape) == 3:
        if shape[0] == count:
            yield 0, 1, 2
        if shape[2] == count:
            yield 2, 0, 1
    if len(shape) == 4:
        for order in ((0, 1, 2, 3), (0, 3, 1, 2), (3, 2, 0, 1), (3, 0, 1, 2)):
            if shape[order[0]] == count and shape[order[1]] in channels:
                yield order


def _refusal(array: NDArray[Any], count: int, name: str) -> str:
    found = f"{name}: images of shape {array.shape} and type {array.dtype}"
    if array.ndim == 4 and count in (array.shape[0], array.shape[3]):
        return f"{found} have neither 1 (grey) nor 3 (RGB) channels; keep 1 or 3"
    if array.ndim in (3, 4):
        return f"{found}, but {count:,} labels; give each image one label"
    return f"{found}; expected (n, height, width) or (n, channels, height, width)"


def _flat_shape(pixels: int) -> tuple[int, int] | None:
    """Return the channels and the side of a square image of so many values."""
    for channels in (1, _RGB):
        side = math.isqrt(pixels // channels)
        if side > 1 and channels * side * side == pixels:
            return channels, side
    return None


def _unflatten(
    array: NDArray[Any], count: int, name: str, *, matlab: bool, by_columns: bool
) -> Arrangement:
    rows, columns = array.shape
    if count not in (rows, columns):
        raise DataError(
            f"{name}: images of shape {array.shape}, but {count:,} labels; give each image one"
            " label"
        )
    if rows == columns == count and matlab:
        raise DataError(
            f"{name}: images of shape {array.shape} can be read in two ways; reshape them to"
            " (n, height, width)"
        )
    flat = array if rows == count else array.T
    shape = _flat_shape(flat.shape[1])
    if shape is None:
        raise DataError(
            f"{name}: {flat.shape[1]:,} pixels per image do not make a square; reshape them to"
            " (n, height, width)"
        )
    channels, side = shape
    if channels == _RGB:
        return _split_colours(flat, side, by_columns=by_columns)
    images = flat.reshape(-1, 1, side, side)
    if by_columns:
        return Arrangement(images.swapaxes(2, 3))
    if matlab:
        return Arrangement(
            images,
            "pixels are read row by row (if the pictures lie on their side, reshape the images)",
        )
    return Arrangement(images)


def _split_colours(flat: NDArray[Any], side: int, *, by_columns: bool) -> Arrangement:
    """Tell planes of red, green and blue, as CIFAR has them, from pixels of three values.

    Neighbours in a picture are alike, so those of the right layout differ less.
    """
    some = flat[:_LOOKED_AT].astype(np.float32)
    planes, pixels = (
        sum(float(np.abs(some[:, step:] - some[:, :-step]).mean()) for step in (by, by * side))
        for by in (1, _RGB)
    )
    if pixels * _CLEARER < planes:
        images = flat.reshape(-1, side, side, _RGB).transpose(0, 3, 1, 2)
        note = "red, green and blue alternate, since neighbouring pixels are then most alike"
    else:
        images = flat.reshape(-1, _RGB, side, side)
        note = "a plane of red, then green, then blue"
    images = images.swapaxes(2, 3) if by_columns else images
    return Arrangement(
        images,
        f"{flat.shape[1]:,} values per image are read as {side}x{side} pixels in colour: {note}",
    )


@dataclass(frozen=True)
class _Scale:
    """Bytes are ``(value - low) * factor``, rounded."""

    low: float = 0.0
    factor: float = 1.0
    note: str = ""


def to_bytes(
    images: Mapping[str, NDArray[Any]], place: str
) -> tuple[dict[str, NDArray[np.uint8]], list[str]]:
    """Scale the images of all splits alike, and lay what is transparent on white.

    Args:
        images: ``(n, channels, height, width)`` of any kind of numbers, by name.
        place: what messages start with.

    Returns:
        uint8 ``(n, 1 or 3, height, width)`` by the same names, and what was done to the values.

    Raises:
        DataError: values of a range that pixels do not have.
    """
    done, notes = {}, []
    for kind in sorted({_kind(array) for array in images.values()}):
        of_kind = {name: array for name, array in images.items() if _kind(array) == kind}
        scale = _find_scale(of_kind, f"{place}: {next(iter(of_kind))}")
        notes.append(scale.note)
        for name, array in of_kind.items():
            done[name] = _apply(array, scale)
    for name, array in done.items():
        if array.shape[1] == _RGBA:
            done[name], note = _lay_on_white(array, f"{place}: {name}")
            notes.append(note)
    return {name: done[name] for name in images}, [note for note in dict.fromkeys(notes) if note]


def one_to_bytes(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Scale the values of one picture, or of several that belong together, like :func:`to_bytes`.

    Two things are otherwise, since one picture shows less than a data set: uint8 is always kept as
    it is, and bytes that were normalised are refused rather than scaled back.

    Args:
        array: of any shape and any kind of numbers: true or false; whole numbers of 0 to 1, 16,
            255, 1023, 4095, 16383 or 65535, the least of these that holds them; fractions of 0 to
            1, 0 to 255 (if the brightest is 128 or more), -1 to 1 or -0.5 to 0.5.
        name: what messages start with.

    Raises:
        DataError: values of another range, or not finite.
    """
    if array.dtype.kind not in "buif":
        raise DataError(f"{name}: pixels of type {array.dtype}; numbers are read, preferably uint8")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    return _apply(array, _find_scale({"pixels": array}, name, normalised=False))


def _kind(array: NDArray[Any]) -> str:
    """Return ``b``, ``i`` for whole numbers, or ``f``."""
    return "i" if array.dtype.kind in "ui" else array.dtype.kind


def _find_scale(
    images: Mapping[str, NDArray[Any]], name: str, *, normalised: bool = True
) -> _Scale:
    arrays = list(images.values())
    kind = _kind(arrays[0])
    if kind == "b":
        return _Scale(factor=_WHITE, note="pixels are true or false: scaled to 0 and 255")
    low = min(float(array.min()) for array in arrays)
    highs = {name: float(array.max()) for name, array in images.items()}
    high = max(highs.values())
    found = f"{name}: pixels of type {arrays[0].dtype} from {low:g} to {high:g}"
    if not math.isfinite(low) or not math.isfinite(high):
        raise DataError(f"{name}: some pixels are NaN or infinite; repair or remove those images")
    if all(array.dtype == np.uint8 for array in arrays) and high != 1:
        return _Scale()
    dark = next((name for name, most in highs.items() if 0 < most <= 1 < high / 16), None)
    if dark:
        raise DataError(
            f"{found}, but those of {dark} go up to {highs[dark]:g} only; scale all alike"
        )
    whole = kind == "i" or all(_is_whole(array) for array in arrays)
    scale = _whole_scale(low, high) if whole else _fraction_scale(low, high)
    scale = scale or (_level_scale(arrays, low, high) if normalised and not whole else None)
    if scale is None:
        raise DataError(
            f"{found} are neither 0 to 255 nor 0 to 1; store them as they were before"
            " normalisation, preferably as uint8"
        )
    return scale


def _whole_scale(low: float, high: float) -> _Scale | None:
    """Return how whole numbers become bytes."""
    if low == -1 and high <= 1:
        return _Scale(-1, _WHITE / 2, "pixels are -1 to 1: scaled to 0 to 255")
    if low < 0:
        return None
    if high == 1:
        return _Scale(factor=_WHITE, note="pixels are 0 or 1: scaled to 0 and 255")
    most = next((most for most in _WHOLE_SCALES if high <= most), None)
    if most is None:
        return None
    if most == _WHITE or high == 0:
        return _Scale()
    return _Scale(
        factor=_WHITE / most,
        note=f"pixels are 0 to {high:g}: {most:,} was taken as white",
    )


def _fraction_scale(low: float, high: float) -> _Scale | None:
    """Return how fractions become bytes."""
    if low >= -_NEAR and high <= 1 + _NEAR:
        return _Scale(factor=_WHITE, note="pixels are fractions of 0 to 1: scaled to 0 to 255")
    if low >= -_NEAR and _LEAST_BRIGHT <= high <= _WHITE + _NEAR:
        return _Scale(note="pixels are fractions of 0 to 255: rounded")
    for half in (1.0, 0.5):
        if abs(low + half) <= _NEAR and half / 2 <= high <= half + _NEAR:
            note = f"pixels are -{half:g} to {half:g}: scaled to 0 to 255"
            return _Scale(-half, _WHITE / (2 * half), note)
    return None


def _level_scale(arrays: list[NDArray[Any]], low: float, high: float) -> _Scale | None:
    """Return how fractions become bytes which are 256 steps of one height, as bytes are that were
    normalised by one mean and one deviation.
    """
    step = (high - low) / _WHITE
    # Of images of one value, or nearly, there are no steps to be told from rounding.
    if step <= _LEAST_STEP * max(abs(low), abs(high)):
        return None
    for array in arrays:
        for block in _blocks(array):
            levels = (block.astype(np.float64) - low) / step
            if np.abs(levels - np.rint(levels)).max() > 0.02:
                return None
    note = f"pixels are normalised bytes, {low:.3g} to {high:.3g}: scaled back to 0 to 255"
    return _Scale(low, 1 / step, note)


def _is_whole(array: NDArray[Any]) -> bool:
    return all((block == np.rint(block)).all() for block in _blocks(array))


def _blocks(array: NDArray[Any]) -> Iterable[NDArray[Any]]:
    """Yield the images a few at a time, so that what is computed of them takes little memory."""
    for at in _starts(array):
        yield array[at]


def _starts(array: NDArray[Any]) -> Iterable[slice]:
    many = max(1, _BLOCK_BYTES // max(1, math.prod(array.shape[1:]) * 8))
    for start in range(0, len(array), many):
        yield slice(start, start + many)


def _apply(array: NDArray[Any], scale: _Scale) -> NDArray[np.uint8]:
    if array.dtype == np.uint8 and not scale.note:
        return np.ascontiguousarray(array)
    pixels = np.empty(array.shape, np.uint8)
    for at in _starts(array):
        scaled = (array[at].astype(np.float64) - scale.low) * scale.factor
        pixels[at] = np.clip(np.rint(scaled), 0, _WHITE)
    return pixels


def _lay_on_white(pixels: NDArray[np.uint8], name: str) -> tuple[NDArray[np.uint8], str]:
    """Return colours without alpha, the fourth channel, and what was done."""
    alpha = pixels[:, 3]
    if (alpha == _WHITE).all():
        return np.ascontiguousarray(
            pixels[:, :_RGB]
        ), "the fourth channel, an opaque alpha, was dropped"
    if np.isin(alpha, (0, 255)).mean() < _PLAIN_SHARE:
        raise DataError(
            f"{name}: images have 4 channels, and the last does not look like alpha; keep red,"
            " green and blue"
        )
    laid = np.empty((len(pixels), _RGB, *pixels.shape[2:]), np.uint8)
    for at in _starts(pixels):
        share = pixels[at, 3:].astype(np.float32) / _WHITE
        laid[at] = np.rint(pixels[at, :_RGB] * share + _WHITE * (1 - share))
    return laid, "transparent parts became white"
