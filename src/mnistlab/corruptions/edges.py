"""Edges: where the brightness changes most, white on black (Canny, 1986)."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnistlab.corruptions.image import Images, pixel

_SIGMA = 1.0
_LOW, _HIGH = 0.1, 0.2
"""Gradients, by Sobel's operator: 8 times the change of brightness from a pixel to the next, white
being 1."""


def canny_edges(images: Images) -> Images:
    """Show edges alone, in white (J. Canny, *A Computational Approach to Edge Detection*, IEEE
    TPAMI 8, 1986).

    The image is blurred by 1 pixel. An edge is where Sobel's gradient is not less than on either
    side of it, looked for along its direction, and at least 0.2, or at least 0.1 and connected to
    such a place. The outermost pixels are none.
    """
    down, right = _gradients(_smoothed(images, _SIGMA * pixel(images)))
    strength = np.hypot(down, right)
    thin = _thinned(strength, down, right)
    return _connected(thin & (strength >= _LOW), thin & (strength >= _HIGH)).astype(np.float32)


def _smoothed(images: Images, sigma: float) -> Images:
    """Blur; what is outside has no weight."""
    weights = ndimage.gaussian_filter(np.ones(images.shape[1:], np.float32), sigma, mode="constant")
    blurred: Images = ndimage.gaussian_filter(images, (0, sigma, sigma), mode="constant") / weights
    return blurred


def _gradients(images: Images) -> tuple[Images, Images]:
    """Return Sobel's gradients, down and to the right."""

    def sobel(along: int, across: int) -> Images:
        found: Images = ndimage.correlate1d(images, (-1, 0, 1), axis=along)
        smooth: Images = ndimage.correlate1d(found, (1, 2, 1), axis=across)
        return smooth

    return sobel(1, 2), sobel(2, 1)


def _thinned(strength: Images, down: Images, right: Images) -> NDArray[np.bool_]:
    """Tell where a gradient is above 0 and not less than on either side, between pixels by linear
    interpolation.
    """
    count, height, width = strength.shape
    sizes = np.abs(down), np.abs(right)
    steep = sizes[0] > sizes[1]
    aside = np.minimum(*sizes) / np.maximum(
        np.maximum(*sizes), np.float32(1e-30)
    )  # 0 to 1: how far between two pixels
    signs = np.sign(down).astype(np.int_), np.sign(right).astype(np.int_)
    # Along the direction lie a pixel straight ahead, and one diagonally.
    straight = np.where(steep, signs[0], 0), np.where(steep, 0, signs[1])
    image, row, column = np.ogrid[:count, 1 : height - 1, 1 : width - 1]
    inner = (slice(None), slice(1, -1), slice(1, -1))
    highest = np.zeros(strength.shape, np.bool_)
    highest[inner] = strength[inner] > 0
    for way in (1, -1):
        near, far = (
            strength[image, row + way * rows[inner], column + way * columns[inner]]
            for rows, columns in (straight, signs)
        )
        highest[inner] &= (1 - aside[inner]) * near + aside[inner] * far <= strength[inner]
    return highest


def _connected(weak: NDArray[np.bool_], strong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep those connected components of weak pixels, within an image, that have a strong one."""
    neighbours = np.zeros((3, 3, 3), np.bool_)
    neighbours[1] = True
    labels, count = ndimage.label(weak, neighbours)
    kept = np.zeros(count + 1, np.bool_)
    kept[labels[strong]] = True
    kept[0] = False
    found: NDArray[np.bool_] = kept[labels]
    return found
