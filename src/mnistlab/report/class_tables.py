"""Classes in a table: how often every recipe misreads each, and how much more often than the one it
is held against.
"""

from collections.abc import Sequence

from mnistlab.report.table import Table, interval_cell, p_cell
from mnistlab.statistics import (
    ClassDifference,
    ClassErrors,
    Comparison,
    RunGroup,
    class_differences,
    class_errors,
)
from mnistlab.statistics.verdict import points

Row = tuple[str, ...]


def class_anchor(comparison: Comparison) -> str:
    """Return whom the others are held against: the label of the baseline, or of the better of two;
    else nothing.

    The best of many was chosen by these very figures, which can prove nothing about it.
    """
    held = comparison.differences and (comparison.baseline or len(comparison.summaries) == 2)
    return comparison.anchor if held else ""


def class_table(groups: Sequence[RunGroup], comparison: Comparison) -> Table:
    """Return one row a class and recipe. Errors are in percent of the class's images, differences
    in points.
    """
    anchor = class_anchor(comparison)
    classes = groups[0].records[0].data.classes
    whole = next((group for group in groups if group.label == anchor), None)
    differences = (
        class_differences(groups, whole, min(found.look.level for found in comparison.informative))
        if whole
        else {}
    )
    headings: Row = ("Class", "Recipe", "Images", "Misread (%)", "95 % interval")
    if anchor:
        headings += (f"Less {anchor}", "95 % interval of it", "p (Bonferroni)")
    columns = [_column(group.label, class_errors(group), differences) for group in groups]
    return Table(
        headings,
        tuple((name, *column[number]) for number, name in enumerate(classes) for column in columns),
    )


def _column(
    label: str, errors: Sequence[ClassErrors], differences: dict[str, list[ClassDifference]]
) -> list[Row]:
    """Return a recipe's cells of each class."""
    rows = [
        (label, f"{found.images:,}", _points(found.error), interval_cell(found.interval))
        for found in errors
    ]
    if label in differences:
        return [
            (
                *row,
                _points(found.mean),
                interval_cell(found.interval),
                "" if found.p is None else p_cell(found.p),
            )
            for row, found in zip(rows, differences[label], strict=True)
        ]
    return [(*row, "", "", "") for row in rows] if differences else list(rows)


def _points(value: float | None) -> str:
    return "" if value is None else points(value)
