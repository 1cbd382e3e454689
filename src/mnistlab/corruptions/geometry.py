"""Shear, rotation, scaling and translation; outside the image everything is black."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnistlab.corruptions.image import Generators, Images, scale_length


def shear(images: Images, *, severity: int, rngs: Generators) -> Images:
    """Shear to the left or the right, about the centre.

    By 0.2, 0.4, 0.6, 0.8 or 1 radian; MNIST-C's severity is 2, with 0.4. Relative to the centre,
    the pixel at row y and column x is taken from row y cos a and column x − y sin a, as in the
    scikit-image of 2019, so images become a little taller.
    """
    angle = (0.2, 0.4, 0.6, 0.8, 1.0)[severity - 1]
    return _either_direction(images, rngs, _shearing(angle), _shearing(-angle))


def rotate(images: Images, *, severity: int, rngs: Generators) -> Images:
    """Rotate clockwise or counter-clockwise, about the centre.

    By 0.2, 0.4, 0.6, 0.8 or 1 radian; MNIST-C's severity is 2, with 0.4 (23 degrees).
    """
    angle = (0.2, 0.4, 0.6, 0.8, 1.0)[severity - 1]
    return _either_direction(images, rngs, _rotation(angle), _rotation(-angle))


def scale(images: Images, *, severity: int) -> Images:
    """Shrink about the centre.

    To 0.9, 0.8, 0.7, 0.6 or 0.5 of the size; MNIST-C's severity is 3, with 0.7.
    """
    size = (0.9, 0.8, 0.7, 0.6, 0.5)[severity - 1]
    return _resampled(images, np.eye(2) / size)


def translate(images: Images, *, severity: int, rngs: Generators) -> Images:
    """Translate towards one of the four corners.

    By 1, 2, 3, 4 or 5 pixels in both directions; MNIST-C's severity is 3.
    """
    length = scale_length((1, 2, 3, 4, 5)[severity - 1], images)
    _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (length, length), (length, length)))
    corners = (
        np.array([rng.integers(2, size=2) for rng in rngs]) * 2 * length
    )  # (n, 2), rows and columns
    moved = np.empty_like(images)
    for top, left in ((0, 0), (0, 2 * length), (2 * length, 0), (2 * length, 2 * length)):
        chosen = (corners == (top, left)).all(axis=1)
        moved[chosen] = padded[chosen, top : top + height, left : left + width]
    return moved


def _shearing(angle: float) -> NDArray[np.float64]:
    return np.array([[np.cos(angle), 0], [-np.sin(angle), 1]])


def _rotation(angle: float) -> NDArray[np.float64]:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _either_direction(
    images: Images, rngs: Generators, one: NDArray[np.float64], other: NDArray[np.float64]
) -> Images:
    sides = np.array([rng.integers(2) for rng in rngs])
    changed = np.empty_like(images)
    for side, matrix in enumerate((one, other)):
        if (sides == side).any():
            changed[sides == side] = _resampled(images[sides == side], matrix)
    return changed


def _resampled(images: Images, matrix: NDArray[np.float64]) -> Images:
    """Take each pixel, bilinearly, from ``matrix`` times its row and column about the centre."""
    middle = (np.array(images.shape[1:]) - 1) / 2
    whole = np.eye(3)
    whole[1:, 1:] = matrix
    offset = (0, *(middle - matrix @ middle))
    changed: Images = ndimage.affine_transform(images, whole, offset, order=1, mode="grid-constant")
    return changed
