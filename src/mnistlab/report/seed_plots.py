"""Plots over seeds: learning curves with a band, accuracies, paired differences and ablations."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mnistlab.report.canvas import (
    COLOURS,
    FAINT,
    INK,
    MOST_CURVES,
    figure,
    left_out,
    looks,
    panel,
    row_height,
    wrapped,
)
from mnistlab.report.epoch_panels import EpochPanels
from mnistlab.statistics import MEASURES, Comparison, Difference, Interval, RunGroup, Summary, band
from mnistlab.statistics.metric import METRIC_NAMES

_MOST_SEEDS = 25
"""Seeds whose numbers are written beside their differences."""


def learning_curves(groups: Sequence[RunGroup]) -> Figure:
    """Draw loss and accuracy over the epochs: the mean over seeds, and a band from the 10 % to the
    90 % quantile.

    Test or validation is a solid line, training (augmented, with dropout) a paler, dashed one. At
    most six recipes are drawn.
    """
    shown = list(groups)[:MOST_CURVES]
    panels = EpochPanels.empty(legend_rows=len(shown))
    for group, look in zip(shown, looks(len(shown)), strict=True):
        for measure in MEASURES:
            test = measure.startswith("test")
            part = group.recipe.tested_on if test else "training"
            drawn, label = band(group, measure), wrapped(f"{group.label}, {part}")
            axes = panels.draw(measure, drawn.mean, label, look.colour, "-" if test else "--")
            axes.lines[-1].set_alpha(1 if test else 0.7)
            axes.fill_between(
                drawn.epochs, drawn.low, drawn.high, color=look.colour, alpha=0.18, lw=0
            )
    return panels.finish(columns=2, left_out=left_out(len(groups)))


def paired_differences(difference: Difference) -> Figure:
    """Draw the difference of two recipes for each seed, and its mean with the 95 % interval."""
    drawn = figure(7, 3.2)
    axes = drawn.subplots()
    panel(axes)
    axes.axvline(0, color=INK, lw=1)
    values = np.array(difference.differences)
    order = np.argsort(values, kind="stable")
    rows = np.arange(1, len(values) + 1)
    axes.hlines(rows, 0, values[order], color=FAINT, lw=1 if len(rows) > _MOST_SEEDS else 2)
    many = len(rows) > _MOST_SEEDS
    for sign, colour in ((1, COLOURS[0]), (-1, COLOURS[1]), (0, INK)):
        chosen = np.sign(values[order]) == sign
        axes.plot(values[order][chosen], rows[chosen], "o", color=colour, ms=2 if many else 6)
    if difference.simultaneous:
        axes.axvspan(
            difference.simultaneous.low,
            difference.simultaneous.high,
            color=COLOURS[2],
            alpha=0.15,
            lw=0,
        )
    axes.axvline(difference.mean, color=COLOURS[2], lw=2, ls="--")
    if many:
        axes.set_yticks([])
    else:
        axes.set_yticks(
            rows,
            [str(difference.seeds[index]) for index in order],
            fontsize=8 if len(rows) > 12 else None,
        )
    axes.set_ylabel("seeds, sorted by difference" if many else "seed")
    name = METRIC_NAMES[difference.metric]
    axes.set_xlabel(
        wrapped(
            f"{name} of {difference.first} minus {difference.second} (points)",
            70,
        )
    )
    axes.grid(visible=False, axis="y")
    return drawn


def forest(comparison: Comparison) -> Figure:
    """Draw the differences of the pairs table: the baseline minus each other recipe, with
    intervals.
    """
    drawn = figure(8, row_height(len(comparison.differences)))
    axes = drawn.subplots()
    panel(axes)
    axes.axvline(0, color=INK, lw=1)
    for row, difference in enumerate(reversed(comparison.differences)):
        better = difference.verdict == "better"
        colour = (COLOURS[2] if difference.mean > 0 else COLOURS[1]) if better else COLOURS[5]
        if difference.simultaneous:
            axes.plot(
                [difference.simultaneous.low, difference.simultaneous.high],
                [row, row],
                color=colour,
                lw=3,
            )
        axes.plot(difference.mean, row, "o", color=colour, ms=8)
    whole = comparison.baseline
    labels = [
        wrapped(f"− {found.second.removeprefix(f'{whole}-')}") for found in comparison.differences
    ]
    axes.set_yticks(range(len(labels)), labels[::-1])
    axes.set_ylim(-0.6, len(labels) - 0.4)
    name = METRIC_NAMES[comparison.metric]
    axes.set_xlabel(
        wrapped(
            f"{name} of {whole} minus each (points), mean and 95 % interval; right of 0,"
            f" {whole} is ahead",
            80,
        )
    )
    axes.grid(visible=False, axis="y")
    return drawn


def accuracies(summaries: Sequence[Summary]) -> Figure:
    """Draw every run's final accuracy, or the metric that recipes are judged by, and each recipe's
    mean with the 95 % interval.
    """
    drawn = figure(8, row_height(len(summaries)))
    axes = drawn.subplots()
    panel(axes)
    for row, (summary, look) in enumerate(
        zip(reversed(summaries), looks(len(summaries))[::-1], strict=True)
    ):
        judged = summary.judged
        values = np.array(judged.values)
        axes.plot(
            values,
            np.full(len(values), row + 0.16),
            look.marker,
            color=look.colour,
            alpha=0.45,
            ms=5,
            mew=0,
        )
        ends = judged.interval or Interval(low=judged.mean, high=judged.mean)
        places = [ends.low, judged.mean, ends.high]
        axes.plot(
            places,
            [row - 0.16] * 3,
            f"{look.marker}-",
            color=look.colour,
            lw=3,
            ms=7,
            markevery=[1],
        )
    axes.set_yticks(range(len(summaries)), [wrapped(summary.label) for summary in summaries][::-1])
    axes.set_ylim(-0.6, len(summaries) - 0.4)
    name = METRIC_NAMES[summaries[0].metric]
    axes.set_xlabel(f"final {name} (%) of every run; below, the mean with its 95 % interval")
    axes.grid(visible=False, axis="y")
    return drawn
