"""Image: what all corruptions take and return, and how long a pixel of MNIST is in it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
"""Float32, ``(n, height, width)``, 0 (black) to 1 (white), sides of at least 2."""
Draws = Sequence[np.random.Generator]
"""A generator for each image, from which alone its random draws come."""
_SIDE = 28


def pixel(images: Images) -> float:
    """Return how many pixels of these images one of MNIST's is: a 28th of their shorter side."""
    _, height, width = images.shape
    return float(min(height, width) / _SIDE)


def pixels(length: int, images: Images) -> int:
    """Return a length in pixels of MNIST as whole pixels of these images, at least one."""
    return max(1, round(length * pixel(images)))
