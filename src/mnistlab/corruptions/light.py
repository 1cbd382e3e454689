"""Brightness, and inverted stripes."""

import numpy as np

from mnistlab.corruptions.image import Images


def brightness(images: Images, *, severity: int) -> Images:
    """Brighten each pixel by the same amount, and clip to white.

    By 0.1, 0.2, 0.3, 0.4 or 0.5 of white; MNIST-C's severity is 5, with 0.5.
    """
    lighter: Images = np.minimum(
        images + np.float32((0.1, 0.2, 0.3, 0.4, 0.5)[severity - 1]), np.float32(1)
    )
    return lighter


def stripe(images: Images) -> Images:
    """Invert a quarter of the width on each side: columns 0 to 6 and 21 to 27 of 28."""
    width = max(1, images.shape[2] // 4)
    changed = images.copy()
    for side in (slice(None, width), slice(-width, None)):
        changed[:, :, side] = 1 - images[:, :, side]
    return changed
