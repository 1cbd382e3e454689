"""What the detector is to say of a crop, cell by cell."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnistlab.detector.network import CELL, REACH, UNIT
from mnistlab.rendering.crops import SIDE, Crop
from mnistlab.rendering.page import Character, Ruling

CELLS = SIDE // CELL
FOUND = 10.0, 37.0
"""Heights of digits, in pixels, whose text has to be found; a pyramid of pictures brings every text
between them."""
_ALLOWED = 6.5, 55.0
"""Heights beyond which it must not be found; in between it may be."""
_WHOLE, _CUT = 0.78, 0.4
"""Share of a character inside the picture from which on it has to be found, and up to which it must
not be."""
_NEAR = 0.3


class Target(NamedTuple):
    """Of one crop, ``(40, 40)`` cells.

    Attributes:
        middle: float32: 1 in the cell with a character's middle, less around it.
        asked: float32: 0 where the middle may be told or not.
        kind: int64: the class.
        weight: float32: how much class and box count here.
        box: float32, ``(4, 40, 40)``: offset to the right and down, logarithms of width and height.
        maps: float32, ``(3, 40, 40)``: level rulings, upright rulings, other ink.
    """

    middle: NDArray[np.float32]
    asked: NDArray[np.float32]
    kind: NDArray[np.int64]
    weight: NDArray[np.float32]
    box: NDArray[np.float32]
    maps: NDArray[np.float32]


_AT = (np.arange(CELLS, dtype=np.float32) + 0.5) * CELL


def make_target(crop: Crop) -> Target:
    """Return what is to be said of a crop."""
    target = Target(
        np.zeros((CELLS, CELLS), np.float32),
        np.ones((CELLS, CELLS), np.float32),
        np.zeros((CELLS, CELLS), np.int64),
        np.zeros((CELLS, CELLS), np.float32),
        np.zeros((4, CELLS, CELLS), np.float32),
        np.stack([*_draw_rulings(crop.rulings), _reduce(crop.scrap)]),
    )
    found = []
    for one in crop.characters:
        if not _ALLOWED[0] < one.tall < _ALLOWED[1] or one.inside < _CUT:
            continue
        if one.inside < _WHOLE or not FOUND[0] <= one.tall <= FOUND[1]:
            x, y = (one.left + one.right) / 2, (one.top + one.bottom) / 2
            rows = np.abs(_AT - y) < max(0.4 * (one.bottom - one.top), CELL)
            columns = np.abs(_AT - x) < max(0.4 * (one.right - one.left), CELL)
            target.asked[np.ix_(rows, columns)] = 0
        else:
            found.append(one)
    for one in found:
        _mark(target, one)
    return target


def _mark(target: Target, one: Character) -> None:
    x, y = (one.left + one.right) / 2, (one.top + one.bottom) / 2
    width, height = one.right - one.left, one.bottom - one.top
    column, row = int(x / CELL), int(y / CELL)
    if not (0 <= column < CELLS and 0 <= row < CELLS):
        return
    spread = min(max(0.07 * one.tall, 1.5), 2.6)
    rows, columns = slice(max(row - 3, 0), row + 4), slice(max(column - 3, 0), column + 4)
    dx, dy = _AT[columns] - x, _AT[rows] - y
    near = np.exp(-(dy[:, None] ** 2 + dx[None] ** 2) / (2 * spread**2))
    near[row - rows.start, column - columns.start] = 1
    target.asked[rows, columns][near > 0.2] = 1
    middle, weight = target.middle[rows, columns], target.weight[rows, columns]
    np.maximum(middle, near, out=middle)
    mine = near > np.maximum(weight, _NEAR)
    weight[mine] = near[mine]
    target.kind[rows, columns][mine] = one.kind
    box = target.box[:, rows, columns]
    box[0][mine] = np.broadcast_to(-dx[None] / REACH, near.shape)[mine]
    box[1][mine] = np.broadcast_to(-dy[:, None] / REACH, near.shape)[mine]
    box[2][mine] = math.log(max(width, 1) / UNIT)
    box[3][mine] = math.log(max(height, 1) / UNIT)


def _draw_rulings(rulings: list[Ruling]) -> list[NDArray[np.float32]]:
    maps = []
    for upright in (False, True):
        image = Image.new("L", (CELLS, CELLS))
        draw = ImageDraw.Draw(image)
        for x0, y0, x1, y1 in rulings:
            if (abs(y1 - y0) > abs(x1 - x0)) == upright:
                line = [value / CELL - 0.5 for value in (x0, y0, x1, y1)]
                draw.line(line, 1)
        maps.append(np.asarray(image, np.float32))
    return maps


def _reduce(scrap: NDArray[np.uint8]) -> NDArray[np.float32]:
    most = scrap.reshape(CELLS, CELL, CELLS, CELL).max((1, 3))
    return np.asarray(most > 100, np.float32)
