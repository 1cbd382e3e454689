"""A dotted line or a zigzag across the image, in white that fades to both sides."""

import math

import numpy as np
from numpy.typing import NDArray

from mnistlab.corruptions.image import Generators, Images, pixel_size, scale_length

_REACH = 2.3
"""Pixels: at a distance d above or below it, a line's brightness is max(0, 1 + ln(1 − d / 2.3))."""
_DOT = 2
"""Pixels: width of a dot and of a gap."""
_LEG = 2.0
"""Pixels: distance of a zigzag's tips from its axis, and from where it crosses the axis."""
_MARGIN = 2.0
"""Pixels between the ends of a zigzag and the sides of the image."""
_SHORTEST = 0.9
"""Pixels: least length along the axis of a zigzag's last leg, so that it is never vertical."""


def dotted_line(images: Images, *, rngs: Generators) -> Images:
    """Add a straight dotted line, from the left side to the right side.

    It starts and ends at random rows, the last one excepted. Dots and gaps are 2 pixels wide, a gap
    comes first, and the last column is left unchanged.
    """
    _, height, width = images.shape
    ends = np.array([rng.integers(height - 1, size=2) for rng in rngs])  # (n, 2)
    shown = np.arange(width) // scale_length(_DOT, images) % 2 == 1
    line = _leg(images, (np.zeros(1), ends[:, 0]), (np.full(1, width - 1.0), ends[:, 1]))
    return np.where(shown, images + line, images)


def zigzag(images: Images, *, rngs: Generators) -> Images:
    """Add a zigzag, from 2 pixels inside the left side to 2 pixels inside the right side.

    Its axis starts at a random row, the last one excepted, and ends between 5 rows higher and 4
    rows lower. Its tips are 2 pixels from the axis, 4 apart. Its last leg ends on the axis; in the
    code of MNIST-C, a third of a pixel from it.
    """
    unit = pixel_size(images)
    _, height, width = images.shape
    # In pixels of MNIST, relative to the start of the axis.
    begins = np.array([rng.integers(height - 1) for rng in rngs])
    falls = np.array([rng.integers(-5, 5) for rng in rngs])
    length = (width - 1) / unit - 2 * _MARGIN
    tips = math.ceil((length - _LEG - _SHORTEST) / (2 * _LEG))
    slopes = np.arctan2(falls, length)
    along = _LEG * np.array([0.0, *range(1, 2 * tips, 2), 0.0])
    aside = _LEG * np.array([0.0, *((-1) ** tip for tip in range(tips)), 0.0])
    along = np.tile(along, (len(images), 1))  # (n, points)
    along[:, -1] = np.hypot(length, falls)
    turn = np.stack([np.cos(slopes), np.sin(slopes)])[:, :, None]
    columns = unit * (_MARGIN + turn[0] * along - turn[1] * aside)
    rows = begins[:, None] + unit * (turn[1] * along + turn[0] * aside)
    drawn = images.copy()
    for leg in range(tips + 1):
        drawn += _leg(
            images, (columns[:, leg], rows[:, leg]), (columns[:, leg + 1], rows[:, leg + 1])
        )
    return drawn


def _leg(
    images: Images, begin: tuple[NDArray[np.float64], ...], end: tuple[NDArray[np.float64], ...]
) -> Images:
    """Return a straight line in each image, drawn from ``begin`` to ``end``.

    Args:
        images: their shape is that of the result.
        begin: columns and rows, ``(n,)`` or ``(1,)`` each.
        end: likewise, further right.
    """
    _, height, width = images.shape
    (left, high), (right, low) = begin, end
    reach = _REACH * pixel_size(images)
    columns, rows = np.arange(width), np.arange(height)
    heights = high[:, None] + ((low - high) / (right - left))[:, None] * (
        columns - left[:, None]
    )  # (n, width)
    away = np.abs(rows[:, None] - heights[:, None, :]) / reach
    light = np.maximum(1 + np.log1p(-np.minimum(away, 0.99)), 0)  # (n, height, width)
    covered = (columns >= np.floor(left)[:, None]) & (columns < np.ceil(right)[:, None])
    lit: Images = (light * covered[:, None, :]).astype(np.float32)
    return lit
