"""Plots of single runs over their epochs, as the course asks for."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from mnistlab.recipe import TESTED_SET
from mnistlab.report.canvas import COLOURS, looks
from mnistlab.report.epoch_panels import EpochPanels
from mnistlab.report.table import display_name, percent
from mnistlab.runs import RunRecord


def learning_curves(record: RunRecord) -> Figure:
    """Draw one run's loss and accuracy over the epochs, training and test, or validation
    instead of test; and of the watched images, with the epoch whose weights early stopping kept.
    """
    panels, on = EpochPanels.empty(), record.recipe.tested_on
    for part, label, colour, style in (
        ("train", "train", COLOURS[1], "--"),
        ("test", on, COLOURS[0], "-"),
        ("watched", "watched", COLOURS[2], "-."),
    ):
        for measure in (f"{part}_loss", f"{part}_accuracy"):
            values = [getattr(epoch, measure) for epoch in record.history]
            if None not in values:
                panels.draw(measure, values, label, colour, style)
    ending = ""
    if record.kept:
        panels.mark(record.kept.epoch, "weights kept")
        ending = f", {record.ending}"
    accuracy = percent(record.final.test_accuracy)
    return panels.finish(title=f"{display_name(record)}, {on} accuracy {accuracy}{ending}")


def test_comparison(records: Sequence[RunRecord]) -> Figure:
    """Draw the test loss and test accuracy of several runs over the epochs."""
    panels = EpochPanels.empty()
    for record, look in zip(records, looks(len(records)), strict=True):
        label = f"{display_name(record)} ({percent(record.final.test_accuracy)})"
        for measure in ("test_loss", "test_accuracy"):
            values = [getattr(epoch, measure) for epoch in record.history]
            panels.draw(measure, values, label, look.colour, look.line)
    parts = " and ".join(dict.fromkeys(TESTED_SET[record.recipe.tested_on] for record in records))
    return panels.finish(title=f"Performance on {parts}")
