"""Fog and spatter."""

import numpy as np
from scipy import ndimage

from mnistlab.corruptions.image import Generators, Images, pixel_size

_MAP = 256
"""Side in pixels of the cloud map, of which an MNIST image shows a corner of 28x28."""
_SPACING = 4
"""Pixels between the points at which the whole map is computed; in between, only the corner is."""
_POINTS_AT_ONCE = 500_000
_MUD = np.float32(63 / 255)


def fog(images: Images, *, severity: int, rngs: Generators) -> Images:
    """Add clouds of white light to each image, and scale it back to its original maximum.

    The strength of the light is 1.5, 2, 2.5, 2.5 or 3 times white. Each time the size of the clouds
    halves, their height is divided by the square of 2, 2, 1.7, 1.5 or 1.4. MNIST-C's severity is 5.
    The clouds are a plasma fractal (the diamond-square algorithm), scaled to 0..1 over a map of
    256x256, of which the upper left corner is used. For images of other sizes, the side of the map
    is the power of two closest to 256/28 of the shorter side.

    Unlike the code of MNIST-C, this takes the minimum and maximum of the map over every fourth
    point in each direction, and computes the points in between in the corner only, which saves
    eleven twelfths of the computation.
    """
    strength, decay = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))[severity - 1]
    _, height, width = images.shape
    longest = max(height, width)
    side = 2 ** max(round(np.log2(_MAP * pixel_size(images))), int(np.ceil(np.log2(longest))), 3)
    at_once = max(1, _POINTS_AT_ONCE // (side // _SPACING) ** 2)
    foggy = np.empty_like(images)
    for start in range(0, len(images), at_once):
        part = slice(start, start + at_once)
        light = np.float32(strength) * _clouds(side, longest, decay, rngs[part])[:, :height, :width]
        white = images[part].max(axis=(1, 2), keepdims=True)
        foggy[part] = (
            (images[part] + light)
            * white
            / np.maximum(white + np.float32(strength), np.float32(1e-6))
        )
    return foggy


def _clouds(side: int, shown: int, decay: float, rngs: Generators) -> Images:
    """Return the upper left corners, ``(n, shown, shown)`` or larger, of maps scaled to 0..1."""
    # The first corner has height 0, and the first step is the unit of height.
    heights, size, coarse = np.zeros((len(rngs), 1, 1), np.float32), 1.0, side // _SPACING
    while heights.shape[1] < coarse:
        heights = _refined(heights, size, rngs)
        size /= decay**2
    low, high = heights.min(axis=(1, 2), keepdims=True), heights.max(axis=(1, 2), keepdims=True)
    # With a margin of one point on each side, since points at the edges lack neighbours.
    corner = np.arange(-1, -(-shown // _SPACING) + 2)
    heights = heights[:, corner[:, None] % coarse, corner % coarse]
    for _ in range(_SPACING.bit_length() - 1):
        heights = _refined(heights, size, rngs)
        size /= decay**2
    clouds: Images = (heights[:, _SPACING:, _SPACING:] - low) / (high - low)
    return clouds


def _refined(heights: Images, size: float, rngs: Generators) -> Images:
    """Double the points in each direction: one step of the diamond-square algorithm.

    A new point is the mean of its four neighbours plus a uniform draw from ``-size`` to ``size``.

    Args:
        heights: float32, ``(n, side, side)``; rows and columns wrap around.
        size: of the random part.
        rngs: a generator per map.
    """
    count, side, _ = heights.shape
    noise = np.stack(
        [rng.random((3, side, side), np.float32) for rng in rngs], axis=1
    )  # (3, n, side, side)
    noise = np.float32(2 * size) * noise - np.float32(size)
    finer = np.empty((count, side, 2, side, 2), np.float32)
    across, down = heights + np.roll(heights, -1, axis=2), heights + np.roll(heights, -1, axis=1)
    middles = (across + np.roll(across, -1, axis=1)) / 4 + noise[0]
    finer[:, :, 0, :, 0] = heights
    finer[:, :, 1, :, 1] = middles
    finer[:, :, 0, :, 1] = (across + middles + np.roll(middles, 1, axis=1)) / 4 + noise[1]
    finer[:, :, 1, :, 0] = (down + middles + np.roll(middles, 1, axis=2)) / 4 + noise[2]
    return finer.reshape(count, 2 * side, 2 * side)


def spatter(images: Images, *, severity: int, rngs: Generators) -> Images:
    """Add splashes of mud, of grey 63 of 255, to each image.

    Normal noise (mean 0.65, or 0.67 at severity 5; standard deviation 0.3, or 0.4 at severity 5) is
    blurred by 4, 3, 2, 1 or 1 pixels, and is liquid where it exceeds 0.69, 0.68, 0.68, 0.65 or
    0.65. The liquid, blurred by 0.6, 0.6, 0.5, 1.5 or 1.5 pixels, is the opacity of the mud, where
    below 0.8 counts as 0. MNIST-C's severity is 4.
    """
    mean, std, blur, threshold, soft_blur = (
        (0.65, 0.3, 4, 0.69, 0.6),
        (0.65, 0.3, 3, 0.68, 0.6),
        (0.65, 0.3, 2, 0.68, 0.5),
        (0.65, 0.3, 1, 0.65, 1.5),
        (0.67, 0.4, 1, 0.65, 1.5),
    )[severity - 1]
    shape = images.shape[1:]
    noise = np.stack([rng.standard_normal(shape, np.float32) for rng in rngs]) * std + mean
    liquid = (_blurred(noise.astype(np.float32), blur * pixel_size(images)) > threshold).astype(
        np.float32
    )
    mud = _blurred(liquid, soft_blur * pixel_size(images))
    mud[mud < 0.8] = 0
    return images * (1 - mud) + _MUD * mud


def _blurred(images: Images, sigma: float) -> Images:
    blurred: Images = ndimage.gaussian_filter(images, (0, sigma, sigma), mode="nearest")
    return blurred
