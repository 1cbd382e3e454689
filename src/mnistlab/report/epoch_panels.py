"""EpochPanels: the loss on the left and the accuracy on the right, over the epochs."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from mnistlab.report.canvas import INK, LineStyle, figure, legend, panel

_WIDE = 100
"""Ratio of the largest to the smallest loss above which the axis is logarithmic."""
_WARM_UP = 2
"""Epochs that the accuracy axis may cut off, so that the first does not flatten the rest."""


@dataclass(frozen=True)
class EpochPanels:
    """A figure with two panels; :meth:`finish` it when all lines are drawn."""

    figure: Figure
    loss: Axes
    accuracy: Axes

    @classmethod
    def empty(cls, legend_rows: int = 1) -> "EpochPanels":
        """Return panels with nothing drawn, and room for a legend of ``legend_rows`` rows."""
        drawn = figure(10, 4.18 + 0.22 * legend_rows)
        loss, accuracy = drawn.subplots(1, 2)
        loss.set_ylabel("loss (cross-entropy in nats)")
        accuracy.set_ylabel("accuracy")
        accuracy.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        for axes in (loss, accuracy):
            axes.set_xlabel("epoch")
        return cls(drawn, loss, accuracy)

    def draw(
        self, measure: str, values: ArrayLike, label: str, colour: str, style: LineStyle
    ) -> Axes:
        """Draw a line into the panel that the measure's name ends with, and return the panel.

        Args:
            measure: ``train_loss``, ``test_accuracy`` and so on; accuracies from 0 to 1.
            values: one per epoch, from the first.
            label: for the legend.
            colour: of matplotlib's.
            style: of matplotlib's.
        """
        axes = self.loss if measure.endswith("loss") else self.accuracy
        heights = np.asarray(values)
        # A single epoch has no line to draw.
        marker = "o" if len(heights) == 1 else None
        axes.plot(
            np.arange(1, len(heights) + 1),
            heights,
            color=colour,
            label=label,
            marker=marker,
            ls=style,
            lw=1.8,
        )
        return axes

    def mark(self, epoch: int, label: str) -> None:
        """Mark an epoch in both panels.

        Args:
            epoch: from 1.
            label: for the legend.
        """
        for axes in (self.loss, self.accuracy):
            axes.axvline(epoch, color=INK, ls=":", lw=1.2, label=label)

    def finish(self, columns: int | None = None, title: str = "", left_out: str = "") -> Figure:
        """Scale the axes, add the legend and the title, and return the figure."""
        for axes in (self.loss, self.accuracy):
            panel(axes)
        epochs = max(len(heights) for heights in _curves(self.loss))
        for axes in (self.loss, self.accuracy):
            axes.set_xlim((0.5, 1.5) if epochs == 1 else (1, epochs))
            axes.set_xticks(_epoch_ticks(epochs))
        self._scale_loss()
        if epochs > 2 * _WARM_UP:
            self._cut_warm_up()
        if title:
            self.figure.suptitle(title, fontsize=13, color=INK)
        handles, labels = self.loss.get_legend_handles_labels()
        legend(self.figure, handles, labels, columns or len(labels), left_out)
        return self.figure

    def _scale_loss(self) -> None:
        # A training loss may fall by four orders of magnitude while the test loss stays.
        losses = np.concatenate(_curves(self.loss))
        if losses.min() > 0 and losses.max() / losses.min() > _WIDE:
            self.loss.set(yscale="log", ylabel="loss (cross-entropy in nats, log scale)")
            self.loss.yaxis.set_minor_formatter(NullFormatter())

    def _cut_warm_up(self) -> None:
        settled = np.concatenate([heights[_WARM_UP:] for heights in _curves(self.accuracy)])
        low, high = float(settled.min()), float(settled.max())
        margin = 0.05 * (high - low) or 0.001
        self.accuracy.set_ylim(low - margin, high + margin)


def _curves(axes: Axes) -> list[NDArray[np.float64]]:
    """Return the heights of what was drawn, without what was only marked."""
    return [
        np.asarray(line.get_ydata(), np.float64)
        for line in axes.lines
        if line.get_transform() == axes.transData
    ]


def _epoch_ticks(epochs: int) -> list[int]:
    """Return whole epochs from 1 to the last."""
    locator = MaxNLocator(8, integer=True, steps=[1, 2, 5, 10])
    ticks = {int(tick) for tick in locator.tick_values(1, epochs)}
    found = sorted(tick for tick in ticks if 1 <= tick <= epochs)
    return found if found[0] <= 2 else [1, *found]
