"""Labels as tables hold them: whole numbers, or words."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import DIGITS
from mnistlab.data.forms.registry import Part
from mnistlab.data.forms.text_table import is_missing, is_number, shown
from mnistlab.errors import DataError
from mnistlab.text import listed

_FEW = 20
"""Labels; among fewer every one may be different."""


def number_labels(
    cells: Mapping[Part, Sequence[str]], places: Mapping[Part, str]
) -> tuple[dict[Part, NDArray[np.int64]], tuple[str, ...] | None]:
    """Turn labels into numbers from 0.

    Args:
        cells: of each split, ``train`` among them.
        places: what messages call where each split's labels are.

    Returns:
        int64 ``(n,)`` of each split, and the classes' names: the words in order. Numbers from 0
        without gaps, and digits, stay what they are, with ``None`` for the names; others are names.

    Raises:
        DataError: a label is missing, negative, no whole number where all are numbers; or training
            has no such label.
    """
    for part, column in cells.items():
        absent = next((row for row, cell in enumerate(column) if is_missing(cell)), None)
        if absent is not None:
            raise DataError(
                f"{places[part]}: data row {absent + 1} has no label; delete the row or fill it in"
            )
    if not all(is_number(cell) for column in cells.values() for cell in set(column)):
        return _number_words(cells, places, sorted(set(cells["train"])))
    values = {part: _whole_numbers(column, places[part]) for part, column in cells.items()}
    found = np.unique(values["train"])
    if found[-1] < len(DIGITS) or (found[0] == 0 and found[-1] == len(found) - 1):
        return values, None
    words = {part: [str(value) for value in column.tolist()] for part, column in values.items()}
    return _number_words(words, places, [str(value) for value in found.tolist()])


def _number_words(
    cells: Mapping[Part, Sequence[str]], places: Mapping[Part, str], classes: list[str]
) -> tuple[dict[Part, NDArray[np.int64]], tuple[str, ...]]:
    if len(classes) > max(_FEW, len(cells["train"]) // 2):
        raise DataError(
            f"{places['train']}: {len(classes):,} different labels in {len(cells['train']):,} rows,"
            f" such as {shown(classes[0])}; these are no classes"
        )
    number = {name: place for place, name in enumerate(classes)}
    for part, column in cells.items():
        wrong = next((row for row, cell in enumerate(column) if cell not in number), None)
        if wrong is not None:
            raise DataError(
                f"{places[part]}: data row {wrong + 1}: no training image has the label"
                f" {shown(column[wrong])}; there are {listed(classes, 5)}"
            )
    return {
        part: np.array([number[cell] for cell in column], np.int64)
        for part, column in cells.items()
    }, tuple(classes)


def _whole_numbers(column: Iterable[str], place: str) -> NDArray[np.int64]:
    known: dict[str, int] = {}
    numbers = []
    for row, cell in enumerate(column):
        if cell not in known:
            known[cell] = _whole_number(cell, f"{place}: data row {row + 1}")
        numbers.append(known[cell])
    return np.array(numbers, np.int64)


def _whole_number(cell: str, place: str) -> int:
    value = float(cell.replace(",", "."))
    if not math.isfinite(value) or value != round(value) or abs(value) >= 2**53:
        raise DataError(
            f"{place} has label {cell}: a quantity, not a class; labels are whole numbers or words"
        )
    if value < 0:
        raise DataError(f"{place} has label {round(value)}; labels are 0 or more, or words")
    return round(value)
