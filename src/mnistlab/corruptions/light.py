"""Light: too much of it, and inverted at the sides."""

import numpy as np

from mnistlab.corruptions.image import Images


def brightness(images: Images, *, severity: int) -> Images:
    """Add light: 0.1, 0.2, 0.3, 0.4 or 0.5 of white; published is 5, with 0.5. What is more than
    white is white.
    """
    lighter: Images = np.minimum(
        images + np.float32((0.1, 0.2, 0.3, 0.4, 0.5)[severity - 1]), np.float32(1)
    )
    return lighter


def stripe(images: Images) -> Images:
    """Invert a quarter of the width on either side: columns 0 to 6 and 21 to 27 of 28."""
    width = max(1, images.shape[2] // 4)
    changed = images.copy()
    for side in (slice(None, width), slice(-width, None)):
        changed[:, :, side] = 1 - images[:, :, side]
    return changed
