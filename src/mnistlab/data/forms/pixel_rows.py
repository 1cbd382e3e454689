"""The rows of a table of pixels as numbers, and the label's column where no name tells it."""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.forms.pixel_columns import (
    Columns,
    find_columns,
    is_count,
    picture_shape,
    pixels_of,
)
from mnistlab.data.forms.text_table import (
    SPACES,
    TextTable,
    has_role,
    is_missing,
    is_number,
    shown,
)
from mnistlab.errors import DataError

AT_ONCE = 4096
"""Rows that are parsed together."""
_UNLIKE, _ALIKE = 0.25, 0.15
"""Largest differences between the distributions of two columns (Kolmogorov and Smirnov's): a label
differs from all pixels around it by more than the one, a pixel from one by less than the other."""
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)|(?<!\d),(?=\d)")
Numbers = NDArray[Any]
"""uint8 or float32."""


@dataclass
class Content:
    """What a table holds: the numbers of all its columns, the cells of those with words."""

    table: TextTable
    columns: Columns
    numbers: Numbers
    cells: dict[int, list[str]]

    @property
    def labels(self) -> list[str] | None:
        """Each row's label; ``None`` without any."""
        place = self.columns.label
        return None if place is None else self.cells[place]


def read_rows(table: TextTable, train: Content | None) -> Content:
    """Read a table of pixels.

    Args:
        table: its first rows.
        train: the training table, which tells the columns of one without header.

    Raises:
        DataError: see :func:`find_columns`; a cell is no number, rows differ in length, or what
            they hold does not show which column is the label.
    """
    columns = find_columns(table)
    if columns.label is None and train and not columns.header:
        columns = _as_trained(columns, train)
    content = _parse(table, columns)
    if columns.numbered is not None:
        content = _without_count(content)
    if columns.candidates:
        content = _find_label(content)
    return content


def read_unlabelled(table: TextTable) -> tuple[Content, list[str]]:
    """Read a table of pixels that needs no labels.

    Returns:
        What it holds, and what it calls each row: nothing if it does not say. A column that only
        counts the rows says it, and so does a column of file names.

    Raises:
        DataError: see :func:`read_rows`.
    """
    content = _parse(table, find_columns(table))
    columns, first = content.columns, table.head[0]
    if columns.index is not None:
        said = f"{columns.names[columns.index]} of "
        notes = tuple(note for note in columns.notes if not note.startswith(said))
        return replace(content, columns=replace(columns, notes=notes)), content.cells[columns.index]
    if columns.numbered is not None:
        return replace(
            _without_count(content), columns=replace(columns, numbered=None)
        ), content.cells[columns.numbered]
    if columns.candidates and is_count(content.cells[columns.candidates[0]]):
        count, pixel = columns.candidates
        pixels = tuple(place for place in columns.pixels if place != count)
        numbers = _put(content.numbers, pixel, content)
        columns = replace(columns, candidates=None, pixels=pixels)
        return replace(content, numbers=numbers, columns=columns), content.cells[count]
    if columns.candidates:
        return _find_label(content), []
    named = columns.label is not None and columns.header and has_role(first[columns.label], "file")
    if named and columns.label is not None:
        return replace(content, columns=replace(columns, label=None)), content.cells[columns.label]
    return content, []


def _as_trained(columns: Columns, train: Content) -> Columns:
    """Take the columns of a table without header as those of the training table."""
    if len(columns.names) == len(train.columns.names):
        return replace(train.columns, names=columns.names, header=False, notes=())
    if len(columns.names) == len(train.columns.pixels):
        return replace(
            columns,
            pixels=tuple(range(len(columns.names))),
            candidates=None,
            numbered=None,
            shape=train.columns.shape,
        )
    return columns


