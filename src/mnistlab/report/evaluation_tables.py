"""An evaluation in words and tables: the figures, one row a class, one row a threshold."""

import math

import numpy as np

from mnistlab.report.table import Table, percent
from mnistlab.statistics import Evaluation, Interval
from mnistlab.statistics.verdict import points, span

_REFUSED = 0.9
"""The confidence below which refusing is told of."""


def headline(evaluation: Evaluation) -> str:
    """Say in one sentence how many images are read rightly, and how sure that is."""
    right, interval = evaluation.images - evaluation.errors, _percent(evaluation.interval)
    return (
        f"{percent(evaluation.accuracy)} are read rightly: {right:,} of {evaluation.images:,}"
        f" images (95 % interval {interval} %)"
    )


def remarks(evaluation: Evaluation) -> list[str]:
    """Say what else is worth knowing: the hardest class, whether confidence can be trusted, what
    refusing brings.
    """
    said = [_on_classes(evaluation), _on_confidence(evaluation), _on_refusing(evaluation)]
    return [remark for remark in said if remark]


def figure_table(evaluation: Evaluation) -> Table:
    """Return one row a figure; accuracy and interval in percent, loss in nats, the calibration
    error in points.
    """
    rows = [
        ("Images", f"{evaluation.images:,}"),
        ("Misread", f"{evaluation.errors:,}"),
        ("Accuracy (%)", f"{100 * evaluation.accuracy:.2f}"),
        ("95 % interval", _percent(evaluation.interval)),
        ("Loss", f"{evaluation.loss:.4f}"),
        ("Brier score", f"{evaluation.brier:.4f}"),
        ("Calibration error", f"{100 * evaluation.calibration_error:.2f}"),
    ]
    if evaluation.temperature != 1:
        rows.append(("Temperature", f"{evaluation.temperature:.3f}"))
    return Table(("Figure", "Value"), tuple(rows))


def class_table(evaluation: Evaluation) -> Table:
    """Return one row a class; shares in percent. What cannot be told, for want of images or
    predictions, is empty.
    """
    return Table(
        (
            "Class",
            "Images",
            "Misread",
            "Recall (%)",
            "95 % interval",
            "Read as it",
            "Precision (%)",
            "F1 (%)",
        ),
        tuple(
            (
                figures.name,
                f"{figures.images:,}",
                f"{evaluation.confusion[number].sum() - evaluation.confusion[number, number]:,}",
                _share(figures.recall),
                _percent(figures.interval) if figures.interval else "",
                f"{figures.predictions:,}",
                _share(figures.precision),
                _share(figures.f1),
            )
            for number, figures in enumerate(evaluation.by_class)
        ),
    )


def coverage_table(evaluation: Evaluation) -> Table:
    """Return one row a threshold of confidence, ``none`` first: which images are kept, and how well
    they are read.
    """
    everything = ("none", f"{evaluation.images:,}", "100.00", f"{100 * evaluation.accuracy:.2f}")
    return Table(
        ("Refuse below", "Images kept", "Kept (%)", "Accuracy (%)"),
        (
            everything,
            *(
                (
                    f"{100 * kept.threshold:g} %",
                    f"{kept.images:,}",
                    f"{100 * kept.share:.2f}",
                    _share(kept.accuracy),
                )
                for kept in evaluation.coverage
            ),
        ),
    )


def _on_classes(evaluation: Evaluation) -> str:
    if not evaluation.errors:
        return ""
    hardest = min(
        (figures for figures in evaluation.by_class if figures.images),
        key=lambda figures: figures.recall,
    )
    said = f"hardest is {hardest.name}, read rightly in {percent(hardest.recall)}"
    mistakes = evaluation.confusion - np.diag(evaluation.confusion.diagonal())
    true, taken = np.unravel_index(int(mistakes.argmax()), mistakes.shape)
    times = int(mistakes[true, taken])
    if times == 1:
        return said
    return (
        f"{said}; most often {evaluation.classes[true]} is taken for {evaluation.classes[taken]}"
        f" ({times:,} times)"
    )


def _on_confidence(evaluation: Evaluation) -> str:
    bins, interval = evaluation.reliability, evaluation.interval
    mean = float((bins.confidence * bins.images).sum() / evaluation.images)
    if interval.low <= mean <= interval.high:
        return f"its mean confidence, {percent(mean)}, is within that interval, as it should be"
    verdict = "too sure of itself" if mean > interval.high else "not sure enough"
    return f"it is {verdict}: its mean confidence is {percent(mean)}"


def _on_refusing(evaluation: Evaluation) -> str:
    kept = next(kept for kept in evaluation.coverage if kept.threshold == _REFUSED)
    if not kept.images or kept.images == evaluation.images:
        return ""
    return (
        f"if it refuses what it reads with less than {100 * _REFUSED:g} % confidence,"
        f" {percent(kept.share)} of the images are left, and of these it reads"
        f" {percent(kept.accuracy)} rightly"
    )


def _percent(interval: Interval) -> str:
    return span(Interval(low=100 * interval.low, high=100 * interval.high))


def _share(share: float) -> str:
    return "" if math.isnan(share) else points(100 * share)
