"""An evaluation's files: one HTML page, tables as Markdown and CSV, plots as PNG and SVG, and all
figures as JSON.
"""

import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnistlab.errors import DataError
from mnistlab.report.canvas import INK, figure, png, svg, wrapped
from mnistlab.report.evaluation_tables import (
    class_table,
    coverage_table,
    figure_table,
    headline,
    remarks,
)
from mnistlab.report.image_plots import draw_calibration, draw_confusion
from mnistlab.report.page import image_source, render_template
from mnistlab.report.table import sentences
from mnistlab.runs import write_atomically
from mnistlab.statistics import Evaluation, Misreading
from mnistlab.statistics.calibration import FEWEST_IMAGES
from mnistlab.text import to_json

_COLUMNS, _SIDE, _LINE = 6, 1.35, 0.15
"""Images in a row of the contact sheet; an image's side and a line's height in inches."""
_LONGEST = 18
_DARKEST = 0.6
"""Opacity of the darkest shade on which numbers can be read, in a page's dark mode too."""


def write_evaluation_report(
    evaluation: Evaluation,
    folder: Path,
    *,
    title: str,
    facts: Sequence[str] = (),
    images: NDArray[np.uint8] | None = None,
    command: str = "",
) -> list[Path]:
    """Write ``report.html``, ``evaluation.json``, ``table.md``, ``tables/classes.csv``, and plots.

    The plots are ``plots/confusion`` and ``plots/calibration``, ``.png`` and ``.svg``, and
    ``plots/worst.png`` unless there are no images to show or none is misread.

    Args:
        evaluation: what is told.
        folder: made if need be.
        title: of the page, such as the model's name.
        facts: short ones that stand above the title, such as the data's name.
        images: uint8, ``(n, height, width)``, those that were evaluated, in their order; ``None``
            shows none.
        command: what makes it all again.

    Returns:
        The files written, the page first.

    Raises:
        DataError: not as many images as were evaluated.
        OSError: the folder cannot be written to.
    """
    if images is not None and len(images) != evaluation.images:
        raise DataError(f"{len(images):,} images to show, but {evaluation.images:,} were evaluated")
    plots = draw_plots(evaluation)
    drawings = {name: svg(drawn) for name, drawn in plots.items()}
    page = render_template(
        "evaluation.html",
        drawings,
        title=title,
        facts=facts,
        headline=headline(evaluation),
        remarks=remarks(evaluation),
        figure_table=figure_table(evaluation),
        coverage_table=coverage_table(evaluation),
        class_table=class_table(evaluation),
        temperature=evaluation.temperature,
        fewest_images=FEWEST_IMAGES,
        errors=evaluation.errors,
        gallery=[]
        if images is None
        else [_card(misread, evaluation, images) for misread in evaluation.worst],
        command=command,
    )
    told = {"title": title, "facts": list(facts), **evaluation.as_dict()}
    told |= {"version": version("mnistlab"), "command": command}
    contents: dict[str, bytes | str] = {
        "report.html": page,
        "evaluation.json": f"{to_json(told)}\n",
        "table.md": markdown(evaluation),
        "tables/classes.csv": class_table(evaluation).csv(),
    }
    contents |= {f"plots/{name}.svg": drawing for name, drawing in drawings.items()}
    contents |= {f"plots/{name}.png": png(drawn) for name, drawn in plots.items()}
    if images is not None and evaluation.worst:
        contents["plots/worst.png"] = png(worst_errors(evaluation, images))
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, content)
    return [folder / name for name in contents]


def markdown(evaluation: Evaluation) -> str:
    """Return the sentences and the tables as Markdown."""
    tables = [make(evaluation).markdown() for make in (figure_table, class_table, coverage_table)]
    return "\n".join((sentences(headline(evaluation), remarks(evaluation)), *tables))


def draw_plots(evaluation: Evaluation) -> dict[str, Figure]:
    """Return the plots that need no images, by name."""
    return {
        "confusion": draw_confusion(
            evaluation.confusion, evaluation.classes, "which class was taken for which", _DARKEST
        ),
        "calibration": draw_calibration([("", evaluation.reliability, 1)], "images"),
    }


def worst_errors(evaluation: Evaluation, images: NDArray[np.uint8]) -> Figure:
    """Draw a contact sheet: each of the worst errors with its class, what it was read as, and how
    surely.

    Args:
        evaluation: at least one image of which is misread.
        images: uint8, ``(n, height, width)``, those that were evaluated.
    """
    captions = [_caption(misread, evaluation) for misread in evaluation.worst]
    lines = 1 + max(caption.count("\n") for caption in captions)
    rows = math.ceil(len(captions) / _COLUMNS)
    drawn = figure(_SIDE * _COLUMNS, (_SIDE + _LINE * (lines + 0.5)) * rows)
    places = drawn.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes in places:
        axes.set_axis_off()
    for axes, misread, caption in zip(places, evaluation.worst, captions, strict=False):
        axes.imshow(images[misread.image], cmap="gray", vmin=0, vmax=255)
        axes.set_title(caption, fontsize=8, color=INK)
        # The layout leaves room for captions above the places, so the images hang at their tops.
        axes.set_anchor("N")
    return drawn


def _caption(misread: Misreading, evaluation: Evaluation) -> str:
    true, taken = (evaluation.classes[number] for number in (misread.label, misread.prediction))
    return f"{wrapped(f'is {true}, read as {taken}', _LONGEST)}\n{100 * misread.confidence:.1f} %"


def _card(misread: Misreading, evaluation: Evaluation, images: NDArray[np.uint8]) -> dict[str, Any]:
    label, prediction = (
        evaluation.classes[number] for number in (misread.label, misread.prediction)
    )
    return {
        "image": misread.image,
        "label": label,
        "probabilities": [(prediction, misread.confidence), (label, misread.label_probability)],
        "source": image_source(images[misread.image]),
    }
