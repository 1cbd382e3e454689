"""Glyph: the ink of one digit, prepared as the images of MNIST were.

MNIST's digits were scaled, anti-aliased, to a box of 20x20 pixels, keeping their aspect ratio, and
placed in 28x28 pixels with the centre of mass in the middle (LeCun, Bottou, Bengio and Haffner,
1998, section III.A). They were written with ordinary pens, so their strokes have a typical
thickness.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

SIDE, BOX = 28, 20
_FINE = 6
"""Pixels of the fine grid, on which stroke thickness is measured and corrected, per MNIST pixel."""
_STEEPNESS = 2.0
"""Factor of contrast about 0.5, which sharpens edges that are out of focus."""
THINNEST, THICKEST = 2.1, 3.6
"""MNIST pixels: strokes are made at least and at most this thick, as 90 % of MNIST's training
digits are."""


def prepare(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the 28x28 image that a network trained on MNIST expects.

    Args:
        ink: float32, ``(height, width)``, one digit: 0 without ink, 1 with full ink, 0.5 at edges.

    Returns:
        uint8, ``(28, 28)``, light on black; all black if there is no ink.

    Example:
        >>> ink = np.zeros((90, 60), np.float32)
        >>> ink[10:80, 25:35] = 1
        >>> image = prepare(ink)
        >>> rows, columns = np.nonzero(image)
        >>> int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)
        (20, 3)
    """
    rows, columns = np.nonzero(ink > 0.5)
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.uint8)
    cut = np.pad(ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], 1)
    fine = _adjust_thickness(_to_box(cut))
    return place(shrink(fine)) if (fine > 0.5).any() else np.zeros((SIDE, SIDE), np.uint8)


def _thickness(inside: NDArray[np.float64], shape: NDArray[np.bool_]) -> float:
    """Return the mean stroke thickness in pixels, given the distances to what is outside.

    Within a long stroke, the mean distance to the nearest pixel outside is a quarter of the
    thickness plus a half.
    """
    return 4 * float(inside[shape].mean()) - 2 if shape.any() else 0.0


def _to_box(cut: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale to the box of 20 pixels on the fine grid, sharpen, and add a margin for growth."""
    height, width = cut.shape
    factor = BOX * _FINE / max(height - 2, width - 2)
    new = max(_FINE, round(width * factor)), max(_FINE, round(height * factor))
    way = Image.Resampling.BICUBIC if factor > 1 else Image.Resampling.BOX
    if factor < 1:
        # Otherwise a thin stroke would be averaged away.
        cut = ndimage.grey_dilation(cut, size=(round(1 / factor),) * 2)
    grown = np.asarray(Image.fromarray(cut).resize(new, way))
    return np.pad(np.clip((grown - 0.5) * _STEEPNESS + 0.5, 0, 1), _FINE)


def _adjust_thickness(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Thicken strokes that are too thin for MNIST, and thin those that are too thick."""
    shape = fine > 0.5
    inside = ndimage.distance_transform_edt(shape)
    found = _thickness(inside, shape)
    low, high = THINNEST * _FINE, THICKEST * _FINE
    if 0 < found < low:
        return _within(ndimage.distance_transform_edt(~shape), (low - found) / 2)
    if found > high:
        ridge = shape & (inside >= ndimage.maximum_filter(inside, 3) - 0.01)
        core = _within(ndimage.distance_transform_edt(~ridge), low / 4) * shape
        return np.asarray(np.maximum(np.clip(inside - (found - high) / 2, 0, 1), core), np.float32)
    return fine


def _within(distance: NDArray[np.float64], reach: float) -> NDArray[np.float32]:
    return np.clip(reach + 1 - distance, 0, 1).astype(np.float32)


def shrink(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average the fine grid down, so that the longer side of the ink becomes 20 pixels.

    Args:
        fine: float32, 0 to 1, with some ink.

    Returns:
        float32, at most ``(20, 20)``: the share of ink in each pixel, 0 to 1.
    """
    rows, columns = (
        np.flatnonzero((fine > 0.5).any(axis=1)),
        np.flatnonzero((fine > 0.5).any(axis=0)),
    )
    cut = fine[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = BOX / max(cut.shape)
    height, width = (max(1, round(side * factor)) for side in cut.shape)
    return np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.BOX))


def place(small: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Place an image in 28x28 pixels with its centre of mass in the middle, as far as it fits.

    Args:
        small: float32, at most ``(20, 20)``, 0 to 1, with some ink.

    Returns:
        uint8, ``(28, 28)``.
    """
    height, width = small.shape
    total = small.sum()
    corner = []
    for axis, side in ((0, height), (1, width)):
        centre = (small.sum(axis=1 - axis) * np.arange(side)).sum() / total
        corner.append(min(max(round(SIDE // 2 - centre), 0), SIDE - side))
    result = np.zeros((SIDE, SIDE), np.float32)
    result[corner[0] : corner[0] + height, corner[1] : corner[1] + width] = small
    return np.round(255 * result).astype(np.uint8)
