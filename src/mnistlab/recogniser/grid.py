"""Grid: what was read, in the cells of a grid whose rows and columns are known."""

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import MnistlabError
from mnistlab.recogniser.parts import FAINT, Box, Cell, Character, Group, Line, Table

if TYPE_CHECKING:
    from mnistlab.recogniser.reading import Reading

_MOST_CELLS = 10_000
_TILTS = np.radians(sorted(np.arange(-10, 10.5, 0.5), key=abs))
"""By which a grid may be turned; that of the best fit, and of equal ones the smallest, is taken."""
_MISFIT = 0.12
"""Of a cell: if characters are on average further from their cells' middles, outer rows or columns
may be empty."""
_APART, _WIDE = 0.8, 1.5
"""Heights of digits between the middles of two rows of writing, and between two numbers in a row,
at least."""
_ASIDE = "outer rows or columns of the grid are empty, so it is taken to be in the picture's middle"


@dataclass(frozen=True)
class _Axis:
    """Rows or columns: the middle of the first, what is between two, how many there are.

    Attributes:
        misfit: mean distance of characters from their cells' middles, of a cell.
        known: whether it is certain which ones are empty.
    """

    first: float
    step: float
    count: int
    misfit: float
    known: bool

    def at(self, place: float) -> int:
        """Return which of them a place is in; the nearest one, outside of all."""
        return int(np.clip(round((place - self.first) / self.step), 0, self.count - 1))

    def middle(self, number: int) -> float:
        return self.first + number * self.step


@dataclass(frozen=True)
class _Grid:
    """Rows and columns in a picture, turned about its corner by an angle in radians."""

    tilt: float
    down: _Axis
    across: _Axis

    def at(self, box: Box) -> tuple[int, int]:
        """Return row and column of what is at a place."""
        (x, y) = _turned(np.array([_middle(box)]), self.tilt)[0]
        return self.down.at(y), self.across.at(x)

    def box(self, row: int, column: int) -> Box:
        middle = np.array([[self.across.middle(column), self.down.middle(row)]])
        half = np.array([self.across.step, self.down.step]) / 2
        x, y = _turned(middle, -self.tilt)[0]
        sides = (x - half[0], y - half[1], x + half[0], y + half[1])
        left, top, right, bottom = (round(float(side)) for side in sides)
        return Box(left, top, right, bottom)


def to_grid(reading: "Reading", rows: int, columns: int) -> "Reading":
    """See :meth:`mnistlab.recogniser.reading.Reading.grid`."""
    sides: tuple[object, ...] = rows, columns
    whole = all(isinstance(side, Integral) for side in sides)
    if not whole or min(rows, columns) < 1 or rows * columns > _MOST_CELLS:
        raise MnistlabError(
            f"a grid of {rows}x{columns}: it has at least one row and one column, and at most"
            f" {_MOST_CELLS:,} cells"
        )
    ruled = [table for table in reading.tables if table.ruled]
    for table in ruled:
        if (len(table.rows), len(table.rows[0])) == (rows, columns):
            return _with(reading, table)
    characters = [one for group in reading.groups for one in group.candidates or group.characters]
    if ruled:
        grid = _divided(Box.around(table.box for table in ruled), rows, columns)
    elif characters:
        grid = _fitted(characters, rows, columns, reading.size)
    else:
        return replace(reading, tables=())
    inside: dict[tuple[int, int], list[Character]] = defaultdict(list)
    for one in characters:
        inside[grid.at(one.box)].append(one)
    left_out = [(box, grid.at(box)) for box in reading.left_out]
    made = tuple(
        tuple(
            Cell(
                grid.box(row, column),
                _groups(inside[row, column], grid.tilt),
                tuple(box for box, place in left_out if place == (row, column)),
            )
            for column in range(columns)
        )
        for row in range(rows)
    )
    table = Table(Box.around(cell.box for row in made for cell in row), made, ruled=bool(ruled))
    found = _with(reading, table)
    remarks = [] if grid.down.known and grid.across.known else [_ASIDE]
    if full := sum(len(cell.groups) > 1 for row in made for cell in row):
        cells = "1 cell has" if full == 1 else f"{full:,} cells have"
        remarks.append(f"{cells} several numbers, so the grid may not be {rows}x{columns}")
    return replace(found, remarks=(*found.remarks, *remarks))