def _parse(table: TextTable, columns: Columns) -> Content:
    """Read all numbers, and the cells of the columns that need not be numbers."""
    numeric = set() if columns.strings else set(columns.pixels) - {*(columns.candidates or ())}
    cells: dict[int, list[str]] = {
        place: [] for place in range(len(columns.names)) if place not in numeric
    }
    kept = {columns.label, columns.split, columns.numbered, columns.index}
    kept |= {*(columns.candidates or ())}
    strings = columns.pixels[0] if columns.strings else None
    blocks: list[Numbers] = []
    lines = table.lines(int(columns.header))
    count = 0
    while block := list(islice(lines, AT_ONCE)):
        if strings is None:
            numbers = _numbers(block, table.separator, cells)
            if numbers is None or numbers.shape[1] != len(columns.names):
                _refuse_rows(table, columns, block, count, numeric)
        else:
            rows = [table.split(line) for line in block]
            _refuse_lengths(table, rows, len(columns.names), count)
            for place, found in cells.items():
                found += [row[place] for row in rows]
            numbers = _numbers([pixels_of(row[strings]) for row in rows], SPACES, {})
            if numbers is None or (blocks and numbers.shape[1] != blocks[0].shape[1]):
                _refuse_strings(table, cells[strings], count)
            cells[strings].clear()
        blocks.append(numbers)
        count += len(numbers)
        for place in cells.keys() - kept:
            cells[place].clear()
    if strings is not None:
        columns = _with_shape(table, columns, blocks[0].shape[1])
    cells = {place: found for place, found in cells.items() if place in kept}
    return Content(table, columns, np.concatenate(blocks), cells)


def _with_shape(table: TextTable, columns: Columns, count: int) -> Columns:
    shape = picture_shape(count)
    if shape is None:
        raise DataError(f"{table.where}: {count:,} pixels do not make a square image")
    return replace(columns, shape=shape, pixels=tuple(range(count)))


def _numbers(lines: Sequence[str], separator: str, cells: dict[int, list[str]]) -> Any:
    """Return the numbers of rows, ``(rows, columns)``: uint8, float32 if they are no bytes, or
    ``None`` if they are no numbers.

    Args:
        lines: of the rows.
        separator: of the cells.
        cells: of columns that need not be numbers; they get theirs, and the numbers are 0.
    """
    lengths = {place: len(found) for place, found in cells.items()}
    for kind in (np.uint8, np.float32, np.float32):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return np.loadtxt(
                    lines,
                    kind,
                    delimiter=None if separator == SPACES else separator,
                    converters={place: _keep(found) for place, found in cells.items()},
                    # A row that begins with # is damaged, not a comment.
                    comments=None,
                    quotechar='"',
                    encoding=None,
                    ndmin=2,
                )
        except (ValueError, OverflowError, Warning):
            for place, length in lengths.items():
                del cells[place][length:]
            if kind is np.float32 and separator != ",":
                lines = [_DECIMAL_COMMA.sub(".", line) for line in lines]
    return None


def _keep(found: list[str]) -> Callable[[str], int]:
    def keep(cell: str) -> int:
        found.append(cell.strip())
        return 0

    return keep


def _refuse_rows(
    table: TextTable, columns: Columns, lines: Sequence[str], start: int, numeric: set[int]
) -> NoReturn:
    """Name the first cell that is no number, or the first row of another length."""
    rows = [table.split(line) for line in lines]
    _refuse_lengths(table, rows, len(columns.names), start)
    for row, cells in enumerate(rows, start + 1):
        for place, cell in enumerate(cells):
            if place in numeric and not is_number(cell):
                raise DataError(
                    f"{table.where}: data row {row}, {columns.names[place]} is"
                    f" {'missing' if is_missing(cell) else shown(cell)}; pixels are numbers from 0"
                    " to 255"
                )
    raise DataError(f"{table.where}: data rows from {start + 1} cannot be read as numbers")


def _refuse_lengths(
    table: TextTable, rows: Sequence[Sequence[str]], width: int, start: int
) -> None:
    for row, cells in enumerate(rows, start + 1):
        if len(cells) != width:
            raise DataError(
                f"{table.where}: data row {row} has {len(cells):,} cells, and the first row has"
                f" {width:,}; copy the table again, or mend the row"
            )


def _refuse_strings(table: TextTable, cells: Sequence[str], start: int) -> NoReturn:
    """Name the first cell that does not hold as many pixels as the first one."""
    width = len(pixels_of(cells[0]).split())
    for row, cell in enumerate(cells, start + 1):
        pixels = pixels_of(cell).split()
        wrong = next((pixel for pixel in pixels if not is_number(pixel)), None)
        if wrong is not None:
            raise DataError(f"{table.where}: data row {row} has a pixel {shown(wrong)}")
        if len(pixels) != width:
            raise DataError(
                f"{table.where}: data row {row} has {len(pixels):,} pixels, others have {width:,}"
            )
    raise DataError(f"{table.where}: data row {start + 1}: another number of pixels than above it")


