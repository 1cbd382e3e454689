"""Calibration: whether images read with a confidence of 90 % are read rightly in 90 of 100 cases."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.runs import Outcome
from mnistlab.statistics.sample import Sample


@dataclass(frozen=True)
class Reliability:
    """Bins of equal width in confidence, over all runs of a sample; empty bins are left out.

    Attributes:
        confidence: mean confidence of each bin, 0 to 1, ``(bins,)``.
        accuracy: share read rightly, 0 to 1, ``(bins,)``.
        images: number of readings, ``(bins,)``.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    images: NDArray[np.int64]


def expected_calibration_error(outcome: Outcome) -> float:
    """Return the mean gap between confidence and accuracy, 0 to 1, bins weighted by images (Guo et al., 2017)."""
    images, confidences, hits = np.array(outcome.reliability, float).T
    return float(np.abs(confidences - hits).sum() / images.sum())


def reliability(sample: Sample) -> Reliability:
    """Add up the bins of all runs."""
    images, confidences, hits = np.sum([outcome.reliability for outcome in sample.outcomes], axis=0).T
    held = images > 0
    return Reliability(confidences[held] / images[held], hits[held] / images[held], images[held].astype(np.int64))
