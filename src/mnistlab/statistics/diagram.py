"""Reliability diagram: accuracy over confidence, in bins that hold enough images, each with an
interval.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.statistics.calibration import Reliability
from mnistlab.statistics.proportion import wilson_interval

FEWEST_IMAGES = 30
"""In a bin, a run: of so many Wilson's interval reaches at most 18 points to either side, whatever
the share."""


@dataclass(frozen=True)
class ReliabilityDiagram:
    """Points of a reliability diagram, ascending in confidence.

    Attributes:
        confidence: mean confidence of each bin, 0 to 1, ``(bins,)``.
        accuracy: share read rightly, 0 to 1, ``(bins,)``.
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
    """Merge bins of few images with their neighbours, and say how sure each share is.

    Neighbours are pooled as Cochran (1954) pools classes of small expectation: from the highest
    confidence down, until a bin holds :data:`FEWEST_IMAGES` images a run; what is left over joins
    the last one. The interval is Wilson's (1927), for the images that one run has in the bin: runs
    read the same images, most of them alike, so that many runs say little more about other images
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
