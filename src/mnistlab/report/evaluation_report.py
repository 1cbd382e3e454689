"""The report of an evaluation: one HTML page, tables as Markdown and CSV, plots as PNG and SVG, and
all figures as JSON.
"""

import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnistlab.data import channels_last
from mnistlab.errors import DataError
from mnistlab.report.canvas import INK, figure, render, wrapped
from mnistlab.report.confusion_table import confusion_table, frequent_errors
from mnistlab.report.data_lines import note_list
from mnistlab.report.image_plots import draw_calibration, draw_confusion
from mnistlab.report.page import image_source, render_template
from mnistlab.report.result_files import plot_files, write_results
from mnistlab.report.table import (
    Column,
    Table,
    Value,
    count,
    in_percent,
    interval,
    number,
    percent,
    sentences,
    text,
)
from mnistlab.statistics import Evaluation, Misclassification
from mnistlab.statistics.calibration import FEWEST_IMAGES
from mnistlab.statistics.metric import METRIC_MEANINGS
from mnistlab.statistics.verdict import span

_COLUMNS, _SIDE, _LINE = 6, 1.35, 0.15
"""Images in a row of the contact sheet; an image's side and a line's height in inches."""
_LONGEST = 18
_THRESHOLD = 0.9
"""The confidence for which a remark says what rejecting less confident predictions brings."""


def write_evaluation_report(
    evaluation: Evaluation,
    folder: Path,
    *,
    title: str,
    facts: Sequence[str] = (),
    notes: Sequence[str] = (),
    images: NDArray[np.uint8] | None = None,
    command: str = "",
) -> list[Path]:
    """Write ``report.html``, ``evaluation.json``, ``table.md``, ``tables/*.csv``, and plots.

    The plots are ``plots/confusion`` and ``plots/calibration``, ``.png`` and ``.svg``, and
    ``plots/worst.png`` unless there are no images to show or none is misclassified.

    Args:
        evaluation: what is reported.
        folder: made if need be.
        title: of the page, such as the model's name.
        facts: short ones shown above the title, such as the data's name.
        notes: sentences on the data and on the model's input.
        images: uint8, ``(n, channels, height, width)``, those that were evaluated, in their
            order; ``None`` shows none.
        command: the command that repeats the evaluation.

    Returns:
        The files written, the page first.

    Raises:
        DataError: not as many images as were evaluated.
        OSError: the folder cannot be written to.
    """
    if images is not None and len(images) != evaluation.images:
        raise DataError(f"{len(images):,} images to show, but {evaluation.images:,} were evaluated")
    drawings = {name: render(drawn) for name, drawn in draw_plots(evaluation).items()}
    page = render_template(
        "evaluation.html",
        drawings,
        title=title,
        facts=facts,
        notes=notes,
        headline=headline(evaluation),
        remarks=remarks(evaluation),
        figure_table=figure_table(evaluation),
        coverage_table=coverage_table(evaluation),
        class_table=class_table(evaluation),
        error_table=frequent_errors({title: evaluation.confusion}, evaluation.classes),
        fewest_images=FEWEST_IMAGES,
        errors=evaluation.errors,
        gallery=[]
        if images is None
        else [_card(misclassified, evaluation, images) for misclassified in evaluation.worst],
        command=command,
    )
    figures = {"title": title, "facts": list(facts), "notes": list(notes), **evaluation.as_dict()}
    contents: dict[str, Any] = {
        "report.html": page,
        "evaluation.json": figures | {"version": version("mnistlab"), "command": command},
        "table.md": markdown(evaluation, notes),
        "tables/figures.csv": figure_row(evaluation),
        "tables/classes.csv": class_table(evaluation),
        "tables/confusion.csv": confusion_table({title: evaluation.confusion}, evaluation.classes),
        "tables/coverage.csv": coverage_table(evaluation),
        **plot_files(drawings),
    }
    if images is not None and evaluation.worst:
        contents["plots/worst.png"] = worst_errors(evaluation, images)
    return write_results(folder, contents)


def headline(evaluation: Evaluation) -> str:
    """Say in one sentence how many images are classified correctly, and how certain that is."""
    correct = evaluation.images - evaluation.errors
    return (
        f"{percent(evaluation.accuracy)} are classified correctly: {correct:,} of"
        f" {evaluation.images:,} images (95 % interval {span(in_percent(evaluation.interval))} %)"
    )


