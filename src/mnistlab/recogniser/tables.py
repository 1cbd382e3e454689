"""Tables: rows and columns of numbers that stand under and beside each other, without rulings."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mnistlab.recogniser.parts import Box, Cell, Group, Table

_LEAST_ROWS, _LEAST_COLUMNS = 3, 2
"""Of a table. As many columns have numbers in at least as many rows."""
_SHARED = 0.4
"""Of the lower number's height: numbers of one row share it, neighbour by neighbour."""
_STRIP = 0.25
"""Of the usual height: a strip between two columns that no number enters is at least so wide."""
_ASTRAY = 0.75
"""Of the usual height: how far most numbers stand at most from where their column lines up."""
_MOST = 0.75
"""Of a column's numbers line up; of others a character may be missing, or too many."""
_UNEVEN = 1.0
"""Of the usual height: how much higher one end of all rows together may be than the other without
that they slope."""
_PITCH = 1.9
"""A row so many times as far from the one before as rows usually are begins another table."""
_PIECES = 1.5
"""Numbers for one cell, on average, up to which cells are cells, and no running text."""


def find_tables(boxes: Sequence[Box]) -> list[list[list[list[int]]]]:
    """Find numbers that line up: their left or right edges or their middles, in at least three rows
    that are evenly spaced.

    Args:
        boxes: of the numbers.

    Returns:
        The tables, from top to bottom: of each the rows, of those the cells, of those the positions
        in ``boxes``, left to right; none if a cell is blank.
    """
    if len(boxes) < _LEAST_ROWS * _LEAST_COLUMNS - 1:
        return []
    sides = np.array(boxes, float)
    tall = float(np.median(sides[:, 3] - sides[:, 1]))
    rows = _rows(sides)
    upright = _upright(sides, rows, tall)
    rows = sorted(
        ([int(i) for i in sorted(row, key=lambda i: upright[i, 0])] for row in rows),
        key=lambda row: float(upright[row][:, [1, 3]].mean()),
    )
    page = _Page(rows, upright, tall)
    tables, start = [], 0
    while start + _LEAST_ROWS <= len(rows):
        end, table = page.longest(start)
        tables += [table] if table else []
        start = end if table else start + 1
    return tables


def aligned(groups: Sequence[Group]) -> tuple[Table, ...]:
    """Return the tables of the groups that line up, see :func:`find_tables`."""
    tables = []
    for rows in find_tables([group.box for group in groups]):
        cells = {
            (row, column): tuple(groups[i] for i in cell)
            for row, cells in enumerate(rows)
            for column, cell in enumerate(cells)
            if cell
        }
        tables.append(
            tabulate(
                {
                    place: Cell(Box.around(group.box for group in some), some)
                    for place, some in cells.items()
                }
            )
        )
    return tuple(tables)


def tabulate(cells: Mapping[tuple[int, int], Cell], *, ruled: bool = False) -> Table:
    """Return the table of cells by row and column, from 0; missing ones are blank, and where their
    row and column cross.
    """
    down = {
        row: Box.around(cell.box for (at, _), cell in cells.items() if at == row)
        for row in sorted({row for row, _ in cells})
    }
    across = {
        column: Box.around(cell.box for (_, at), cell in cells.items() if at == column)
        for column in sorted({column for _, column in cells})
    }
    return Table(
        Box.around(down.values()),
        tuple(
            tuple(
                cells.get((row, column)) or Cell(Box(wide.left, tall.top, wide.right, tall.bottom))
                for column, wide in across.items()
            )
            for row, tall in down.items()
        ),
        ruled,
    )


def _rows(sides: NDArray[np.float64]) -> list[list[int]]:
    """Chain numbers from left to right to rows, which may slope."""
    rows: list[list[int]] = []
    for i in np.argsort(sides[:, 0], kind="stable"):
        shared = [
            min(sides[i, 3], sides[row[-1], 3]) - max(sides[i, 1], sides[row[-1], 1])
            for row in rows
        ]
        lower = [min(_height(sides[i]), _height(sides[row[-1]])) for row in rows]
        near = [
            place
            for place, row in enumerate(rows)
            if shared[place] >= _SHARED * lower[place] and sides[row[-1], 2] <= sides[i, 2]
        ]
        if near:
            rows[max(near, key=lambda place: shared[place] / lower[place])].append(int(i))
        else:
            rows.append([int(i)])
    return rows


def _height(box: NDArray[np.float64]) -> float:
    return max(float(box[3] - box[1]), 1.0)


