"""Confusion matrices as tables: images and shares of each pair of a true and a predicted class."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mnistlab.report.table import Table, number, text
from mnistlab.statistics import RunGroup, confusion

MOST_CLASSES = 20
"""Classes whose numbers are written into a plot of a confusion matrix."""
_MOST_ERRORS = 24
Counts = NDArray[np.float64 | np.int64]


def normalised(table: Counts) -> NDArray[np.float64]:
    """Return a confusion matrix whose rows, the true classes, sum to 1; rows without images are 0.

    Args:
        table: images, ``(classes, classes)``.
    """
    rows = table.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = table / np.where(rows, rows, 1)
    return shares


def confusion_table(tables: Mapping[str, Counts], names: Sequence[str]) -> Table:
    """Return one row per recipe, true and predicted class that occur together.

    Args:
        tables: images, ``(classes, classes)``, by the recipe's label.
        names: the classes'.
    """
    return _table(
        tables, names, [(label, *cell) for label in tables for cell in _cells(label, tables)]
    )


def frequent_errors(tables: Mapping[str, Counts], names: Sequence[str]) -> Table:
    """Return the rows of :func:`confusion_table` with the largest shares of errors; none with so
    few classes that the plot has its numbers.
    """
    if len(names) <= MOST_CLASSES:
        return _table(tables, names, [])
    shares = {label: normalised(table) for label, table in tables.items()}
    errors = [
        (label, true, taken)
        for label in tables
        for true, taken in _cells(label, tables)
        if true != taken
    ]
    errors.sort(key=lambda cell: -shares[cell[0]][cell[1:]])
    return _table(tables, names, errors[:_MOST_ERRORS])


def mean_confusions(groups: Sequence[RunGroup]) -> dict[str, Counts]:
    """Return the confusion matrix of each recipe, means over its runs, by its label."""
    return {group.label: confusion(group) / len(group.records) for group in groups}


def _cells(label: str, tables: Mapping[str, Counts]) -> list[tuple[int, int]]:
    return [(int(true), int(taken)) for true, taken in np.argwhere(tables[label])]


def _table(
    tables: Mapping[str, Counts], names: Sequence[str], cells: Sequence[tuple[str, int, int]]
) -> Table:
    shares = {label: normalised(table) for label, table in tables.items()}
    whole = all(table.dtype.kind == "i" for table in tables.values())
    return Table(
        [
            text("True class"),
            text("Predicted class"),
            text("Recipe"),
            number("Images", 0 if whole else 1),
            number("Share of the class (%)", 2, "share_percent"),
        ],
        [
            (
                names[true],
                names[taken],
                label,
                tables[label][true, taken].item(),
                100 * float(shares[label][true, taken]),
            )
            for label, true, taken in cells
        ],
    )
