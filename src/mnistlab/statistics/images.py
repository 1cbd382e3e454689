"""Images: which test images runs misread, what they take them for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.statistics.sample import Sample


@dataclass(frozen=True)
class HardImage:
    """A test image that many runs misread.

    Attributes:
        image: its index in the test set, from 0.
        label: the class that it belongs to.
        votes: the classes that runs took it for and how many did, most votes first; the right one is among
            them unless every run misread it.
        wrong: runs that misread it.
    """

    image: int
    label: int
    votes: tuple[tuple[int, int], ...]
    wrong: int


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


def class_errors(sample: Sample) -> NDArray[np.float64]:
    """Return the share of each class's test images that is misread, in percent, mean over runs, ``(classes,)``.

    A class without test images has NaN.
    """
    table = confusion(sample)
    with np.errstate(invalid="ignore"):
        errors: NDArray[np.float64] = 100 * (1 - table.diagonal() / table.sum(axis=1))
    return errors


def hardest(samples: Sequence[Sample], most: int = 24) -> list[HardImage]:
    """Return the images that more than half of all runs misread, hardest first.

    Args:
        samples: of the same test images.
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
