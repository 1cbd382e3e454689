"""Canny edges, white on black."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnistlab.corruptions.image import Images, pixel_size

_SIGMA = 1.0
_LOW, _HIGH = 0.1, 0.2
"""Thresholds of the Sobel gradient: 8 times the difference of neighbouring pixels, in 0..1."""


def canny_edges(images: Images) -> Images:
    """Show only the edges, in white.

    Canny's method (J. Canny, *A Computational Approach to Edge Detection*, IEEE TPAMI 8, 1986): the
    image is blurred with a standard deviation of 1 pixel. An edge is where the Sobel gradient is
    not less than on either side, along its direction, and either at least 0.2, or at least 0.1 and
    connected to such a pixel. The outermost pixels are never edges.
    """
    down, right = _gradients(_smoothed(images, _SIGMA * pixel_size(images)))
    strength = np.hypot(down, right)
    thin = _thinned(strength, down, right)
    return _connected(thin & (strength >= _LOW), thin & (strength >= _HIGH)).astype(np.float32)


def _smoothed(images: Images, sigma: float) -> Images:
    """Blur; pixels outside the image have no weight."""
    weights = ndimage.gaussian_filter(np.ones(images.shape[1:], np.float32), sigma, mode="constant")
    blurred: Images = ndimage.gaussian_filter(images, (0, sigma, sigma), mode="constant") / weights
    return blurred


def _gradients(images: Images) -> tuple[Images, Images]:
    """Return the Sobel gradients, down and to the right."""

    def sobel(along: int, across: int) -> Images:
        found: Images = ndimage.correlate1d(images, (-1, 0, 1), axis=along)
        smooth: Images = ndimage.correlate1d(found, (1, 2, 1), axis=across)
        return smooth

    return sobel(1, 2), sobel(2, 1)


def _thinned(strength: Images, down: Images, right: Images) -> NDArray[np.bool_]:
    """Return where a gradient is a positive maximum along its direction (non-maximum suppression).

    Between pixels, gradients are interpolated linearly.
    """
    count, height, width = strength.shape
    sizes = np.abs(down), np.abs(right)
    steep = sizes[0] > sizes[1]
    aside = np.minimum(*sizes) / np.maximum(
        np.maximum(*sizes), np.float32(1e-30)
    )  # 0 to 1: how far between two pixels
    signs = np.sign(down).astype(np.int_), np.sign(right).astype(np.int_)
    # The direction points between a pixel straight ahead and a diagonal one.
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
    """Keep the connected components of weak pixels that contain a strong one (hysteresis)."""
    neighbours = np.zeros((3, 3, 3), np.bool_)
    neighbours[1] = True
    labels, count = ndimage.label(weak, neighbours)
    kept = np.zeros(count + 1, np.bool_)
    kept[labels[strong]] = True
    kept[0] = False
    found: NDArray[np.bool_] = kept[labels]
    return found
