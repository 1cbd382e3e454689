"""Classes in a table: how often every recipe misreads each, and how much more often than the one it is held against."""

from collections.abc import Sequence

from mnistlab.report.table import Table
from mnistlab.statistics import (
    ClassDifference,
    ClassErrors,
    Comparison,
    Interval,
    Sample,
    class_differences,
    class_errors,
)
from mnistlab.statistics.verdict import points, span

Row = tuple[str, ...]


def class_anchor(samples: Sequence[Sample], comparison: Comparison) -> Sample:
    """Return the recipe that all others are held against: the baseline, or the most accurate one."""
    label = comparison.baseline or max(comparison.summaries, key=lambda summary: summary.accuracy).label
    return next(sample for sample in samples if sample.label == label)


def class_table(samples: Sequence[Sample], comparison: Comparison) -> Table:
    """Return one row a class and recipe. Errors are in percent of the class's images, differences in points."""
    anchor = class_anchor(samples, comparison)
    classes = samples[0].records[0].data.classes
    # The best of many was chosen by these very figures: only a baseline, or the other of two, is held against others.
    held = comparison.differences and (comparison.baseline or len(samples) == 2)
    differences = class_differences(samples, anchor) if held else {}
    headings: Row = ("Class", "Recipe", "Images", "Misread (%)", "95 % interval")
    if differences:
        headings += (f"Less {anchor.label}", "95 % interval of it", "p (Holm)")
    columns = [_column(sample.label, class_errors(sample), differences) for sample in samples]
    return Table(
        headings,
        tuple((name, *column[number]) for number, name in enumerate(classes) for column in columns),
    )


def _column(label: str, errors: Sequence[ClassErrors], differences: dict[str, list[ClassDifference]]) -> list[Row]:
    """Return a recipe's cells of each class."""
    rows = [(label, f"{found.images:,}", _points(found.error), _span(found.interval)) for found in errors]
    if label in differences:
        return [
            (*row, _points(found.mean), _span(found.interval), "" if found.p is None else _p(found.p))
            for row, found in zip(rows, differences[label], strict=True)
        ]
    return [(*row, "", "", "") for row in rows] if differences else list(rows)


def _points(value: float | None) -> str:
    return "" if value is None else points(value)


def _span(interval: Interval | None) -> str:
    return span(interval) if interval else ""


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