def remarks(evaluation: Evaluation) -> list[str]:
    """Say which class is hardest, whether the confidence is right, and what rejecting brings."""
    said = [_on_classes(evaluation), _on_confidence(evaluation), _on_rejecting(evaluation)]
    return [remark for remark in said if remark]


def figure_table(evaluation: Evaluation) -> Table:
    """Return one row per figure of :func:`figure_row`, for people."""
    return figure_row(evaluation).upright("Figure", "Value")


def figure_row(evaluation: Evaluation) -> Table:
    """Return a single row; accuracy and interval in percent, loss in nats, the calibration error in
    points.
    """
    legend = {
        "95 % interval": "of the accuracy on other images of the same kind, of which these are a"
        " sample (Wilson's score interval)",
        "Macro F1 (%)": METRIC_MEANINGS["macro_f1"],
        "Balanced accuracy (%)": METRIC_MEANINGS["balanced_accuracy"],
        "Loss": "mean negative log-likelihood, in nats; it penalises confident errors, as the Brier"
        " score does",
        "Brier score": "mean squared distance between probabilities and labels, from 0 (best) to 2",
        "Calibration error": "mean distance between confidence and accuracy, in percentage points",
    }
    figures: list[tuple[Column, Value]] = [
        (count("Images"), evaluation.images),
        (count("Errors"), evaluation.errors),
        (number("Accuracy (%)"), 100 * evaluation.accuracy),
        (interval("95 % interval"), in_percent(evaluation.interval)),
        (number("Macro F1 (%)"), 100 * evaluation.macro_f1),
        (number("Balanced accuracy (%)"), 100 * evaluation.balanced_accuracy),
        (number("Loss", 4), evaluation.loss),
        (number("Brier score", 4), evaluation.brier),
        (number("Calibration error"), 100 * evaluation.calibration_error),
    ]
    if evaluation.temperature != 1:
        figures.append((number("Temperature", 3), evaluation.temperature))
        legend["Temperature"] = (
            "the logits were divided by it, which changes the confidence but no prediction"
        )
    columns, values = zip(*figures, strict=True)
    return Table(columns, [values], legend)


def class_table(evaluation: Evaluation) -> Table:
    """Return one row per class; shares in percent. What needs images or predictions that there are
    none of is empty.
    """
    return Table(
        [
            text("Class"),
            count("Images"),
            count("Errors"),
            number("Recall (%)"),
            interval("95 % interval"),
            count("Predictions"),
            number("Precision (%)"),
            number("F1 (%)"),
        ],
        [
            (
                figures.name,
                figures.images,
                int(evaluation.confusion[number].sum() - evaluation.confusion[number, number]),
                _share(figures.recall),
                figures.interval and in_percent(figures.interval),
                figures.predictions,
                _share(figures.precision),
                _share(figures.f1),
            )
            for number, figures in enumerate(evaluation.by_class)
        ],
        {
            "Recall (%)": "share of the class's images that are predicted as it, with its 95 %"
            " interval (Wilson's score interval)",
            "Precision (%)": "share of the predictions of the class that are correct",
            "F1 (%)": "harmonic mean of recall and precision",
        },
    )


def coverage_table(evaluation: Evaluation) -> Table:
    """Return one row per threshold of confidence, ``none`` first: how many images are kept, and how
    accurately these are classified.
    """
    return Table(
        [
            Column("Reject below", _write_thresholds, "reject_below_percent"),
            count("Images kept"),
            number("Kept (%)"),
            number("Accuracy (%)"),
        ],
        [
            (0.0, evaluation.images, 100.0, 100 * evaluation.accuracy),
            *(
                (100 * kept.threshold, kept.images, 100 * kept.share, _share(kept.accuracy))
                for kept in evaluation.coverage
            ),
        ],
        {"Reject below": "predictions with a lower confidence are not counted"},
    )


def markdown(evaluation: Evaluation, notes: Sequence[str] = ()) -> str:
    """Return the sentences, the notes on the data, and the tables as Markdown."""
    tables = [
        figure_table(evaluation),
        class_table(evaluation),
        coverage_table(evaluation),
    ]
    said = sentences(headline(evaluation), remarks(evaluation))
    return "\n".join((said, *note_list(notes), *(table.markdown_with_legend() for table in tables)))


