"""Evaluation: the figures of one model on labelled images, from its logits alone."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import DataError
from mnistlab.runs.confusion import balanced_accuracy, macro_f1
from mnistlab.runs.predictions import bin_confidences
from mnistlab.statistics.calibration import Reliability, average_bins, calibration_error
from mnistlab.statistics.interval import Interval, wilson_interval
from mnistlab.statistics.logits import check_logits, log_probabilities

THRESHOLDS = (0.5, 0.7, 0.9, 0.95, 0.99)
"""Confidences below which a reading could be refused."""


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one class; what is undefined without images or predictions is NaN or ``None``.

    Attributes:
        name: the class's.
        images: that belong to it.
        predictions: images classified as it, correctly or not.
        precision: share of the predictions that are right, 0 to 1.
        recall: share of the images that are classified correctly, 0 to 1.
        interval: 95 % Wilson score interval of the recall.
        f1: harmonic mean of precision and recall, 0 to 1; 0 if none is right.
    """

    name: str
    images: int
    predictions: int
    precision: float
    recall: float
    interval: Interval | None
    f1: float


@dataclass(frozen=True)
class Misclassification:
    """A misclassified image.

    Attributes:
        image: its index, from 0.
        label: the class that it belongs to.
        prediction: the class that was predicted.
        confidence: the prediction's probability, 0 to 1.
        label_probability: that of the class that it belongs to.
    """

    image: int
    label: int
    prediction: int
    confidence: float
    label_probability: float


@dataclass(frozen=True)
class Coverage:
    """What is left if readings below a confidence are refused (selective classification, El-Yaniv
    and Wiener, 2010).

    Attributes:
        threshold: the confidence, 0 to 1; readings that reach it are kept.
        images: that are kept.
        share: of all images, 0 to 1.
        accuracy: share of the kept ones classified correctly, 0 to 1; NaN if none is kept.
    """

    threshold: float
    images: int
    share: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The figures of one model on labelled images; from :func:`evaluate`.

    Attributes:
        classes: their names, in the order of the logits.
        images: how many.
        temperature: by which the logits were divided.
        errors: misclassified images.
        accuracy: share classified correctly, 0 to 1.
        interval: its 95 % Wilson score interval (Wilson, 1927), over images, as a sample
            of others of the same kind.
        loss: mean cross-entropy (negative log-likelihood), nats.
        brier: mean squared distance of the probabilities from the truth, summed over classes, 0 to
            2 (Brier, 1950).
        calibration_error: expected calibration error, 0 to 1 (Guo et al., 2017).
        reliability: the bins that it is computed from.
        confusion: int64, ``(classes, classes)``: images of each class (row) predicted as each
            class (column).
        macro_f1: mean of the classes' F1, 0 to 1, see :func:`mnistlab.runs.confusion.macro_f1`.
        balanced_accuracy: mean of the classes' recalls, 0 to 1.
        by_class: figures of each class, in their order.
        worst: misclassified images, most confident first, then the lower index first; the first
            ones alone.
        coverage: one for each of :data:`THRESHOLDS`.
    """

    classes: tuple[str, ...]
    images: int
    temperature: float
    errors: int
    accuracy: float
    interval: Interval
    loss: float
    brier: float
    calibration_error: float
    reliability: Reliability
    confusion: NDArray[np.int64]
    macro_f1: float
    balanced_accuracy: float
    by_class: tuple[ClassFigures, ...]
    worst: tuple[Misclassification, ...]
    coverage: tuple[Coverage, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return every figure as JSON has it: arrays as lists, intervals as ``[low, high]``, NaN as
        ``None``.
        """
        return {name: _plain(value) for name, value in vars(self).items()}


def evaluate(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    temperature: float = 1.0,
    *,
    worst: int = 24,
) -> Evaluation:
    """Return every figure that follows from logits.

    Args:
        logits: float32, ``(n, classes)``.
        labels: int64, ``(n,)``, 0 to ``len(classes) - 1``.
        classes: their names.
        temperature: divides the logits first, see :func:`mnistlab.statistics.fit_temperature`.
        worst: the most misclassified images listed.

    Raises:
        DataError: logits and labels do not fit together or the classes, no images, a logit that is
            not finite, or a temperature that is not above 0.
    """
    check_logits(logits, labels)
    if logits.shape[1] != len(classes):
        raise DataError(f"logits of {logits.shape[1]} classes, but {len(classes)} names of classes")
    logs = log_probabilities(logits, temperature)
    # Those of the logits: two of them can have the same probability in floating point.
    predictions = logits.argmax(axis=1)
    probabilities, every = np.exp(logs), np.arange(len(labels))
    confidences, of_labels = probabilities[every, predictions], probabilities[every, labels]
    correct = predictions == labels
    right = int(correct.sum())
    bins = bin_confidences(confidences, correct)
    table = np.bincount(labels * len(classes) + predictions, minlength=len(classes) ** 2).astype(
        np.int64
    )
    confusion = table.reshape(len(classes), len(classes))
    wrong = np.flatnonzero(~correct)
    listed = wrong[np.argsort(-confidences[wrong], kind="stable")][:worst]
    return Evaluation(
        classes=classes,
        images=len(labels),
        temperature=float(temperature),
        errors=len(labels) - right,
        accuracy=right / len(labels),
        interval=wilson_interval(right, len(labels)),
        loss=-float(logs[every, labels].mean()),
        brier=float(((probabilities**2).sum(axis=1) - 2 * of_labels + 1).mean()),
        calibration_error=calibration_error(bins),
        reliability=average_bins(bins),
        confusion=confusion,
        macro_f1=macro_f1(confusion),
        balanced_accuracy=balanced_accuracy(confusion),
        by_class=tuple(
            _class_figures(name, confusion, number) for number, name in enumerate(classes)
        ),
        worst=tuple(
            Misclassification(
                int(i),
                int(labels[i]),
                int(predictions[i]),
                float(confidences[i]),
                float(of_labels[i]),
            )
            for i in listed
        ),
        coverage=tuple(_coverage(threshold, confidences, correct) for threshold in THRESHOLDS),
    )


def _class_figures(name: str, confusion: NDArray[np.int64], number: int) -> ClassFigures:
    right, images, predictions = (
        int(count)
        for count in (
            confusion[number, number],
            confusion[number].sum(),
            confusion[:, number].sum(),
        )
    )
    return ClassFigures(
        name=name,
        images=images,
        predictions=predictions,
        precision=_share(right, predictions),
        recall=_share(right, images),
        interval=wilson_interval(right, images) if images else None,
        f1=_share(2 * right, images + predictions),
    )


def _coverage(
    threshold: float, confidences: NDArray[np.float64], correct: NDArray[np.bool_]
) -> Coverage:
    kept = confidences >= threshold
    images = int(kept.sum())
    return Coverage(
        threshold, images, images / len(correct), _share(int(correct[kept].sum()), images)
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _plain(value: object) -> object:
    if isinstance(value, Interval):
        return [value.low, value.high]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, ClassFigures | Misclassification | Coverage | Reliability):
        return {name: _plain(item) for name, item in vars(value).items()}
    return None if isinstance(value, float) and math.isnan(value) else value
