"""Assembly: a reading, made of the flat arrays in which an engine tells what it found."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.characters import OTHER
from mnistlab.recogniser.parts import (
    FAINT,
    Box,
    Cell,
    Character,
    Group,
    Line,
    Table,
    likeliest,
)
from mnistlab.recogniser.reading import Reading

_NONE = -1


@dataclass(frozen=True, eq=False)
class FoundCharacters:
    """The characters of a picture: a row each, in reading order.

    Attributes:
        boxes: ``(n, 4)``: left, top, right and bottom in pixels of the upright picture.
        probabilities: ``(n, 20)``: see :class:`mnistlab.recogniser.reading.Character`.
        presence: ``(n,)``, 0 to 1: the probability that there is a character at all.
        cut: bool, ``(n,)``: whether the picture's edge cuts it.
        line: int, ``(n,)``: which line it is in; -1 is ink that is not read.
        group: int, ``(n,)``: which group of that line.
        cell: int, ``(n,)``: which row of :class:`FoundCells`; -1 is none.
        pixels: of each a small grey picture, uint8, light on black.
    """

    boxes: NDArray[np.floating | np.integer]
    probabilities: NDArray[np.floating]
    presence: NDArray[np.floating]
    cut: NDArray[np.bool_]
    line: NDArray[np.integer]
    group: NDArray[np.integer]
    cell: NDArray[np.integer]
    pixels: Sequence[NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class FoundCells:
    """The cells of a picture's tables: a row each, in every row one for each column.

    Attributes:
        table: int, ``(n,)``: which table it is of.
        row: int, ``(n,)``: from 0.
        boxes: ``(n, 4)``: left, top, right and bottom in pixels of the upright picture.
        ruled: bool, ``(n,)``: whether rulings tell where it is, or numbers that line up.
    """

    table: NDArray[np.integer]
    row: NDArray[np.integer]
    boxes: NDArray[np.floating | np.integer]
    ruled: NDArray[np.bool_]


def assemble(
    found: FoundCharacters, cells: FoundCells, size: tuple[int, int], threshold: float
) -> Reading:
    """Return the reading of a picture.

    Args:
        found: what its characters are.
        cells: of its tables.
        size: width and height of the upright picture in pixels.
        threshold: confidence from which on a character is sure.
    """
    characters = [_character(found, row, threshold) for row in range(len(found.boxes))]
    members: dict[tuple[int, int], list[Character]] = defaultdict(list)
    places: dict[tuple[int, int], int] = {}
    left_out: list[tuple[Box, int]] = []
    for one, line, place, cell in zip(
        characters,
        *(which.tolist() for which in (found.line, found.group, found.cell)),
        strict=True,
    ):
        if line != _NONE:
            members[line, place].append(one)
            places.setdefault((line, place), cell)
        elif one.presence >= FAINT:
            left_out.append((one.box, cell))
    groups = {key: group for key, some in members.items() for group in Group.of(some)}
    lines: dict[int, list[Group]] = defaultdict(list)
    for (number, _), group in groups.items():
        lines[number].append(group)
    inside: dict[int, list[Group]] = defaultdict(list)
    for key, group in groups.items():
        inside[places[key]].append(group)
    missed: dict[int, list[Box]] = defaultdict(list)
    for box, cell in left_out:
        missed[cell].append(box)
    return Reading(
        tuple(Line(tuple(lines[number])) for number in sorted(lines)),
        size,
        _tables(cells, inside, missed),
        tuple(box for box, _ in left_out),
    )


def digit_probabilities(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the probabilities of all characters, ``(n, 20)``, of those of ten digits, ``(n, 10)``:
    what they lack to 1 is that of other ink.
    """
    others = np.zeros((len(rows), OTHER - rows.shape[1]))
    return np.hstack([rows, others, np.clip(1 - rows.sum(axis=1, keepdims=True), 0, 1)])


def _character(found: FoundCharacters, row: int, threshold: float) -> Character:
    probabilities = np.asarray(found.probabilities[row], np.float64)
    return Character(
        likeliest(probabilities),
        _box(found.boxes[row]),
        probabilities,
        float(found.presence[row]),
        bool(found.cut[row]),
        found.pixels[row],
        threshold,
    )


def _tables(
    found: FoundCells, groups: dict[int, list[Group]], left_out: dict[int, list[Box]]
) -> tuple[Table, ...]:
    """Return the tables of cells, in whose numbers are groups and ink that was left out."""
    tables: dict[int, dict[int, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for number, (table, row) in enumerate(zip(found.table, found.row, strict=True)):
        cell = Cell(_box(found.boxes[number]), tuple(groups[number]), tuple(left_out[number]))
        tables[table][row].append(cell)
    ruled = dict(zip(found.table, found.ruled, strict=True))
    return tuple(
        Table(
            Box.around(cell.box for row in rows.values() for cell in row),
            tuple(map(tuple, rows.values())),
            bool(ruled[table]),
        )
        for table, rows in tables.items()
    )


def _box(sides: NDArray[np.floating | np.integer]) -> Box:
    left, top, right, bottom = (round(float(side)) for side in sides)
    return Box(left, top, right, bottom)