def _upright(sides: NDArray[np.float64], rows: list[list[int]], tall: float) -> NDArray[np.float64]:
    """Return the boxes as they are if the rows are brought to the horizontal, each about its
    middle.
    """
    middles = np.stack([sides[:, [0, 2]].mean(axis=1), sides[:, [1, 3]].mean(axis=1)], axis=1)
    across, down = np.array([middles[row[-1]] - middles[row[0]] for row in rows]).T
    square = float((across**2).sum())
    # The wider a row, the better it tells; a slope that unequal numbers alone explain is none.
    slope = float((across * down).sum()) / max(square, 1.0)
    if abs(slope) * np.sqrt(square) < _UNEVEN * tall:
        return sides
    turn = np.array([[1, slope], [-slope, 1]]) / np.hypot(1, slope)
    moved: NDArray[np.float64] = sides + np.tile(middles @ turn.T - middles, 2)
    return moved


class _Page:
    """Rows of numbers, from top to bottom, each from left to right.

    Args:
        rows: positions in ``sides``.
        sides: the numbers' boxes, brought upright.
        tall: their usual height.
    """

    def __init__(self, rows: list[list[int]], sides: NDArray[np.float64], tall: float) -> None:
        self._rows, self._sides, self._tall = rows, sides, tall
        self._places = [float(sides[row][:, [1, 3]].mean()) for row in rows]
        # A strip between columns has at least one whole place of these.
        fine = _STRIP * tall / 2
        ends = np.floor((sides[:, [0, 2]] - sides[:, 0].min()) / fine).astype(int)
        self._taken = np.zeros((len(rows), ends.max() + 1), bool)
        for number, row in enumerate(rows):
            for i in row:
                self._taken[number, ends[i, 0] : ends[i, 1] + 1] = True

    def longest(self, start: int) -> tuple[int, list[list[list[int]]]]:
        """Return the row behind the longest table that begins with a row, and that table; none is
        empty.
        """
        found: tuple[int, list[list[list[int]]]] = start, []
        taken = np.zeros(self._taken.shape[1], bool)
        for end in range(start + 1, len(self._rows) + 1):
            taken |= self._taken[end - 1]
            if end - start < _LEAST_ROWS:
                continue
            if not _even(self._places[start:end]):
                break
            covered = np.flatnonzero(taken)
            if len(covered) <= covered[-1] - covered[0] and (table := self._table(start, end)):
                found = end, table
        return found

    def _table(self, start: int, end: int) -> list[list[list[int]]]:
        """Return the cells of rows that make a table; else nothing."""
        rows = self._rows[start:end]
        numbers = [i for row in rows for i in row]
        begins = _columns(self._sides[numbers], _STRIP * self._tall)
        if len(begins) < _LEAST_COLUMNS:
            return []
        which = np.searchsorted(begins, self._sides[numbers, 0], "right") - 1
        column = dict(zip(numbers, which.tolist(), strict=True))
        cells = [
            [[i for i in row if column[i] == one] for one in range(len(begins))] for row in rows
        ]
        full = [[cell for cell in one if cell] for one in zip(*cells, strict=True)]
        tabular = (
            len(numbers) <= _PIECES * sum(map(len, full))
            and sum(len(some) >= _LEAST_ROWS for some in full) >= _LEAST_COLUMNS
            and all(_lines_up(some, self._sides, _ASTRAY * self._tall) for some in full)
        )
        return cells if tabular else []


def _even(places: list[float]) -> bool:
    """Tell whether rows are evenly spaced."""
    steps = [after - before for before, after in pairwise(places)]
    return max(steps) <= _PITCH * float(np.median(steps))


def _columns(sides: NDArray[np.float64], strip: float) -> list[float]:
    """Return where columns begin: behind strips that no number enters."""
    begins: list[float] = []
    reached = -np.inf
    for left, _, right, _ in sides[np.argsort(sides[:, 0], kind="stable")]:
        if left > reached + strip:
            begins.append(float(left))
        reached = max(reached, right)
    return begins


def _lines_up(cells: list[list[int]], sides: NDArray[np.float64], astray: float) -> bool:
    lefts = np.array([sides[cell, 0].min() for cell in cells])
    rights = np.array([sides[cell, 2].max() for cell in cells])
    return any(
        np.quantile(np.abs(edge - np.median(edge)), _MOST) <= astray
        for edge in (lefts, rights, (lefts + rights) / 2)
    )
