"""Reports without the time that their figures take, for tests that look at other things."""

import importlib

from mnistlab.report import canvas

REPORTS = ("comparison_report", "evaluation_report", "robustness_report")


def stand_in():
    """Draw a plot, for which fonts and much else are loaded."""
    drawn = canvas.figure(4, 3)
    drawn.subplots().semilogy([1, 1000])
    return canvas.render(drawn)


def use(drawing, patch):
    """Have every figure of a report made, but drawn as this one: seven take more than a second.

    Args:
        drawing: of :func:`stand_in`.
        patch: sets an attribute of a module, like ``setattr``.
    """
    for module in (canvas, *map(_report, REPORTS)):
        patch(module, "render", lambda figure: drawing)


def _report(name):
    return importlib.import_module(f"mnistlab.report.{name}")
