"""Plots over images: calibration, confusion, and the errors of each class."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from mnistlab.report.canvas import (
    COLOURS,
    FAINT,
    INK,
    MOST_CURVES,
    figure,
    left_out,
    legend,
    looks,
    panel,
    wrapped,
)
from mnistlab.report.confusion_table import MOST_CLASSES, normalised
from mnistlab.runs.predictions import BINS
from mnistlab.statistics import (
    ClassErrors,
    Reliability,
    RunGroup,
    class_errors,
    confusion,
    reliability,
    reliability_diagram,
)

_CELL, _NAME, _LEAST, _MOST = 0.5, 0.13, 4.8, 13.0
"""Inches of a cell of a confusion matrix with numbers, and of the name of a row; least and greatest
side of a matrix."""
_IN_A_ROW, _MOST_ROWS = 20, 3
"""Classes whose bars stand side by side, and rows of these."""
_LETTERS = 8
"""Points of a matrix's numbers and names; less would not be legible in a page on a phone."""
_DARKEST = 0.6
"""Opacity of the shade of the most frequent error: on it dark text has a contrast of 6 on a light
page, and light text one of 5 on a dark page."""


def calibration(groups: Sequence[RunGroup]) -> Figure:
    """Draw accuracy over confidence, with intervals, and the number of images in each bin; six
    recipes at most.
    """
    curves = [
        (group.label, reliability(group), len(group.records)) for group in groups[:MOST_CURVES]
    ]
    return draw_calibration(curves, "images per run", left_out(len(groups)))


def confusion_matrix(group: RunGroup) -> Figure:
    """Draw how each class (row) is predicted as each class (column), means over runs."""
    table, classes = confusion(group), group.records[0].data.classes
    if len(group.records) == 1:
        return draw_confusion(table, classes, group.label)
    return draw_confusion(table / len(group.records), classes, f"{group.label}, mean over runs")


def draw_calibration(
    curves: Sequence[tuple[str, Reliability, int]], counted: str, title: str = ""
) -> Figure:
    """Draw accuracy over confidence, with 95 % intervals, and the number of images in each bin.

    The points are those of :func:`mnistlab.statistics.reliability_diagram`, so bins of few images
    are merged; the counts below are of the bins as they are.

    Args:
        curves: for each its label, its bins, and the number by which their counts are divided; an
            empty label is left out of the legend.
        counted: what the counts are of.
        title: of the legend.
    """
    drawn = figure(6.5, 4.8 + 0.2 * len(curves))
    upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 100], [0, 100], color=INK, lw=1, ls=":")
    for number, ((label, bins, runs), look) in enumerate(
        zip(curves, looks(len(curves)), strict=True)
    ):
        found = reliability_diagram(bins, runs)
        reach = 100 * np.maximum([found.accuracy - found.low, found.high - found.accuracy], 0)
        style = {
            "fmt": look.marker,
            "ls": "-",
            "color": look.colour,
            "ms": 5,
            "elinewidth": 1.2,
            "capsize": 2.5,
        }
        upper.errorbar(
            100 * found.confidence, 100 * found.accuracy, reach, label=wrapped(label), **style
        )
        width = 100 / BINS / (len(curves) + 1)
        begin = 100 * (np.ceil(bins.confidence * BINS) - 1) / BINS + width * (number + 0.5)
        lower.bar(begin, bins.images / runs, width, color=look.colour, align="edge")
    for axes in (upper, lower):
        panel(axes)
    lower.set_yscale("log")
    lower.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else "")
    )
    upper.set_ylabel("accuracy (%)")
    lower.set(xlabel="confidence (%)", ylabel=counted, xlim=(0, 100))
    handles, labels = upper.get_legend_handles_labels()
    legend(drawn, handles, labels, title=title)
    return drawn


