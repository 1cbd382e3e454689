"""Labels as tables hold them: whole numbers, or words."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import DIGITS
from mnistlab.data.form import Part
from mnistlab.data.forms.text_table import is_missing, is_number, shown
from mnistlab.errors import DataError
from mnistlab.text import listed

_FEW = 20
"""Labels; among fewer every one may be different."""
_SIGNS = {"-1", "1"}
"""Labels of two classes, as support vector machines have them."""


def check_labels(
    cells: Mapping[Part, Sequence[str]], places: Mapping[Part, str]
) -> dict[Part, list[str]]:
    """Return labels in one notation: ``3`` for ``3.0`` and ``03``, words as they are.

    Args:
        cells: of each split, ``train`` among them.
        places: what messages call where each split's labels are.

    Raises:
        DataError: a label is missing, negative, no whole number where all are numbers; or there are
            too many of them for classes.
    """
    for part, column in cells.items():
        absent = next((row for row, cell in enumerate(column) if is_missing(cell)), None)
        if absent is not None:
            cell = column[absent].strip()
            has = f"label {shown(cell)}, which means that it is missing" if cell else "no label"
            raise DataError(
                f"{places[part]}: data row {absent + 1} has {has}; delete the row or fill it in"
            )
    if all(is_number(cell) for column in cells.values() for cell in {*column}):
        cells = {part: _whole_numbers(column, places[part]) for part, column in cells.items()}
        if {cell for column in cells.values() for cell in column} != _SIGNS:
            _refuse_negative(cells, places)
    found, count = {*cells["train"]}, len(cells["train"])
    if len(found) > max(_FEW, count // 2):
        raise DataError(
            f"{places['train']}: {len(found):,} different labels in {count:,} rows, such as"
            f" {shown(min(found))}; name the column that holds the classes"
        )
    return {part: list(column) for part, column in cells.items()}


def number_labels(
    cells: Mapping[Part, Sequence[str]],
    places: Mapping[Part, str],
    classes: Sequence[str] | None = None,
) -> tuple[dict[Part, NDArray[np.int64]], tuple[str, ...] | None]:
    """Turn labels into numbers from 0.

    Args:
        cells: see :func:`check_labels`.
        places: see there.
        classes: the labels' names in the order of their numbers, if that is known.

    Returns:
        int64 ``(n,)`` of each split, and the classes' names: the words in order. Numbers from 0
        without gaps, or below ten, stay what they are, with ``None`` for the names; others, such as
        1 to 5, are names.

    Raises:
        DataError: see :func:`check_labels`; or training has no such label.
    """
    if classes:
        return _number_words(cells, places, [*classes])
    checked = check_labels(cells, places)
    found = {*checked["train"]}
    if not all(map(str.isdecimal, found)):
        return _number_words(checked, places, sorted(found))
    numbers = sorted(map(int, found))
    every = {cell for column in checked.values() for cell in column}
    if ("0" in every and every <= {*DIGITS}) or numbers == [*range(len(numbers))]:
        return {part: np.array(column, np.int64) for part, column in checked.items()}, None
    return _number_words(checked, places, [*map(str, numbers)])


def _number_words(
    cells: Mapping[Part, Sequence[str]], places: Mapping[Part, str], classes: list[str]
) -> tuple[dict[Part, NDArray[np.int64]], tuple[str, ...]]:
    number = {name: place for place, name in enumerate(classes)}
    for part, column in cells.items():
        wrong = next((row for row, cell in enumerate(column) if cell not in number), None)
        if wrong is not None:
            raise DataError(
                f"{places[part]}: data row {wrong + 1}: label {shown(column[wrong])} is not"
                f" among the training labels ({listed(classes, 5)})"
            )
    return {
        part: np.array([number[cell] for cell in column], np.int64)
        for part, column in cells.items()
    }, tuple(classes)


def _whole_numbers(column: Iterable[str], place: str) -> list[str]:
    known: dict[str, str] = {}
    for row, cell in enumerate(column):
        if cell not in known:
            known[cell] = str(_whole_number(cell, f"{place}: data row {row + 1}"))
    return [known[cell] for cell in column]


def _whole_number(cell: str, place: str) -> int:
    value = float(cell.replace(",", "."))
    if not math.isfinite(value) or value != round(value) or abs(value) >= 2**53:
        raise DataError(
            f"{place} has label {cell}: a quantity, not a class; labels are whole numbers or words"
        )
    return round(value)


def _refuse_negative(cells: Mapping[Part, Sequence[str]], places: Mapping[Part, str]) -> None:
    for part, column in cells.items():
        row = next((row for row, cell in enumerate(column) if cell.startswith("-")), None)
        if row is not None:
            raise DataError(
                f"{places[part]}: data row {row + 1} has label {column[row]}; labels are whole"
                " numbers from 0, or words: write another number or a word for it"
            )