def _groups(characters: list[Character], tilt: float) -> tuple[Group, ...]:
    """Return the numbers in a cell, in reading order; unsure if there are several."""
    digits = [one for one in characters if one.text.isdigit()]
    if not digits:
        return Group.of(sorted(characters, key=lambda one: one.box.left))
    tall = float(np.median([one.box.bottom - one.box.top for one in digits]))
    places = np.sort(_turned(np.array([_middle(one.box) for one in digits]), tilt)[:, 1])
    rows = np.split(places, np.flatnonzero(np.diff(places) > _APART * tall) + 1)
    middles = np.array([row.mean() for row in rows])
    inside: list[list[Character]] = [[] for _ in rows]
    for one in sorted(characters, key=lambda one: one.box.left):
        place = _turned(np.array([_middle(one.box)]), tilt)[0, 1]
        inside[int(np.abs(middles - place).argmin())].append(one)
    numbers = [number for row in inside for number in _divided_row(row, _WIDE * tall)]
    if len(numbers) > 1:
        numbers = [list(map(_doubt, number)) for number in numbers]
    return tuple(group for number in numbers for group in Group.of(number))


def _divided_row(row: list[Character], gap: float) -> list[list[Character]]:
    """Divide a row, left to right, where its characters are further apart."""
    numbers = [row[:1]]
    for before, one in pairwise(row):
        if one.box.left - before.box.right > gap:
            numbers.append([])
        numbers[-1].append(one)
    return numbers


def _doubt(one: Character) -> Character:
    return replace(one, presence=min(one.presence, FAINT))


def _with(reading: "Reading", table: Table) -> "Reading":
    """Return a reading of nothing but a table."""
    lines = (Line(tuple(group for cell in row for group in cell.groups)) for row in table.rows)
    return replace(reading, lines=tuple(line for line in lines if line.groups), tables=(table,))


def _divided(box: Box, rows: int, columns: int) -> _Grid:
    tall, wide = (box.bottom - box.top) / rows, (box.right - box.left) / columns
    return _Grid(
        0.0,
        _Axis(box.top + tall / 2, tall, rows, 0.0, known=True),
        _Axis(box.left + wide / 2, wide, columns, 0.0, known=True),
    )


def _fitted(characters: list[Character], rows: int, columns: int, size: tuple[int, int]) -> _Grid:
    """Return the grid in whose cells' middles the characters are best."""
    middles = np.array([_middle(one.box) for one in characters])
    boxes = np.array([one.box for one in characters])
    wide, tall = np.median(boxes[:, 2:] - boxes[:, :2], axis=0) / 2
    best: _Grid | None = None
    for tilt in _TILTS:
        turned = _turned(middles, tilt)
        grid = _Grid(
            float(tilt),
            _axis(turned[:, 1], rows, size[1], float(tall)),
            _axis(turned[:, 0], columns, size[0], float(wide)),
        )
        if best is None or _misfit(grid) < _misfit(best) - 1e-9:
            best = grid
    assert best is not None  # noqa: S101
    return best


def _misfit(grid: _Grid) -> float:
    return grid.down.misfit + grid.across.misfit


def _axis(places: NDArray[np.float64], count: int, extent: int, near: float) -> _Axis:
    """Return rows or columns: the first and the last have characters, unless fewer fit far
    better. Places as near as told are the same.
    """
    if count == 1 or np.ptp(places) < near:
        # They are all in one, of which only the picture tells how large it is.
        step = extent / count
        middle = float(np.median(places)) if count == 1 else step / 2
        return _Axis(middle, step, count, 0.0, known=count == 1)
    full = _spread(places, count - 1, count, extent)
    if full.misfit <= _MISFIT:
        return full
    others = [_spread(places, steps, count, extent) for steps in range(1, count - 1)]
    best = min(others, key=lambda axis: axis.misfit, default=full)
    return best if best.misfit < full.misfit / 2 else full


def _spread(places: NDArray[np.float64], steps: int, count: int, extent: int) -> _Axis:
    """Return rows or columns, of which the first and the last character are so many apart."""
    numbers = np.round((places - places.min()) / (np.ptp(places) / steps))
    step, first = np.polyfit(numbers, places, 1)
    misfit = float(np.abs(places - first - step * numbers).mean() / step)
    if steps == count - 1:
        return _Axis(float(first), float(step), count, misfit, known=True)
    empty = count - 1 - steps
    before = min(
        range(empty + 1), key=lambda n: abs(first + step * (steps + empty - 2 * n) / 2 - extent / 2)
    )
    return _Axis(float(first - before * step), float(step), count, misfit, known=False)


def _middle(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def _turned(places: NDArray[np.float64], tilt: float) -> NDArray[np.float64]:
    """Turn places ``(n, 2)`` about the picture's corner."""
    cos, sin = np.cos(tilt), np.sin(tilt)
    turned: NDArray[np.float64] = places @ np.array([[cos, -sin], [sin, cos]])
    return turned
