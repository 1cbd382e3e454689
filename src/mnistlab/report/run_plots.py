"""Plots of single runs over their epochs, as the course asks for them."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from mnistlab.report.canvas import COLOURS, colours
from mnistlab.report.epoch_panels import EpochPanels
from mnistlab.report.table import display_name, percent
from mnistlab.runs import RunRecord

_STYLES = ("-", "--", "-.", ":")


def learning_curves(record: RunRecord) -> Figure:
    """Draw one run's loss and accuracy over the epochs, training and test."""
    panels = EpochPanels.empty()
    for part, colour, style in (("train", COLOURS[1], "--"), ("test", COLOURS[0], "-")):
        for measure in (f"{part}_loss", f"{part}_accuracy"):
            panels.draw(measure, [getattr(epoch, measure) for epoch in record.history], part, colour, style)
    return panels.finish(title=f"{display_name(record)}, test accuracy {percent(record.final.test_accuracy)}")


def test_comparison(records: Sequence[RunRecord]) -> Figure:
    """Draw the test loss and test accuracy of several runs over the epochs."""
    panels = EpochPanels.empty()
    for index, (record, colour) in enumerate(zip(records, colours(len(records)), strict=True)):
        label = f"{display_name(record)} ({percent(record.final.test_accuracy)})"
        for measure in ("test_loss", "test_accuracy"):
            values = [getattr(epoch, measure) for epoch in record.history]
            panels.draw(measure, values, label, colour, _STYLES[index % len(_STYLES)])
    return panels.finish(title="Performance on the test set")