def draw_confusion(
    table: NDArray[np.float64 | np.int64], names: Sequence[str], title: str
) -> Figure:
    """Draw how often each class (row) was predicted as each class (column).

    With up to 20 classes every cell other than 0 has its share of the row in percent, and below it
    the images. Cells off the diagonal are shaded by their share; the diagonal is not, since beside
    it no error could be seen.

    Args:
        table: images, ``(classes, classes)``: integers are written as such, others with one
            decimal.
        names: the classes'.
        title: above the plot.
    """
    classes = [wrapped(name) for name in names]
    numbers = len(classes) <= MOST_CLASSES
    side = min(max(_LEAST, (_CELL if numbers else _NAME) * len(classes)), _MOST)
    # Of very many classes every second or third is named.
    named = range(0, len(classes), math.ceil(_NAME * len(classes) / side))
    drawn = figure(side + 0.4, side)
    axes = drawn.subplots()
    shares = normalised(table)
    highest = max((shares - np.diag(shares.diagonal())).max(), 1e-9)
    for (row, column), share in np.ndenumerate(shares):
        strength = 0.0 if row == column else _DARKEST * share / highest
        if numbers or strength:
            # The limits are set below, so cells need not move them, nor be laid out.
            cell = Rectangle(
                (column - 0.5, row - 0.5),
                1,
                1,
                facecolor=COLOURS[0],
                alpha=strength,
                edgecolor=FAINT,
                lw=0.5,
            )
            axes.add_artist(cell).set_in_layout(False)
        if numbers and table[row, column]:
            _write_cell(axes, row, column, 100 * share, table[row, column].item())
    panel(axes)
    axes.grid(visible=False)
    axes.set(xlim=(-0.5, len(classes) - 0.5), ylim=(len(classes) - 0.5, -0.5), aspect="equal")
    each = " (% of the true class; images below)" if numbers else " (% of the true class)"
    axes.set(xlabel="predicted class", ylabel="true class", title=wrapped(title + each, 44))
    slanted = max(map(len, classes)) > 2
    axes.set_xticks(
        named,
        [classes[place] for place in named],
        fontsize=None if numbers else _LETTERS,
        rotation=(60 if numbers else 90) if slanted else 0,
        ha=("right" if numbers else "center") if slanted else "center",
    )
    axes.set_yticks(
        named, [classes[place] for place in named], fontsize=None if numbers else _LETTERS
    )
    return drawn


def _write_cell(axes: Axes, row: int, column: int, share: float, images: int | float) -> None:
    whole = isinstance(images, int)
    for height, words, weight in (
        (row - 0.2, f"{share:.1f}", "bold"),
        (row + 0.2, f"{images:,}" if whole else f"{images:,.1f}", "normal"),
    ):
        axes.text(
            column,
            height,
            words,
            ha="center",
            va="center",
            color=INK,
            fontsize=_LETTERS,
            fontweight=weight,
            in_layout=False,
        )


def errors_by_class(groups: Sequence[RunGroup]) -> Figure:
    """Draw the error of each class, a bar per recipe: the mean over runs, with its interval; six
    recipes and sixty classes at most, those with the largest errors.
    """
    shown = groups[:MOST_CURVES]
    names = [wrapped(name) for name in groups[0].records[0].data.classes]
    errors = {group.label: class_errors(group) for group in shown}
    chosen = _with_most_errors([*errors.values()])
    rows = [chosen[at : at + _IN_A_ROW] for at in range(0, len(chosen), _IN_A_ROW)]
    drawn = figure(max(7.0, 0.55 * len(rows[0])), 0.8 + 2.4 * len(rows) + 0.2 * len(shown))
    slanted = 30 if max(map(len, names)) > 2 else 0
    panels = drawn.subplots(len(rows), sharey=True, squeeze=False)[:, 0]
    for axes, places in zip(panels, rows, strict=True):
        panel(axes)
        for number, (group, look) in enumerate(zip(shown, looks(len(shown)), strict=True)):
            found = [errors[group.label][place] for place in places]
            _draw_bars(axes, found, (number, len(shown)), look.colour, wrapped(group.label))
        axes.set_xticks(range(len(places)), [names[place] for place in places], rotation=slanted)
        # As wide as those of a full row.
        axes.set_xlim(-0.6, len(rows[0]) - 0.4)
        axes.set_ylabel("error (%)")
        axes.grid(visible=False, axis="x")
    if len(chosen) < len(names):
        panels[0].set_title(f"the {len(chosen)} of {len(names):,} classes with the largest errors")
    handles, labels = panels[0].get_legend_handles_labels()
    legend(drawn, handles, labels, title=left_out(len(groups)))
    return drawn


def _with_most_errors(errors: Sequence[Sequence[ClassErrors]]) -> list[int]:
    """Return the places of the classes that are drawn, ascending."""
    known = np.array([[one.error or 0.0 for one in found] for found in errors])
    order = np.argsort(-known.mean(axis=0), kind="stable")
    return sorted(order[: _MOST_ROWS * _IN_A_ROW].tolist())


def _draw_bars(
    axes: Axes, found: Sequence[ClassErrors], place: tuple[int, int], colour: str, label: str
) -> None:
    """Draw a bar for each class, the ``place[0]``-th of ``place[1]`` beside each other."""
    width = 0.8 / place[1]
    places = np.arange(len(found)) - 0.4 + width * (place[0] + 0.5)
    heights = np.array([np.nan if one.error is None else one.error for one in found])
    axes.bar(places, heights, width, color=colour, label=label)
    ends = [
        (one.interval.low, one.interval.high) if one.interval else (np.nan, np.nan) for one in found
    ]
    low, high = np.clip(ends, 0, 100).T
    axes.vlines(places, low, high, color=INK, lw=1)
