"""Images: which ones runs misclassify, and as what."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.statistics.run_group import RunGroup


@dataclass(frozen=True)
class HardImage:
    """A test image that many runs misclassify.

    Attributes:
        image: its index among the images tested on, from 0.
        label: the class that it belongs to.
        votes: the predicted classes and how many runs predict each, most votes first; the label
            is among them unless every run misclassifies it.
        wrong: runs that misclassify it.
    """

    image: int
    label: int
    votes: tuple[tuple[int, int], ...]
    wrong: int


def confusion(group: RunGroup) -> NDArray[np.int64]:
    """Return how often each class (row) is predicted as each class (column), summed over runs."""
    table: NDArray[np.int64] = group.confusions.sum(axis=0)
    return table


def hardest(groups: Sequence[RunGroup], most: int = 24) -> list[HardImage]:
    """Return the images that more than half of all runs misclassify, hardest first.

    Args:
        groups: tested on the same images.
        most: how many at most.
    """
    votes: dict[int, Counter[int]] = {}
    labels: dict[int, int] = {}
    predictions_of_runs = [predictions for group in groups for predictions in group.predictions]
    for predictions in predictions_of_runs:
        for image, label, prediction in predictions.mistakes:
            votes.setdefault(image, Counter())[prediction] += 1
            labels[image] = label
    found = []
    for image, cast in votes.items():
        wrong, label = cast.total(), labels[image]
        if 2 * wrong > len(predictions_of_runs):
            every = cast + Counter({label: len(predictions_of_runs) - wrong})
            found.append(HardImage(image, label, tuple(every.most_common()), wrong))
    return sorted(found, key=lambda hard: (-hard.wrong, hard.image))[:most]
