"""Plots: records in, figures out. Colours are those of Okabe and Ito (2008), told apart by colour-blind readers too."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from mnistlab.report.table import display_name, percent
from mnistlab.runs import EpochMetrics, RunRecord

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_STYLES = ("-", "--", "-.", ":")
_WIDE = 100
"""Ratio of the largest to the smallest loss from which the axis is logarithmic."""
_DOTS_PER_INCH = 130
_WARM_UP = 2
"""Epochs that the accuracy axis may cut off, lest the first one flatten the rest."""


def learning_curves(record: RunRecord) -> Figure:
    """Draw one run's loss and accuracy over the epochs, training and test."""
    figure, loss, accuracy = _two_panels()
    for part, colour, style in (("train", _COLOURS[1], "--"), ("test", _COLOURS[0], "-")):
        _draw(loss, record.history, f"{part}_loss", part, colour, style)
        _draw(accuracy, record.history, f"{part}_accuracy", part, colour, style)
    _finish(figure, loss, accuracy, f"{display_name(record)}, test accuracy {percent(record.final.test_accuracy)}")
    return figure


def test_comparison(records: Sequence[RunRecord]) -> Figure:
    """Draw the test loss and test accuracy of several runs over the epochs."""
    figure, loss, accuracy = _two_panels()
    for index, record in enumerate(records):
        colour, style = _COLOURS[index % len(_COLOURS)], _STYLES[index % len(_STYLES)]
        label = f"{display_name(record)} ({percent(record.final.test_accuracy)})"
        _draw(loss, record.history, "test_loss", label, colour, style)
        _draw(accuracy, record.history, "test_accuracy", label, colour, style)
    _finish(figure, loss, accuracy, "Performance on the test set")
    return figure


def png(figure: Figure) -> bytes:
    """Render a figure as PNG."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def _two_panels() -> tuple[Figure, Axes, Axes]:
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    loss.set_ylabel("loss (cross-entropy in nats)")
    accuracy.set_ylabel("accuracy")
    accuracy.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    for axes in (loss, accuracy):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(visible=True, color="#DDDDDD", lw=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, loss, accuracy


def _draw(axes: Axes, history: Sequence[EpochMetrics], field: str, label: str, colour: str, style: str) -> None:
    values = [getattr(metrics, field) for metrics in history]
    # A single epoch has no line to draw.
    marker = "o" if len(values) == 1 else None
    axes.plot([metrics.epoch for metrics in history], values, style, color=colour, label=label, marker=marker, lw=1.8)


def _finish(figure: Figure, loss: Axes, accuracy: Axes, title: str) -> None:
    epochs = int(max(np.max(line.get_xdata()) for line in loss.lines))
    for axes in (loss, accuracy):
        axes.set_xlim((0.5, 1.5) if epochs == 1 else (1, epochs))
    losses = np.concatenate([np.asarray(line.get_ydata()) for line in loss.lines])
    # A training loss may fall by four orders of magnitude while the test loss stays.
    if losses.min() > 0 and losses.max() / losses.min() > _WIDE:
        loss.set(yscale="log", ylabel="loss (cross-entropy in nats, log scale)")
        loss.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        loss.yaxis.set_minor_formatter(NullFormatter())
    settled = [np.asarray(line.get_ydata())[_WARM_UP:] for line in accuracy.lines]
    if epochs > 2 * _WARM_UP:
        low, high = min(values.min() for values in settled), max(values.max() for values in settled)
        margin = 0.05 * (high - low) or 0.001
        accuracy.set_ylim(low - margin, high + margin)
    figure.suptitle(title, fontsize=13)
    figure.legend(*loss.get_legend_handles_labels(), loc="outside lower center", ncols=len(loss.lines), frameon=False)
