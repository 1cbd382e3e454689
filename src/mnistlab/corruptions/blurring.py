"""Glass blur and motion blur."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

from mnistlab.corruptions.image import Generators, Images, pixel_size, scale_length


def glass_blur(images: Images, *, severity: int, rngs: Generators) -> Images:
    """Blur, swap neighbouring pixels, and blur again, as frosted glass does.

    The standard deviation of the Gaussian is 0.7, 0.9, 1, 1.1 or 1.5 pixels, the reach 1, 2, 2, 3
    or 4 pixels, the number of rounds 2, 1, 3, 2 or 2. MNIST-C's severity is 1. In each round every
    pixel, from the lower right to the upper left, is swapped with probability 1/2 with one that is
    some rows and columns away, each from minus the reach to the reach less one.

    The blur is vertical only, as in the images of MNIST-C, whose code takes the columns of a grey
    image for colours and does not blur across them. That code rounds down to whole greys after the
    first blur; this one does not round.
    """
    sigma, reach, rounds = ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[
        severity - 1
    ]
    blur = (0, sigma * pixel_size(images), 0)
    for_swaps: Images = ndimage.gaussian_filter(images, blur, mode="nearest")
    swapped = _swapped(for_swaps, scale_length(reach, images), rounds, rngs)
    blurred: Images = ndimage.gaussian_filter(swapped, blur, mode="nearest")
    return blurred


def _swapped(images: Images, reach: int, rounds: int, rngs: Generators) -> Images:
    height, width = images.shape[1:]
    places = [
        row * width + column
        for row in range(height - reach, reach, -1)
        for column in range(width - reach, reach, -1)
        if row < height and column < width
    ] * rounds
    offsets = (2 * reach) ** 2
    # One draw per swap: each number of the first half is an offset, the others mean no swap.
    drawn = np.stack(
        [rng.integers(2 * offsets, size=len(places), dtype=np.int32) for rng in rngs], axis=1
    )
    down, right = np.divmod(drawn, 2 * reach)
    partners = np.where(drawn < offsets, (down - reach) * width + right - reach, 0)  # (swaps, n)
    flat = np.ascontiguousarray(images.reshape(len(images), -1).T)  # (pixels, n)
    every = np.arange(len(images))
    for place, partner in zip(places, partners, strict=True):
        others = place + partner
        held = flat[place].copy()
        flat[place] = flat[others, every]
        flat[others, every] = held
    return flat.T.reshape(images.shape)


def motion_blur(images: Images, *, severity: int, rngs: Generators) -> Images:
    """Blur each image along one direction, between 45 degrees up and 45 degrees down.

    The radius is 10, 15, 15, 15 or 20 pixels, the standard deviation 3, 5, 8, 12 or 15 pixels;
    MNIST-C's severity is 1. As in ImageMagick's motion blur, a pixel becomes the mean of itself and
    of the next pixels to the right along the direction, twice the radius in number, weighted by
    half a Gaussian. Beyond the border, its pixels are repeated.
    """
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    steps = np.arange(2 * scale_length(radius, images) + 1)
    weights = np.exp(-0.5 * (steps / (sigma * pixel_size(images))) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    angles = np.radians([rng.uniform(-45, 45) for rng in rngs])
    rows, columns = _along(angles, steps)
    above = int(np.abs(rows).max())
    padded = np.pad(images, ((0, 0), (above, above), (0, int(columns.max()))), mode="edge")
    moved = sliding_window_view(
        padded, images.shape[1:], axis=(1, 2)
    )  # (n, down, right, height, width)
    every = np.arange(len(images))
    smeared = np.zeros_like(images)
    for step, weight in zip(steps, weights, strict=True):
        smeared += weight * moved[every, above + rows[:, step], columns[:, step]]
    return smeared


def _along(
    angles: NDArray[np.float64], steps: NDArray[np.int_]
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return rows and columns, ``(n, steps)``, of pixels along the angles; halves round down."""
    rows, columns = (
        np.ceil(np.outer(part, steps) - 0.5).astype(np.int_)
        for part in (np.sin(angles), np.cos(angles))
    )
    return rows, columns
