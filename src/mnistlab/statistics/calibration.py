"""Calibration: whether 90 of 100 predictions made with a confidence of 90 % are correct."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnistlab.runs import Predictions
from mnistlab.statistics.interval import wilson_interval
from mnistlab.statistics.run_group import RunGroup

FEWEST_IMAGES = 30
"""Per bin and run. With 30 images Wilson's interval extends at most 18 points to either side."""


@dataclass(frozen=True)
class Reliability:
    """Non-empty bins of equal width in confidence, of one model or of all runs of a group.

    Attributes:
        confidence: mean confidence of each bin, 0 to 1, ``(bins,)``.
        accuracy: share classified correctly, 0 to 1, ``(bins,)``.
        images: number of predictions, ``(bins,)``.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    images: NDArray[np.int64]


def calibration_error(bins: ArrayLike) -> float:
    """Return the mean gap between confidence and accuracy, 0 to 1, bins weighted by images (Guo et
    al., 2017).

    Args:
        bins: a row ``(images, sum of their confidences, correct ones)`` per bin, as
            :func:`mnistlab.runs.predictions.bin_confidences` returns them.
    """
    images, confidences, correct = np.asarray(bins, float).T
    return float(np.abs(confidences - correct).sum() / images.sum())


def average_bins(bins: ArrayLike) -> Reliability:
    """Turn the sums in each bin, see :func:`calibration_error`, into means; drop empty bins."""
    images, confidences, correct = np.asarray(bins, float).T
    held = images > 0
    return Reliability(
        confidences[held] / images[held],
        correct[held] / images[held],
        images[held].astype(np.int64),
    )


def expected_calibration_error(predictions: Predictions) -> float:
    """Return a run's :func:`calibration_error`, 0 to 1."""
    return calibration_error(predictions.reliability)


def reliability(group: RunGroup) -> Reliability:
    """Add up the bins of all runs."""
    return average_bins(
        np.sum([predictions.reliability for predictions in group.predictions], axis=0)
    )


@dataclass(frozen=True)
class ReliabilityDiagram:
    """Points of a reliability diagram, ascending in confidence.

    Attributes:
        confidence: mean confidence of each bin, 0 to 1, ``(bins,)``.
        accuracy: share classified correctly, 0 to 1, ``(bins,)``.
        images: in each bin, mean over runs, ``(bins,)``.
        low: lower end of the share's 95 % interval, ``(bins,)``.
        high: the upper one, ``(bins,)``.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    images: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def reliability_diagram(bins: Reliability, runs: int = 1) -> ReliabilityDiagram:
    """Merge bins of few images with their neighbours, and give each share an interval.

    Neighbours are pooled as Cochran (1954) pools classes of small expectation: from the highest
    confidence down, until a bin holds :data:`FEWEST_IMAGES` images per run; the rest joins the
    last bin. The interval is Wilson's (1927), for the images that one run has in the bin: runs
    classify the same images, most of them alike, so many runs say little more about other images
    than one does. It is too wide rather than too narrow.

    Args:
        bins: of one model, or added up over runs on the same images.
        runs: how many.
    """
    sums = (
        np.stack([bins.images, bins.images * bins.confidence, bins.images * bins.accuracy], axis=1)
        / runs
    )
    merged = [np.zeros(3)]
    for row in sums[::-1]:
        if merged[-1][0] >= FEWEST_IMAGES:
            merged.append(np.zeros(3))
        merged[-1] += row
    if len(merged) > 1 and merged[-1][0] < FEWEST_IMAGES:
        rest = merged.pop()
        merged[-1] += rest
    images, confidences, correct = np.array(merged[::-1]).T
    ends = [wilson_interval(right, held) for right, held in zip(correct, images, strict=True)]
    low, high = np.array([[end.low, end.high] for end in ends]).T
    return ReliabilityDiagram(confidences / images, correct / images, images, low, high)
