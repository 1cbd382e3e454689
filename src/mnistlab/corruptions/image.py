"""Images and generators as corruptions take them, and lengths in pixels of MNIST."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
"""Float32, ``(n, height, width)``, 0 (black) to 1 (white), sides of at least 2."""
Generators = Sequence[np.random.Generator]
"""A generator per image, from which all of its random draws come."""
_SIDE = 28


def pixel_size(images: Images) -> float:
    """Return the size of an MNIST pixel in pixels of these images: a 28th of their shorter side."""
    _, height, width = images.shape
    return float(min(height, width) / _SIDE)


def scale_length(length: int, images: Images) -> int:
    """Convert a length from MNIST pixels to whole pixels of these images, at least one."""
    return max(1, round(length * pixel_size(images)))