def _without_count(content: Content) -> Content:
    """Leave out the first column, if it counts the rows."""
    columns = content.columns
    place = columns.numbered or 0
    if not is_count(content.cells[place]):
        raise DataError(
            f"{content.table.where}: {len(columns.pixels) + 1:,} columns are no square image and"
            " its label; it needs a header such as label,pixel0,pixel1,..."
        )
    note = (
        f"{columns.names[place]} of {content.table.name}, which only numbers the rows, is not used"
    )
    return replace(content, columns=replace(columns, notes=(*columns.notes, note)))


def _find_label(content: Content) -> Content:
    """Find the label's column, the first or the last, by what the two hold.

    A label differs in its distribution from the pixels around it; a pixel hardly does.
    """
    columns = content.columns
    places = columns.candidates or (0, 0)
    values = {place: _values(content.cells[place]) for place in places}
    first, last = places
    differences = {
        first: _least_difference(content, values[first], columns.pixels),
        last: _least_difference(content, values[last], columns.pixels[::-1]),
    }
    unlike = {
        place: found is not None
        and 1 < len(np.unique(found)) <= len(found) / 2
        and differences[place] > _UNLIKE
        for place, found in values.items()
    }
    alike = {place: differences[place] < _ALIKE for place in places}
    fitting = [
        label for label, pixel in ((first, last), (last, first)) if unlike[label] and alike[pixel]
    ]
    if len(fitting) != 1:
        raise DataError(
            f"{content.table.where}: no column is named label, and whether the first or the last"
            f" one is the label does not show in {len(content.numbers):,} rows; add a header such"
            " as label,pixel0,pixel1,..."
        )
    label = fitting[0]
    pixel = last if label == first else first
    numbers = _put(content.numbers, pixel, content)
    which = "first" if label == first else "last"
    note = f"the {which} column of {content.table.name} is taken for the label: it has no header"
    pixels = tuple(place for place in columns.pixels if place != label)
    return replace(
        content,
        numbers=numbers,
        columns=replace(
            columns, label=label, candidates=None, pixels=pixels, notes=(*columns.notes, note)
        ),
    )


def _least_difference(
    content: Content, values: NDArray[np.float64] | None, pixels: Sequence[int]
) -> float:
    """Return how a column at a corner differs from the pixels beside, above or below it."""
    if values is None:
        return 0.0
    channels, _, width = content.columns.shape or (1, 1, 1)
    return min(
        _difference(values, content.numbers[:, pixels[step]]) for step in {1, channels, width}
    )


def _values(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Return whole numbers of 0 or more, or ``None`` if they are others."""
    if not all(map(is_number, {*cells})):
        return None
    values = np.array([float(cell.replace(",", ".")) for cell in cells])
    return values if values.min() >= 0 and (values == np.rint(values)).all() else None


def _difference(some: NDArray[Any], others: NDArray[Any]) -> float:
    """Return the largest difference between two distributions, from 0 to 1."""
    at = np.union1d(some, others)
    shares = [np.searchsorted(np.sort(v), at, side="right") / len(v) for v in (some, others)]
    return float(np.abs(shares[0] - shares[1]).max())


def _put(numbers: Numbers, place: int, content: Content) -> Numbers:
    """Put the cells of a column that holds pixels after all among the numbers."""
    cells = content.cells[place]
    wrong = next((row for row, cell in enumerate(cells) if not is_number(cell)), None)
    if wrong is not None:
        raise DataError(
            f"{content.table.where}: data row {wrong + 1}, {content.columns.names[place]} is"
            f" {shown(cells[wrong])}; pixels are numbers from 0 to 255"
        )
    values = np.array([float(cell.replace(",", ".")) for cell in cells], np.float32)
    bytes_ = values.clip(0, 255).astype(np.uint8)
    if numbers.dtype == np.uint8 and not np.array_equal(bytes_, values):
        numbers = numbers.astype(np.float32)
    numbers[:, place] = values
    return numbers
