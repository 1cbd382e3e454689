"""Tables of a comparison: one row a recipe, one row a pair, one row a run, and where the recipes
differ.
"""

import json
from collections.abc import Sequence

from mnistlab.report.table import Table, duration, interval_cell, p_cell
from mnistlab.statistics import Comparison, Difference, Interval, RunGroup, Summary
from mnistlab.statistics.verdict import points

_SHORT = (0, 2, 3, 4, 5, 7, 11)


def recipe_table(comparison: Comparison) -> Table:
    """Return one row a recipe. Accuracies, errors and intervals are in percent of images, gaps in
    points.
    """
    noun = comparison.tested_on.capitalize()
    return Table(
        (
            "Recipe",
            "Parameters",
            "Seeds",
            f"{noun} accuracy (%)",
            "SD",
            "95 % interval",
            "Error (%)",
            f"{noun} loss",
            "Training loss",
            "Calibration error",
            f"Train−{comparison.tested_on} gap",
            "Time a run",
        ),
        tuple(map(_recipe_row, comparison.summaries)),
    )


def short_table(comparison: Comparison) -> Table:
    """Return what fits a terminal of :func:`recipe_table`."""
    table = recipe_table(comparison)
    headings = ("Recipe", "Seeds", "Accuracy %", "SD", "95 % interval", "Loss", "Time")
    return Table(headings, tuple(tuple(row[column] for column in _SHORT) for row in table.rows))


def pair_table(comparison: Comparison) -> Table:
    """Return one row a pair: differences of final accuracy in percentage points, of loss in nats.

    Both p, and the interval beside the difference, allow for all pairs and all looks.
    """
    return Table(
        (
            "Pair",
            "Seeds",
            "Difference",
            "95 % interval",
            "p",
            "Verdict",
            "Middle half",
            "First beats second",
            "On new images",
            "Correlation",
            "McNemar p < 0.05",
            "Loss difference",
            "p (loss)",
        ),
        tuple(map(_pair_row, comparison.differences)),
    )


def loss_table(comparison: Comparison) -> Table:
    """Return one row a recipe: its lowest test loss of any epoch, its final one, and its final
    training loss, nats.
    """
    on = comparison.tested_on
    return Table(
        (
            "Recipe",
            f"Lowest {on} loss (picked on {on})",
            f"Final {on} loss",
            "Rise",
            "Final training loss",
        ),
        tuple(
            (
                summary.label,
                f"{summary.lowest_loss:.4f}",
                f"{summary.loss:.4f}",
                f"{100 * (summary.loss / summary.lowest_loss - 1):+.0f} %".replace("-", "−"),
                f"{summary.train_loss:.2g}",
            )
            for summary in comparison.summaries
        ),
    )


def run_table(comparison: Comparison) -> Table:
    """Return one row a seed: every recipe's final test accuracy in percent."""
    seeds = sorted({seed for summary in comparison.summaries for seed in summary.seeds})
    columns = [
        dict(zip(summary.seeds, summary.accuracies, strict=True))
        for summary in comparison.summaries
    ]
    return Table(
        ("Seed", *(summary.label for summary in comparison.summaries)),
        tuple(
            (str(seed), *(f"{column[seed]:.2f}" if seed in column else "" for column in columns))
            for seed in seeds
        ),
    )


def field_table(groups: Sequence[RunGroup]) -> Table:
    """Return one row for each recipe field in which the recipes differ."""
    values = [group.recipe.model_dump(mode="json", exclude={"name"}) for group in groups]
    differing = [key for key in values[0] if len({json.dumps(value[key]) for value in values}) > 1]
    rows = ((key, *(json.dumps(value[key]) for value in values)) for key in differing)
    return Table(("Field", *(group.label for group in groups)), tuple(rows))


def _recipe_row(summary: Summary) -> tuple[str, ...]:
    return (
        summary.label,
        f"{summary.parameters:,}",
        str(len(summary.seeds)),
        f"{summary.accuracy:.2f}",
        "" if summary.std is None else f"{summary.std:.2f}",
        interval_cell(summary.interval),
        f"{100 - summary.accuracy:.2f}",
        f"{summary.loss:.4f}",
        f"{summary.train_loss:.2g}",
        f"{summary.calibration_error:.2f}",
        points(summary.gap),
        duration(summary.seconds),
    )


def _pair_row(difference: Difference) -> tuple[str, ...]:
    return (
        f"{difference.first} − {difference.second}",
        str(len(difference.seeds)),
        points(difference.mean),
        interval_cell(difference.simultaneous),
        p_cell(difference.adjusted_p),
        difference.verdict,
        points(difference.interquartile_mean),
        f"{100 * difference.superiority:.0f} % ({_shares(difference.superiority_interval)})",
        interval_cell(difference.new_images.interval if difference.new_images else None),
        "" if difference.correlation is None else f"{difference.correlation:.2f}".replace("-", "−"),
        f"{difference.single_tests} of {len(difference.seeds)}",
        f"{difference.loss:+.4f}".replace("-", "−"),
        p_cell(difference.adjusted_loss_p),
    )


def _shares(interval: Interval) -> str:
    return f"{100 * interval.low:.0f} to {100 * interval.high:.0f}"
