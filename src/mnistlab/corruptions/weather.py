"""Weather: fog before the image, mud on it."""

import numpy as np
from scipy import ndimage

from mnistlab.corruptions.image import Draws, Images, pixel

_MAP = 256
"""Side of the clouds of which an MNIST image sees a corner of 28 pixels."""
_SPACING = 4
"""Of the points by which the whole map is known; between them only what is seen is worked out."""
_POINTS_AT_ONCE = 500_000
_MUD = np.float32(63 / 255)


def fog(images: Images, *, severity: int, draws: Draws) -> Images:
    """Put cloudy light before each image, and darken it to the brightness that it had.

    The light's strength is 1.5, 2, 2.5, 2.5 or 3 times white, and with each halving of their size
    its clouds are lower by the square of 2, 2, 1.7, 1.5 or 1.4. Published is 5. The clouds are a
    plasma fractal (diamond-square), scaled to between 0 and 1 over a map of 256x256, of which the
    upper left corner is seen. For images of other sizes the map's side is the power of two next to
    256/28 of the shorter side.

    Otherwise than in the published code, the map's lowest and highest point are sought among every
    fourth in each direction, and only the corner is worked out between these: a twelfth of the
    work.
    """
    strength, decay = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))[severity - 1]
    _, height, width = images.shape
    longest = max(height, width)
    side = 2 ** max(round(np.log2(_MAP * pixel(images))), int(np.ceil(np.log2(longest))), 3)
    at_once = max(1, _POINTS_AT_ONCE // (side // _SPACING) ** 2)
    foggy = np.empty_like(images)
    for start in range(0, len(images), at_once):
        part = slice(start, start + at_once)
        light = (
            np.float32(strength) * _clouds(side, longest, decay, draws[part])[:, :height, :width]
        )
        white = images[part].max(axis=(1, 2), keepdims=True)
        foggy[part] = (
            (images[part] + light)
            * white
            / np.maximum(white + np.float32(strength), np.float32(1e-6))
        )
    return foggy


def _clouds(side: int, seen: int, decay: float, draws: Draws) -> Images:
    """Return the upper left corners, ``(n, seen, seen)`` or larger, of maps scaled to between 0 and
    1.
    """
    # The first corner's height is 0, and the first step's is the unit.
    heights, size, coarse = np.zeros((len(draws), 1, 1), np.float32), 1.0, side // _SPACING
    while heights.shape[1] < coarse:
        heights = _refined(heights, size, draws)
        size /= decay**2
    low, high = heights.min(axis=(1, 2), keepdims=True), heights.max(axis=(1, 2), keepdims=True)
    # A margin of a point all round, since at the edges of a part neighbours are missing.
    corner = np.arange(-1, -(-seen // _SPACING) + 2)
    heights = heights[:, corner[:, None] % coarse, corner % coarse]
    for _ in range(_SPACING.bit_length() - 1):
        heights = _refined(heights, size, draws)
        size /= decay**2
    clouds: Images = (heights[:, _SPACING:, _SPACING:] - low) / (high - low)
    return clouds


def _refined(heights: Images, size: float, draws: Draws) -> Images:
    """Return twice as many points in each direction: means of four neighbours, up to ``size``
    higher or lower.

    Args:
        heights: float32, ``(n, side, side)``; left of the first column comes the last, above the
            first row too.
        size: of the random part.
        draws: a generator for each.
    """
    count, side, _ = heights.shape
    noise = np.stack(
        [draw.random((3, side, side), np.float32) for draw in draws], axis=1
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


def spatter(images: Images, *, severity: int, draws: Draws) -> Images:
    """Splash mud, of grey 63 of 255, on each image.

    Normal noise (means 0.65, and 0.67 at 5; standard deviations 0.3, and 0.4 at 5), blurred by 4,
    3, 2, 1 or 1 pixels, is liquid where it is above 0.69, 0.68, 0.68, 0.65 or 0.65. That, blurred
    by 0.6, 0.6, 0.5, 1.5 or 1.5 pixels, is the mud's opacity, 0 where it is below 0.8. Published is
    4.
    """
    mean, deviation, blur, least, soft = (
        (0.65, 0.3, 4, 0.69, 0.6),
        (0.65, 0.3, 3, 0.68, 0.6),
        (0.65, 0.3, 2, 0.68, 0.5),
        (0.65, 0.3, 1, 0.65, 1.5),
        (0.67, 0.4, 1, 0.65, 1.5),
    )[severity - 1]
    shape = images.shape[1:]
    noise = np.stack([draw.standard_normal(shape, np.float32) for draw in draws]) * deviation + mean
    liquid = (_blurred(noise.astype(np.float32), blur * pixel(images)) > least).astype(np.float32)
    mud = _blurred(liquid, soft * pixel(images))
    mud[mud < 0.8] = 0
    return images * (1 - mud) + _MUD * mud


def _blurred(images: Images, sigma: float) -> Images:
    blurred: Images = ndimage.gaussian_filter(images, (0, sigma, sigma), mode="nearest")
    return blurred
