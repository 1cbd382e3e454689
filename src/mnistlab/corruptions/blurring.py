"""Blurring: seen through frosted glass, or while something moved."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

from mnistlab.corruptions.image import Draws, Images, pixel, pixels


def glass_blur(images: Images, *, severity: int, draws: Draws) -> Images:
    """Blur, swap neighbouring pixels, blur again.

    Standard deviations of the blur 0.7, 0.9, 1, 1.1, 1.5 pixels; reaches 1, 2, 2, 3, 4 pixels;
    rounds 2, 1, 3, 2, 2. Published is 1. In a round each pixel, from the lower right to the upper
    left, changes places, with probability 1/2, with one that is some rows and columns away, each
    from minus the reach to the reach less one.

    The blur is vertical alone. So it is in the published images too: the code that made them takes
    a grey image's columns for colours, and leaves them apart. It rounds down to whole greys after
    the first blur; here nothing is.
    """
    sigma, reach, rounds = ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[
        severity - 1
    ]
    blur = (0, sigma * pixel(images), 0)
    for_swaps: Images = ndimage.gaussian_filter(images, blur, mode="nearest")
    swapped = _swapped(for_swaps, pixels(reach, images), rounds, draws)
    blurred: Images = ndimage.gaussian_filter(swapped, blur, mode="nearest")
    return blurred


def _swapped(images: Images, reach: int, rounds: int, draws: Draws) -> Images:
    height, width = images.shape[1:]
    places = [
        row * width + column
        for row in range(height - reach, reach, -1)
        for column in range(width - reach, reach, -1)
        if row < height and column < width
    ] * rounds
    ways = (2 * reach) ** 2
    # One draw a swap: the first half of the numbers is a way each, the others leave the pixel where
    # it is.
    drawn = np.stack(
        [draw.integers(2 * ways, size=len(places), dtype=np.int32) for draw in draws], axis=1
    )
    down, right = np.divmod(drawn, 2 * reach)
    partners = np.where(drawn < ways, (down - reach) * width + right - reach, 0)  # (swaps, n)
    flat = np.ascontiguousarray(images.reshape(len(images), -1).T)  # (pixels, n)
    every = np.arange(len(images))
    for place, partner in zip(places, partners, strict=True):
        others = place + partner
        held = flat[place].copy()
        flat[place] = flat[others, every]
        flat[others, every] = held
    return flat.T.reshape(images.shape)


def motion_blur(images: Images, *, severity: int, draws: Draws) -> Images:
    """Smear each image in one direction, between 45 degrees up and 45 degrees down.

    Radii 10, 15, 15, 15, 20 and standard deviations 3, 5, 8, 12, 15 pixels; published is 1. As
    ImageMagick's motion blur does it, a pixel is the mean of itself and of so many pixels right of
    it along the direction as twice the radius, whole ones, with weights of half a Gaussian; beyond
    the border the border's pixels go on.
    """
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    steps = np.arange(2 * pixels(radius, images) + 1)
    weights = np.exp(-0.5 * (steps / (sigma * pixel(images))) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    angles = np.radians([draw.uniform(-45, 45) for draw in draws])
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
    """Return rows and columns, ``(n, steps)``, of the pixels met on the way; halves are rounded
    down.
    """
    rows, columns = (
        np.ceil(np.outer(part, steps) - 0.5).astype(np.int_)
        for part in (np.sin(angles), np.cos(angles))
    )
    return rows, columns
