"""Resizing: PyTorch's antialiased bilinear scaling of bytes, as two matrices of whole numbers.

PyTorch scales bytes as Pillow does: across first, then down, each a weighted sum with weights in
fixed-point arithmetic, rounded to a byte. As products with these matrices the result is the same,
to the bit, wherever it is worked out.
"""

import numpy as np
from numpy.typing import NDArray

_MOST_BITS = 22
_LARGEST_WEIGHT = 1 << 15
_BYTE = 255


def weights(before: int, after: int) -> tuple[NDArray[np.int64], int]:
    """Return how pixels are made of pixels, along one side.

    Args:
        before: pixels along that side.
        after: pixels wanted.

    Returns:
        int64, ``(after, before)``, and the number of fractional bits: divided by two to that power,
        each row sums to about 1.
    """
    shares = np.stack([_shares(pixel, before, after) for pixel in range(after)])
    bits = 0
    while bits < _MOST_BITS and int(0.5 + shares.max() * (1 << (bits + 1))) < _LARGEST_WEIGHT:
        bits += 1
    return np.floor(shares * (1 << bits) + 0.5).astype(np.int64), bits


def exact_type(matrix: NDArray[np.int64]) -> str:
    """Return ``float32`` if products of the matrix with bytes are exact in it, else ``float64``."""
    return "float32" if _BYTE * int(matrix.sum(axis=1).max()) < 1 << 24 else "float64"


def _shares(pixel: int, before: int, after: int) -> NDArray[np.float64]:
    """Return the share of each pixel in one pixel wanted: a triangle around its centre, two pixels
    wide at least.
    """
    scale = before / after
    reach, centre = max(scale, 1.0), scale * (pixel + 0.5)
    first, last = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), before)
    row: NDArray[np.float64] = np.zeros(before)
    row[first:last] = np.maximum(0, 1 - np.abs((np.arange(first, last) - centre + 0.5) / reach))
    row /= row.sum()
    return row
