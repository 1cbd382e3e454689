"""Plots over images: calibration, confusion, and the errors of each class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from mnistlab.report.canvas import COLOURS, FAINT, INK, colours, figure, panel, wrapped
from mnistlab.runs.outcome import BINS
from mnistlab.statistics import Sample, class_errors, confusion, reliability

_MOST_CLASSES = 20
"""Classes whose numbers are written into a confusion matrix."""


def calibration(samples: Sequence[Sample]) -> Figure:
    """Draw accuracy over confidence, in bins, and below it how many readings each bin holds."""
    drawn = figure(6.5, 4.8 + 0.2 * len(samples))
    upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 100], [0, 100], color=INK, lw=1, ls=":")
    for number, (sample, colour) in enumerate(zip(samples, colours(len(samples)), strict=True)):
        bins = reliability(sample)
        upper.plot(100 * bins.confidence, 100 * bins.accuracy, "o-", color=colour, label=wrapped(sample.label), ms=5)
        width = 100 / BINS / (len(samples) + 1)
        begin = 100 * (np.ceil(bins.confidence * BINS) - 1) / BINS + width * (number + 0.5)
        lower.bar(begin, bins.images / len(sample.records), width, color=colour, align="edge")
    for axes in (upper, lower):
        panel(axes)
    lower.set_yscale("log")
    lower.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    upper.set_ylabel("read rightly (%)")
    lower.set(xlabel="confidence (%)", ylabel="images a run", xlim=(0, 100))
    drawn.legend(*upper.get_legend_handles_labels(), loc="outside lower center", frameon=False, labelcolor=INK, ncols=2)
    return drawn


def confusion_matrix(sample: Sample) -> Figure:
    """Draw which class (row) was taken for which (column), misread images alone, mean over runs."""
    table = confusion(sample) / len(sample.records)
    np.fill_diagonal(table, 0)
    classes = [wrapped(name) for name in sample.records[0].data.classes]
    drawn = figure(5.2, 4.8)
    axes = drawn.subplots()
    highest = max(table.max(), 1e-9)
    for (row, column), value in np.ndenumerate(table):
        place, strength = (column - 0.5, row - 0.5), 0.9 * value / highest
        axes.add_patch(Rectangle(place, 1, 1, facecolor=COLOURS[0], alpha=strength, edgecolor=FAINT, lw=0.5))
        if value >= 0.05 and len(classes) <= _MOST_CLASSES:
            axes.text(column, row, f"{value:.1f}", ha="center", va="center", color=INK, fontsize=8)
    panel(axes)
    axes.grid(visible=False)
    axes.set(xlim=(-0.5, len(classes) - 0.5), ylim=(len(classes) - 0.5, -0.5), aspect="equal")
    axes.set(xlabel="taken for", ylabel="true class", title=wrapped(f"{sample.label}: misread images a run", 44))
    slanted = max(map(len, classes)) > 2
    axes.set_xticks(range(len(classes)), classes, rotation=60 if slanted else 0, ha="right" if slanted else "center")
    axes.set_yticks(range(len(classes)), classes)
    return drawn


def errors_by_class(samples: Sequence[Sample]) -> Figure:
    """Draw the share of each class that is misread, a bar a recipe, mean over runs."""
    classes = [wrapped(name) for name in samples[0].records[0].data.classes]
    drawn = figure(max(7.0, 0.55 * len(classes)), 3.2 + 0.2 * len(samples))
    axes = drawn.subplots()
    panel(axes)
    width = 0.8 / len(samples)
    for number, (sample, colour) in enumerate(zip(samples, colours(len(samples)), strict=True)):
        places = np.arange(len(classes)) - 0.4 + width * (number + 0.5)
        axes.bar(places, class_errors(sample), width, color=colour, label=wrapped(sample.label))
    axes.set_xticks(range(len(classes)), classes, rotation=30 if max(map(len, classes)) > 2 else 0)
    axes.set_ylabel("misread (%)")
    axes.grid(visible=False, axis="x")
    drawn.legend(loc="outside lower center", frameon=False, labelcolor=INK, ncols=2)
    return drawn
