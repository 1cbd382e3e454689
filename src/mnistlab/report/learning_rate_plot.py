"""The plot of a learning-rate range test."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from mnistlab.report.canvas import COLOURS, figure, legend, panel, wrapped


def draw_range_test(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float,
    title: str,
) -> Figure:
    """Draw the loss over the learning rate, with the suggestion marked.

    Args:
        rates: ascending.
        losses: each step's, nats.
        smoothed: the same, smoothed.
        suggestion: one of the rates.
        title: the recipe's name.
    """
    drawn = figure(7, 4.4)
    axes = drawn.subplots()
    axes.plot(rates, losses, color=COLOURS[5], lw=1, alpha=0.7, label="loss of each batch")
    axes.plot(rates, smoothed, color=COLOURS[0], lw=1.8, label="smoothed")
    axes.axvline(
        suggestion, color=COLOURS[1], ls="--", lw=1.4, label=f"suggestion {suggestion:.2g}"
    )
    axes.plot([suggestion], [smoothed[list(rates).index(suggestion)]], "o", color=COLOURS[1], ms=6)
    axes.set_xscale("log")
    low, first = min(smoothed), smoothed[0]
    # The steep rise at the end would flatten the descent that matters.
    bottom = low - 0.1 * (first - low)
    axes.set_ylim(max(0, bottom) if low >= 0 else bottom, first + 0.6 * (first - low))
    axes.set_xlabel("learning rate (log scale)")
    axes.set_ylabel("loss (nats)")
    axes.set_title(wrapped(title, 60))
    panel(axes)
    legend(drawn, *axes.get_legend_handles_labels(), columns=3)
    return drawn
