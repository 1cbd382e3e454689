"""Classes: how often each is misread, over seeds, and how recipes differ in each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.statistics.difference import sign_flip_p, t_interval
from mnistlab.statistics.sample import Sample
from mnistlab.statistics.summary import FEWEST, Interval

_SEED = 0


@dataclass(frozen=True)
class ClassErrors:
    """How often one recipe misreads the images of one class.

    Attributes:
        images: of the class; where there are none, nothing else can be told and is ``None``.
        error: share misread in percent, mean over runs.
        interval: 95 % interval of that mean over seeds, by Student's t distribution; ``None`` for fewer runs than
            :data:`mnistlab.statistics.summary.FEWEST`.
    """

    images: int
    error: float | None
    interval: Interval | None


@dataclass(frozen=True)
class ClassDifference:
    """One recipe's share of misread images less that of the recipe it is held against, of one class, paired by seed.

    Attributes:
        mean: of the differences, points: below 0, the one misreads fewer; ``None`` without images.
        interval: of the mean over seeds, as :attr:`ClassErrors.interval`.
        p: of the sign-flip permutation test, after Holm's correction for all classes and recipes; ``None`` without
            images.
    """

    mean: float | None
    interval: Interval | None
    p: float | None


def errors_of_runs(sample: Sample) -> NDArray[np.float64]:
    """Return the share of each class's images that each run misreads, in percent, ``(runs, classes)``.

    A class without images has NaN.
    """
    images = np.array(sample.outcomes[0].test_labels, float)
    wrong = [
        np.bincount([label for _, label, _ in outcome.mistakes], minlength=len(images)) for outcome in sample.outcomes
    ]
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = 100 * np.array(wrong) / images
    return shares


def class_errors(sample: Sample) -> list[ClassErrors]:
    """Return how often each class is misread, in the classes' order."""
    return [
        ClassErrors(count, float(shares.mean()), _interval(shares)) if count else ClassErrors(0, None, None)
        for count, shares in zip(sample.outcomes[0].test_labels, errors_of_runs(sample).T, strict=True)
    ]


def class_differences(
    samples: Sequence[Sample], anchor: Sample, random: np.random.Generator | None = None
) -> dict[str, list[ClassDifference]]:
    """Return how recipes differ from one of them in each class, by label, in the classes' order.

    Args:
        samples: of the same images, each with a seed in common with the anchor.
        anchor: the one that the others are held against.
        random: for the permutations; ``None`` starts one that gives the same figures every time.
    """
    from statsmodels.stats.multitest import multipletests

    random = random or np.random.default_rng(_SEED)
    pairs = {sample.label: _paired(sample, anchor) for sample in samples if sample is not anchor}
    raw = [sign_flip_p(column, random) for columns in pairs.values() for column in columns if _known(column)]
    adjusted = iter(multipletests(raw, method="holm")[1] if raw else [])
    return {
        label: [
            ClassDifference(float(column.mean()), _interval(column), float(next(adjusted)))
            if _known(column)
            else ClassDifference(None, None, None)
            for column in columns
        ]
        for label, columns in pairs.items()
    }


def _paired(sample: Sample, anchor: Sample) -> NDArray[np.float64]:
    """Return the differences of the seeds that both have, ``(classes, seeds)``."""
    shared = set(sample.seeds) & set(anchor.seeds)
    difference: NDArray[np.float64] = (errors_of_runs(sample.on(shared)) - errors_of_runs(anchor.on(shared))).T
    return difference


def _known(differences: NDArray[np.float64]) -> bool:
    return not np.isnan(differences).any()


def _interval(values: NDArray[np.float64]) -> Interval | None:
    return t_interval(values) if len(values) >= FEWEST else None
