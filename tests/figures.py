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
    """Have every figure made, but drawn as this one: the seven of a report take a second.

    Args:
        drawing: of :func:`stand_in`.
        patch: sets an attribute of a module, like ``setattr``.
    """
    for module in (canvas, *map(_report, REPORTS)):
        patch(module, "render", lambda figure: drawing)
    patch(canvas, "png", lambda figure: drawing.png)
    patch(canvas, "svg", lambda figure: drawing.svg)


def _report(name):
    return importlib.import_module(f"mnistlab.report.{name}")
