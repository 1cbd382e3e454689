"""Calibration: whether images read with a confidence of 90 % are read rightly in 90 of 100
cases.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnistlab.runs import Predictions
from mnistlab.statistics.run_group import RunGroup


@dataclass(frozen=True)
class Reliability:
    """Bins of equal width in confidence, of one model or over all runs of a sample; empty bins are
    left out.

    Attributes:
        confidence: mean confidence of each bin, 0 to 1, ``(bins,)``.
        accuracy: share read rightly, 0 to 1, ``(bins,)``.
        images: number of readings, ``(bins,)``.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    images: NDArray[np.int64]


def calibration_error(bins: ArrayLike) -> float:
    """Return the mean gap between confidence and accuracy, 0 to 1, bins weighted by images (Guo et
    al., 2017).

    Args:
        bins: a row ``(images, sum of their confidences, rightly read)`` for each bin, as
            :func:`mnistlab.runs.predictions.bin_confidences` returns them.
    """
    images, confidences, correct = np.asarray(bins, float).T
    return float(np.abs(confidences - correct).sum() / images.sum())


def average_bins(bins: ArrayLike) -> Reliability:
    """Turn the sums in each bin, given as to :func:`calibration_error`, into means; empty bins are
    left out.
    """
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
