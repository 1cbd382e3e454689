"""Glyph: one digit's ink, prepared as MNIST was (LeCun, Bottou, Bengio and Haffner, 1998, section
III.A).

There the digits were scaled into a box of 20x20 pixels, their aspect kept, anti-aliased, and put
into 28x28 pixels with the centre of mass in the middle. Pens were those of census staff and of
pupils, so strokes too have a usual thickness.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

SIDE, BOX = 28, 20
_FINE = 6
"""Pixels of the fine grid, on which strokes are measured and mended, for one of the 28."""
_STEEPNESS = 2.0
"""Contrast is multiplied by it about the half, so that edges out of focus become those of ink."""
THINNEST, THICKEST = 2.1, 3.6
"""Pixels of the 28: thickness that strokes are brought to; nine in ten of MNIST's training digits
are within."""


def prepare(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Make the 28x28 image that a network trained on MNIST expects.

    Args:
        ink: float32, ``(height, width)``, the digit alone: 0 without ink, 1 where it is full, half
            at its edge.

    Returns:
        uint8, ``(28, 28)``, light on black; all black if there is no ink.
    """
    rows, columns = np.nonzero(ink > 0.5)
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.uint8)
    cut = np.pad(ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], 1)
    fine = _regulate(_to_box(cut))
    return place(shrink(fine)) if (fine > 0.5).any() else np.zeros((SIDE, SIDE), np.uint8)


def thickness(shape: NDArray[np.bool_]) -> float:
    """Return the mean stroke thickness in pixels of its own grid.

    The mean distance to the nearest pixel outside is, within a long stroke, a fourth of its
    thickness plus a half.
    """
    return _thickness(ndimage.distance_transform_edt(shape), shape)


def _thickness(inside: NDArray[np.float64], shape: NDArray[np.bool_]) -> float:
    return 4 * float(inside[shape].mean()) - 2 if shape.any() else 0.0


def _to_box(cut: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale into the box of 20 (on the fine grid), with a margin for strokes that grow, and make
    edges steep.
    """
    height, width = cut.shape
    factor = BOX * _FINE / max(height - 2, width - 2)
    new = max(_FINE, round(width * factor)), max(_FINE, round(height * factor))
    way = Image.Resampling.BICUBIC if factor > 1 else Image.Resampling.BOX
    if factor < 1:
        # A hair would be averaged away.
        cut = ndimage.grey_dilation(cut, size=(round(1 / factor),) * 2)
    grown = np.asarray(Image.fromarray(cut).resize(new, way))
    return np.pad(np.clip((grown - 0.5) * _STEEPNESS + 0.5, 0, 1), _FINE)


def _regulate(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring strokes that no pen of MNIST's wrote to the nearest thickness that one did."""
    shape = fine > 0.5
    inside = ndimage.distance_transform_edt(shape)
    found = _thickness(inside, shape)
    low, high = THINNEST * _FINE, THICKEST * _FINE
    if 0 < found < low:
        return _clear(ndimage.distance_transform_edt(~shape), (low - found) / 2)
    if found > high:
        ridge = shape & (inside >= ndimage.maximum_filter(inside, 3) - 0.01)
        core = _clear(ndimage.distance_transform_edt(~ridge), low / 4) * shape
        return np.asarray(np.maximum(np.clip(inside - (found - high) / 2, 0, 1), core), np.float32)
    return fine


def _clear(distance: NDArray[np.float64], reach: float) -> NDArray[np.float32]:
    return np.clip(reach + 1 - distance, 0, 1).astype(np.float32)


def shrink(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average down from the fine grid: the longer side of the ink becomes 20, each pixel its share
    of ink, 0 to 1.
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
    """Put an image of at most 20x20 into 28x28 with its centre of mass in the middle, as far as it
    fits.
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
