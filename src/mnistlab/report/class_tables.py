"""Classes in a table: each recipe's error per class, and how it differs from the baseline's."""

from collections.abc import Sequence

from mnistlab.report.table import Table, Value, count, estimate, interval, p_values, points, text
from mnistlab.statistics import (
    ClassDifference,
    ClassErrors,
    Comparison,
    RunGroup,
    class_differences,
    class_errors,
    class_means,
)


def class_anchor(comparison: Comparison) -> str:
    """Return the label that others are compared with: the baseline, or the better of two recipes.

    It is empty for more recipes without a baseline: their best one was chosen by these same
    figures, which therefore cannot test it.
    """
    held = comparison.differences and (comparison.baseline or len(comparison.summaries) == 2)
    return comparison.anchor if held else ""


def class_table(groups: Sequence[RunGroup], comparison: Comparison) -> Table:
    """Return one row per class and recipe. Errors are in percent of the class's images, differences
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
    columns = [
        text("Class"),
        text("Recipe"),
        count("Images"),
        points("Error (%)"),
        interval("95 % interval"),
    ]
    if anchor:
        columns += [
            points(f"Minus {anchor}", "difference"),
            interval("95 % interval of the difference", "difference_interval"),
            p_values("p (Bonferroni)", "p_bonferroni"),
        ]
    rows = [_rows(group.label, class_errors(group), differences) for group in groups]
    return Table(
        columns,
        [(name, *column[number]) for number, name in enumerate(classes) for column in rows],
    )


def class_score_table(groups: Sequence[RunGroup]) -> Table:
    """Return one row per class and recipe: precision, recall and F1 in percent, means over runs,
    with their intervals over seeds.
    """
    names, means = groups[0].records[0].data.classes, [class_means(group) for group in groups]
    return Table(
        [
            text("Class"),
            text("Recipe"),
            count("Images"),
            estimate("Precision (%)"),
            estimate("Recall (%)"),
            estimate("F1 (%)"),
        ],
        [
            (name, group.label, found.images, found.precision, found.recall, found.f1)
            for place, name in enumerate(names)
            for group, found in zip(groups, (column[place] for column in means), strict=True)
        ],
        {
            "Precision (%)": "share of the predictions of the class that are correct, mean over"
            " seeds with its 95 % interval (Student's t); a run that never predicts the class"
            " counts 0",
            "Recall (%)": "share of the class's images that are predicted as it, likewise",
            "F1 (%)": "harmonic mean of precision and recall, likewise",
        },
    )


def _rows(
    label: str, errors: Sequence[ClassErrors], differences: dict[str, list[ClassDifference]]
) -> list[tuple[Value, ...]]:
    """Return a recipe's cells of each class."""
    rows = [(label, found.images, found.error, found.interval) for found in errors]
    if label in differences:
        return [
            (*row, found.mean, found.interval, found.p)
            for row, found in zip(rows, differences[label], strict=True)
        ]
    return [(*row, None, None, None) for row in rows] if differences else list(rows)
