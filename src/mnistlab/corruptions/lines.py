"""Lines: a dotted or a zigzag one drawn across, in white that fades to the sides."""

import math

import numpy as np
from numpy.typing import NDArray

from mnistlab.corruptions.image import Draws, Images, pixel, pixels

_REACH = 2.3
"""Pixels: at a height of d above or below the line its light is 1 + ln(1 − d / 2.3), at least 0."""
_DOT = 2
_LEG = 2.0
"""Pixels: a zigzag's tips are so far from its axis, and along it, from where it crosses it."""
_MARGIN = 2.0
"""Pixels between a zigzag's ends and the image's sides."""
_SHORTEST = 0.9
"""Pixels along the axis of a zigzag's last leg, at least, lest it be upright."""


def dotted_line(images: Images, *, draws: Draws) -> Images:
    """Add a straight dotted line, from the left side to the right one.

    It begins and ends at a random row each, the last one excepted. Dots and the gaps between them,
    of which one comes first, are 2 pixels wide; the last column stays as it is.
    """
    _, height, width = images.shape
    ends = np.array([draw.integers(height - 1, size=2) for draw in draws])  # (n, 2)
    shown = np.arange(width) // pixels(_DOT, images) % 2 == 1
    line = _leg(images, (np.zeros(1), ends[:, 0]), (np.full(1, width - 1.0), ends[:, 1]))
    return np.where(shown, images + line, images)


def zigzag(images: Images, *, draws: Draws) -> Images:
    """Add a zigzag, from 2 pixels right of the left side to 2 pixels left of the right one.

    Its axis begins at a random row, the last one excepted, and ends 5 rows higher to 4 lower. Its
    tips lie 2 pixels from the axis, 4 apart. Its last leg ends on the axis; in the published code,
    a third of a pixel from it.
    """
    unit = pixel(images)
    _, height, width = images.shape
    # Worked out in pixels of MNIST, from the axis's begin.
    begins = np.array([draw.integers(height - 1) for draw in draws])
    falls = np.array([draw.integers(-5, 5) for draw in draws])
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
    """Return the light of a straight line in each image, in the columns from its begin to its end.

    Args:
        images: give the shape.
        begin: columns and rows, ``(n,)`` or ``(1,)`` each.
        end: further right.
    """
    _, height, width = images.shape
    (left, high), (right, low) = begin, end
    reach = _REACH * pixel(images)
    columns, rows = np.arange(width), np.arange(height)
    heights = high[:, None] + ((low - high) / (right - left))[:, None] * (
        columns - left[:, None]
    )  # (n, width)
    away = np.abs(rows[:, None] - heights[:, None, :]) / reach
    light = np.maximum(1 + np.log1p(-np.minimum(away, 0.99)), 0)  # (n, height, width)
    covered = (columns >= np.floor(left)[:, None]) & (columns < np.ceil(right)[:, None])
    lit: Images = (light * covered[:, None, :]).astype(np.float32)
    return lit
