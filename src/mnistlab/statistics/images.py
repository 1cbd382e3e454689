"""Images: which images runs misread, what they take them for, and what other images would have shown."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.statistics.sample import Sample
from mnistlab.statistics.summary import CONFIDENCE, Interval

_RESAMPLES, _AT_ONCE = 10_000, 500


@dataclass(frozen=True)
class HardImage:
    """An image tested on that many runs misread.

    Attributes:
        image: its index among the images tested on, from 0.
        label: the class that it belongs to.
        votes: the classes that runs took it for and how many did, most votes first; the right one is among
            them unless every run misread it.
        wrong: runs that misread it.
    """

    image: int
    label: int
    votes: tuple[tuple[int, int], ...]
    wrong: int


def resample_both(
    one: NDArray[np.bool_], other: NDArray[np.bool_], random: np.random.Generator, resamples: int = _RESAMPLES
) -> Interval:
    """Return the percentile interval of the difference in accuracy over other seeds and other images.

    Seeds and images are drawn anew, with replacement, independently of each other (the pigeonhole bootstrap of Owen,
    2007, which errs on the side of caution).

    Args:
        one: which images each run reads rightly, ``(runs, images)``.
        other: the same of the other recipe, its runs in the same order of seeds.
        random: draws the resamples.
        resamples: how many.

    Returns:
        In percentage points.
    """
    difference = one.astype(np.int8) - other.astype(np.int8)
    runs, images = difference.shape
    # Images that differ alike over the seeds can stand for one another, so they are drawn by kind.
    kinds, counts = np.unique(difference, axis=1, return_counts=True)
    means = np.empty(resamples)
    for start in range(0, resamples, _AT_ONCE):
        stop = min(start + _AT_ONCE, resamples)
        seeds = random.multinomial(runs, [1 / runs] * runs, stop - start)
        drawn = random.multinomial(images, counts / images, stop - start)
        means[start:stop] = ((seeds @ kinds) * drawn).sum(axis=1) / (runs * images)
    low, high = 100 * np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(low=float(low), high=float(high))


def confusion(sample: Sample) -> NDArray[np.int64]:
    """Return how often each class (row) was taken for each class (column), all runs added up."""
    classes = len(sample.records[0].data.classes)
    table = np.zeros((classes, classes), np.int64)
    for outcome in sample.outcomes:
        table[np.diag_indices(classes)] += outcome.test_labels
        for _, label, prediction in outcome.mistakes:
            table[label, label] -= 1
            table[label, prediction] += 1
    return table


def hardest(samples: Sequence[Sample], most: int = 24) -> list[HardImage]:
    """Return the images that more than half of all runs misread, hardest first.

    Args:
        samples: tested on the same images.
        most: at most so many.
    """
    votes: dict[int, Counter[int]] = {}
    labels: dict[int, int] = {}
    outcomes = [outcome for sample in samples for outcome in sample.outcomes]
    for outcome in outcomes:
        for image, label, prediction in outcome.mistakes:
            votes.setdefault(image, Counter())[prediction] += 1
            labels[image] = label
    found = []
    for image, cast in votes.items():
        wrong, label = cast.total(), labels[image]
        if 2 * wrong > len(outcomes):
            every = cast + Counter({label: len(outcomes) - wrong})
            found.append(HardImage(image, label, tuple(every.most_common()), wrong))
    return sorted(found, key=lambda hard: (-hard.wrong, hard.image))[:most]
