"""Ruling: the lines and squares printed on writing paper, taken out from under the writing."""

from itertools import pairwise

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
        straight = _runs(_sheared(solid, shifts), run)
        # Only lines that go on: their runs cover most of the way, whatever crosses them.
        beside = np.pad(straight, ((1, 1), (0, 0)))
        covered = np.count_nonzero(beside[:-2] | straight | beside[2:], axis=1) / width
        straight &= (covered > 0.6 * _SPAN)[:, None]
        if straight.any():
            found |= _sheared(straight, -shifts)
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


def _sheared(solid: NDArray[np.bool_], shifts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Move each column up by its shift; what leaves at the top comes in below."""
    result = np.empty_like(solid)
    edges = [0, *(np.flatnonzero(np.diff(shifts)) + 1), len(shifts)]
    for left, right in pairwise(edges):
        up = shifts[left] % len(solid)
        result[: len(solid) - up, left:right] = solid[up:, left:right]
        result[len(solid) - up :, left:right] = solid[:up, left:right]
    return result


def _runs(level: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Return what belongs to so many pixels in a row: the opening by a row of them."""
    height, width = level.shape
    if width < length:
        return np.zeros_like(level)
    # All rows as one number, a pixel a bit and a gap behind each row, so that one shift moves the
    # whole picture.
    gap = -(width + length) % 8 + length
    packed = np.packbits(np.pad(level, ((0, 0), (0, gap))), axis=None)
    bits, reached = int.from_bytes(packed.tobytes(), "big"), 1
    while reached < length:
        step = min(reached, length - reached)
        bits, reached = bits & bits << step, reached + step
    if not bits:
        return np.zeros_like(level)
    reached = 1
    while reached < length:
        step = min(reached, length - reached)
        bits, reached = bits | bits >> step, reached + step
    opened = np.unpackbits(np.frombuffer(bits.to_bytes(len(packed), "big"), np.uint8))
    return opened.reshape(height, width + gap)[:, :width].astype(bool)