def draw_plots(evaluation: Evaluation) -> dict[str, Figure]:
    """Return the plots that need no images, by name."""
    return {
        "confusion": draw_confusion(evaluation.confusion, evaluation.classes, "Confusion matrix"),
        "calibration": draw_calibration([("", evaluation.reliability, 1)], "images"),
    }


def worst_errors(evaluation: Evaluation, images: NDArray[np.uint8]) -> Figure:
    """Draw a contact sheet: each of the worst errors with its class, the prediction and its
    confidence.

    Args:
        evaluation: with at least one error.
        images: uint8, ``(n, channels, height, width)``, those that were evaluated.
    """
    captions = [_caption(misclassified, evaluation) for misclassified in evaluation.worst]
    lines = 1 + max(caption.count("\n") for caption in captions)
    rows = math.ceil(len(captions) / _COLUMNS)
    drawn = figure(_SIDE * _COLUMNS, (_SIDE + _LINE * (lines + 0.5)) * rows)
    places = drawn.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes in places:
        axes.set_axis_off()
    for axes, misclassified, caption in zip(places, evaluation.worst, captions, strict=False):
        axes.imshow(channels_last(images[misclassified.image]), cmap="gray", vmin=0, vmax=255)
        axes.set_title(caption, fontsize=8, color=INK)
        # The layout leaves room for captions above the places, so the images hang at their tops.
        axes.set_anchor("N")
    return drawn


def _caption(misclassified: Misclassification, evaluation: Evaluation) -> str:
    true, taken = (
        evaluation.classes[number] for number in (misclassified.label, misclassified.prediction)
    )
    return (
        f"{wrapped(f'{true}, predicted {taken}', _LONGEST)}\n{100 * misclassified.confidence:.1f} %"
    )


def _card(
    misclassified: Misclassification, evaluation: Evaluation, images: NDArray[np.uint8]
) -> dict[str, Any]:
    label, prediction = (
        evaluation.classes[number] for number in (misclassified.label, misclassified.prediction)
    )
    return {
        "image": misclassified.image,
        "label": label,
        "probabilities": [
            (prediction, misclassified.confidence),
            (label, misclassified.label_probability),
        ],
        "source": image_source(images[misclassified.image]),
    }


def _on_classes(evaluation: Evaluation) -> str:
    if not evaluation.errors:
        return ""
    hardest = min(
        (figures for figures in evaluation.by_class if figures.images),
        key=lambda figures: figures.recall,
    )
    said = f"the hardest class is {hardest.name}, with {percent(hardest.recall)} correct"
    mistakes = evaluation.confusion - np.diag(evaluation.confusion.diagonal())
    true, taken = np.unravel_index(int(mistakes.argmax()), mistakes.shape)
    times = int(mistakes[true, taken])
    if times == 1:
        return said
    return (
        f"{said}; the most frequent error is {evaluation.classes[true]} predicted as"
        f" {evaluation.classes[taken]}"
        f" ({times:,} times)"
    )


def _on_confidence(evaluation: Evaluation) -> str:
    bins, ends = evaluation.reliability, evaluation.interval
    mean = float((bins.confidence * bins.images).sum() / evaluation.images)
    if ends.low <= mean <= ends.high:
        return f"the mean confidence, {percent(mean)}, lies within that interval"
    verdict = "overconfident" if mean > ends.high else "underconfident"
    return f"the model is {verdict}: its mean confidence is {percent(mean)}"


def _on_rejecting(evaluation: Evaluation) -> str:
    kept = next(kept for kept in evaluation.coverage if kept.threshold == _THRESHOLD)
    if not kept.images or kept.images == evaluation.images:
        return ""
    return (
        f"rejecting predictions below {100 * _THRESHOLD:g} % confidence keeps"
        f" {percent(kept.share)} of the images, and {percent(kept.accuracy)} of these are correct"
    )


def _share(share: float) -> float | None:
    return None if math.isnan(share) else 100 * share


def _write_thresholds(values: Sequence[float]) -> list[str]:
    return [f"{value:g} %" if value else "none" for value in values]
