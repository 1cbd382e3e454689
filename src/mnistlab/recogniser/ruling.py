"""Ruling: the lines and squares printed on writing paper, taken out from under the writing."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_SPAN = 0.9
"""Of the picture's side: a line of the paper is at least so long."""
_THICKEST = 0.025
"""Of the picture's shorter side: a line of the paper is at most so thick."""
_RUN = 0.12
"""Of the picture's side: what is straight for so long belongs to a line of the paper."""
_STEEPEST = 0.12
"""Rise over run to which lines are looked for: seven degrees."""


def erase_rulings(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Take out straight lines that cross most of the picture; writing that they cross stays whole.

    Args:
        solid: bool, ``(height, width)``: ink.
    """
    labels, _ = ndimage.label(solid, np.ones((3, 3), bool))
    height, width = solid.shape
    across = down = False
    for rows, columns in ndimage.find_objects(labels):
        across = across or columns.stop - columns.start >= _SPAN * width
        down = down or rows.stop - rows.start >= _SPAN * height
    if across:
        solid = _erase_across(solid)
    if down:
        solid = _erase_across(solid.T).T
    return solid


def _erase_across(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    height, width = solid.shape
    run = max(12, round(_RUN * width))
    found = np.zeros_like(solid)
    for rise in np.linspace(-_STEEPEST, _STEEPEST, 13):
        shifts = np.round(rise * np.arange(width)).astype(int)
        rows = (np.arange(height)[:, None] + shifts) % height
        level = np.take_along_axis(solid, rows, axis=0)
        straight = _runs(level, run)
        # Only lines that go on: their runs cover most of the way, whatever crosses them.
        covered = ndimage.maximum_filter1d(straight, 3, axis=0).mean(axis=1)
        straight &= (covered > 0.6 * _SPAN)[:, None]
        if straight.any():
            back = np.zeros_like(solid)
            np.put_along_axis(back, rows, straight, axis=0)
            found |= back
    if not found.any():
        return solid
    found = ndimage.binary_dilation(found, np.ones((3, 1), bool)) & solid
    thick = np.median(found.sum(axis=0)[found.any(axis=0)])
    if thick > _THICKEST * min(solid.shape) + 2:
        return solid
    # A stroke that crosses a line has ink above and below it.
    reach = int(min(thick, height // 8)) + 2
    rest = solid & ~found
    above = ndimage.maximum_filter1d(rest, 2 * reach + 1, axis=0, origin=reach)
    below = ndimage.maximum_filter1d(rest, 2 * reach + 1, axis=0, origin=-reach)
    return np.asarray(rest | (found & above & below), bool)


def _runs(level: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Return what belongs to so many pixels in a row: the opening by a row of them, in a time that hangs not on it."""
    starts = ndimage.minimum_filter1d(level, length, axis=1, mode="constant")
    return np.asarray(ndimage.maximum_filter1d(starts, length, axis=1, mode="constant", origin=length % 2 - 1), bool)
