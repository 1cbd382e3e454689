"""Classes: how often each is misclassified over seeds, and how recipes differ in each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.runs.confusion import f1, precision, recall
from mnistlab.statistics.interval import Interval, share_interval
from mnistlab.statistics.looks import SIGNIFICANCE
from mnistlab.statistics.mean_test import mean_tests
from mnistlab.statistics.run_group import RunGroup


@dataclass(frozen=True)
class ClassErrors:
    """How often one recipe misclassifies the images of one class.

    Attributes:
        images: of the class; without any, the other attributes are ``None``.
        error: share misclassified in percent, mean over runs.
        interval: 95 % interval of that mean over seeds, by Student's t distribution; ``None`` for
            fewer runs than :data:`mnistlab.statistics.interval.FEWEST`.
    """

    images: int
    error: float | None
    interval: Interval | None


@dataclass(frozen=True)
class ClassDifference:
    """One recipe's error in one class less that of the recipe it is compared with, paired by seed.

    Attributes:
        mean: of the differences, points: below 0, the recipe misclassifies fewer; ``None`` without
            images.
        interval: of the mean over seeds; all classes and recipes together have 95 % confidence.
        p: corrected for all classes and recipes; ``None`` without images. See
            :class:`mnistlab.statistics.mean_test.MeanTest`.
    """

    mean: float | None
    interval: Interval | None
    p: float | None


@dataclass(frozen=True)
class ClassMeans:
    """How well one recipe classifies one class, in percent: each figure's mean over runs, and the
    95 % interval of that mean over seeds.

    Attributes:
        images: of the class; without any, the other attributes are ``None``.
        precision: share of its predictions that are correct; a run without any counts 0.
        recall: share of its images that are classified correctly.
        f1: harmonic mean of both.
    """

    images: int
    precision: tuple[float, Interval | None] | None
    recall: tuple[float, Interval | None] | None
    f1: tuple[float, Interval | None] | None


def class_means(group: RunGroup) -> list[ClassMeans]:
    """Return precision, recall and F1 of each class, in the classes' order."""
    figures = [
        100 * np.nan_to_num([score(matrix) for matrix in group.confusions]).T
        for score in (precision, recall, f1)
    ]
    return [
        ClassMeans(count, *((float(row.mean()), share_interval(row)) for row in rows))
        if count
        else ClassMeans(0, None, None, None)
        for count, *rows in zip(group.predictions[0].test_labels, *figures, strict=True)
    ]


def errors_of_runs(group: RunGroup) -> NDArray[np.float64]:
    """Return the share of each class's images that each run misclassifies, in percent, ``(runs,
    classes)``.

    A class without images has NaN.
    """
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = 100 * _misclassified(group) / _images(group)
    return shares


def class_errors(group: RunGroup) -> list[ClassErrors]:
    """Return how often each class is misclassified, in the classes' order."""
    return [
        ClassErrors(count, float(shares.mean()), share_interval(shares))
        if count
        else ClassErrors(0, None, None)
        for count, shares in zip(
            group.predictions[0].test_labels, errors_of_runs(group).T, strict=True
        )
    ]


def class_differences(
    groups: Sequence[RunGroup], anchor: RunGroup, level: float = SIGNIFICANCE
) -> dict[str, list[ClassDifference]]:
    """Return how recipes differ from one of them in each class, by label, in the classes' order.

    Args:
        groups: of the same images, each with a seed in common with the anchor.
        anchor: the one that the others are compared with.
        level: of the look, see :attr:`mnistlab.statistics.looks.Look.level`.
    """
    images, others = _images(anchor), [group for group in groups if group is not anchor]
    misclassified = [_paired(group, anchor) for group in others]
    known = np.flatnonzero(images)
    whole = [rows[number] for rows in misclassified for number in known]
    values = [100 * rows[number] / images[number] for rows in misclassified for number in known]
    tests = iter(mean_tests(values, level, whole))
    found = {group.label: [ClassDifference(None, None, None)] * len(images) for group in others}
    for differences in found.values():
        for number in known:
            test, row = next(tests), values.pop(0)
            differences[number] = ClassDifference(float(row.mean()), test.interval, test.adjusted_p)
    return found


def _images(group: RunGroup) -> NDArray[np.int64]:
    """Return how many images of each class a group's runs were tested on, ``(classes,)``."""
    return np.array(group.predictions[0].test_labels, np.int64)


def _misclassified(group: RunGroup) -> NDArray[np.int64]:
    """Return how many images of each class each run misclassifies, ``(runs, classes)``."""
    tables = group.confusions
    wrong: NDArray[np.int64] = tables.sum(axis=2) - tables.diagonal(axis1=1, axis2=2)
    return wrong


def _paired(group: RunGroup, anchor: RunGroup) -> NDArray[np.int64]:
    """Return the differences in images of the seeds that both have, ``(classes, seeds)``."""
    shared = set(group.seeds) & set(anchor.seeds)
    difference: NDArray[np.int64] = (
        _misclassified(group.on(shared)) - _misclassified(anchor.on(shared))
    ).T
    return difference
