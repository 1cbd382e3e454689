"""Difference: two recipes trained with the same seeds, held against each other run by run."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from mnistlab.errors import RunError
from mnistlab.statistics.family import MeanTest, equivalence_p, family_tests, holm
from mnistlab.statistics.interval import (
    FEWEST,
    Interval,
    interquartile_mean,
    mean_interval,
    standard_deviation,
)
from mnistlab.statistics.looks import FIRST_LOOK, MINIMUM_SEEDS, SIGNIFICANCE, Look
from mnistlab.statistics.new_images import NewImages, on_new_images
from mnistlab.statistics.run_group import RunGroup
from mnistlab.statistics.superiority import superiority, superiority_interval

MARGIN = 0.1
"""Points within which two recipes count as equivalent, unless the user says otherwise: of MNIST's
10,000 test images ten, as far as two runs of one recipe typically lie apart."""

Verdict = Literal["better", "equivalent", "inconclusive", "too few seeds"]


class Difference(BaseModel):
    """The first recipe less the second, paired by seed. Differences of accuracy are in percentage
    points.

    Every p is two-sided, 0 to 1. A corrected p allows for all pairs that are compared (Holm, 1979)
    and for all looks at them (:class:`mnistlab.statistics.looks.Look`), so that it is held against
    0.05.

    Attributes:
        first: label of the one.
        second: label of the other.
        seeds: those that both were trained with.
        differences: of final accuracy, in the order of the seeds, points.
        mean: their mean: above 0, the first is ahead.
        interquartile_mean: mean of their middle half, which one odd run does not move.
        std: their standard deviation, with n - 1; ``None`` for a single seed.
        correlation: of the two recipes' accuracies over seeds, -1 to 1; ``None`` for fewer than
            three seeds, or if one recipe's are all alike.
        narrowed: by which share pairing by seed made the interval narrower, below 0 wider;
            likewise.
        interval: 95 % interval of the mean over seeds by Student's t distribution, of this pair
            alone.
        p: exact sign-flip test of a mean of 0, of this pair alone.
        comparisons: pairs that are compared in all.
        look: which look at this pair it is.
        adjusted_p: the larger of ``p`` and Student's, corrected.
        simultaneous: interval that goes with ``adjusted_p``: all pairs' at all looks hold the truth
            together with 95 % confidence, and it leaves out 0 just if ``adjusted_p`` is below 0.05.
        margin: points within which the recipes count as equivalent.
        adjusted_equivalence_p: of two one-sided t-tests that the difference is beyond the margin
            (Schuirmann, 1987), corrected.
        superiority: probability, 0 to 1, that a run of the first beats a run of the second, ties
            counting half.
        superiority_interval: its 95 % interval.
        new_images: how sure the difference is over seeds and images together, with the confidence
            of ``simultaneous``. It answers: would the first be better on new images of the same
            kind?
        only_first_wrong: images that the first misreads and the second does not, mean over pairs of
            runs.
        only_second_wrong: the other way round.
        single_tests: in how many of the paired runs McNemar's test of the two runs' readings gives
            p < 0.05.
        loss: mean difference of final loss, nats: below 0, the first is ahead.
        loss_p: as ``p``, of the loss.
        adjusted_loss_p: as ``adjusted_p``, corrected among the losses alone.
        loss_interval: as ``simultaneous``, of the loss.
    """

    model_config = ConfigDict(frozen=True)

    first: str
    second: str
    seeds: tuple[int, ...]
    differences: tuple[float, ...]
    mean: float
    interquartile_mean: float
    std: float | None
    correlation: float | None
    narrowed: float | None
    interval: Interval | None
    p: float
    comparisons: int = 1
    look: Look = FIRST_LOOK
    adjusted_p: float
    simultaneous: Interval | None
    margin: float
    adjusted_equivalence_p: float
    superiority: float
    superiority_interval: Interval
    new_images: NewImages | None
    only_first_wrong: float
    only_second_wrong: float
    single_tests: int
    loss: float
    loss_p: float
    adjusted_loss_p: float
    loss_interval: Interval | None

    @property
    def verdict(self) -> Verdict:
        """Whether one is better, both are equivalent within the margin, or neither can be said."""
        count = len(self.seeds)
        if count >= MINIMUM_SEEDS:
            if self.adjusted_p < SIGNIFICANCE:
                return "better"
            if self.adjusted_equivalence_p < SIGNIFICANCE:
                return "equivalent"
        return "inconclusive" if count >= self.minimum_seeds else "too few seeds"

    @property
    def minimum_seeds(self) -> int:
        """The fewest seeds with which one can be better at this look."""
        return minimum_seeds(self.comparisons, self.look.level)

    @property
    def settled(self) -> bool:
        """Whether one is better or both are equivalent."""
        return self.verdict in ("better", "equivalent")


def minimum_seeds(comparisons: int, level: float = SIGNIFICANCE) -> int:
    """Return the fewest seeds with which one of so many comparisons can be significant after Holm's
    correction.
    """
    return max(MINIMUM_SEEDS, math.ceil(math.log2(2 * comparisons / level)))


def hold_against(
    pairs: Sequence[tuple[RunGroup, RunGroup]],
    margin: float = MARGIN,
    look: Look = FIRST_LOOK,
) -> list[Difference]:
    """Hold pairs of samples against each other, each on the seeds that both have, and correct for
    their number.

    Args:
        pairs: the first of each less the second.
        margin: points within which two recipes count as equivalent, above 0.
        look: which look at them it is.

    Raises:
        RunError: a pair has no seed in common, or different test images.
    """
    shared = [_share(first, second) for first, second in pairs]
    images = [one.right - other.right for one, other in shared]
    points = [
        100 * difference / one.test_images
        for difference, (one, _) in zip(images, shared, strict=True)
    ]
    accuracies = family_tests(points, look.level, images)
    losses = family_tests([one.losses - other.losses for one, other in shared], look.level)
    scale = SIGNIFICANCE / look.equivalence_level
    equivalences = holm(
        [
            scale * equivalence_p(values, margin, 100 / one.test_images)
            for values, (one, _) in zip(points, shared, strict=True)
        ]
    )
    return [
        _describe(one, other, margin, look, accuracy, equivalence, loss, len(pairs))
        for (one, other), accuracy, equivalence, loss in zip(
            shared, accuracies, equivalences, losses, strict=True
        )
    ]


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact p of McNemar's test (1947) for two classifiers' readings of the same images.

    Args:
        only_first: images that only the first misreads.
        only_second: images that only the second misreads.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    # Images that both read alike do not count.
    return float(mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue)


def _share(first: RunGroup, second: RunGroup) -> tuple[RunGroup, RunGroup]:
    seeds = set(first.seeds) & set(second.seeds)
    if not seeds:
        raise RunError(
            f"{first.label} and {second.label}: no seed in common; train both with the same --seeds"
        )
    if first.records[0].data.fingerprint != second.records[0].data.fingerprint:
        raise RunError(
            f"{first.label} and {second.label}: trained or tested on different images; not"
            " comparable"
        )
    return first.on(seeds), second.on(seeds)


def _describe(
    one: RunGroup,
    other: RunGroup,
    margin: float,
    look: Look,
    accuracy: MeanTest,
    equivalence: float,
    loss: MeanTest,
    comparisons: int,
) -> Difference:
    points = 100 * (one.right - other.right) / one.test_images
    only_first = (~one.correct & other.correct).sum(axis=1)
    only_second = (one.correct & ~other.correct).sum(axis=1)
    probability, count = superiority(one.accuracies, other.accuracies), len(one.seeds)
    return Difference(
        first=one.label,
        second=other.label,
        seeds=one.seeds,
        differences=tuple(np.round(points, 6).tolist()),
        mean=float(points.mean()),
        interquartile_mean=interquartile_mean(points),
        std=standard_deviation(points),
        **_pairing(one.right, other.right),
        interval=mean_interval(points),
        p=accuracy.p,
        comparisons=comparisons,
        look=look,
        adjusted_p=accuracy.adjusted_p,
        simultaneous=accuracy.interval,
        margin=margin,
        adjusted_equivalence_p=equivalence,
        superiority=probability,
        superiority_interval=superiority_interval(probability, count, count),
        new_images=(
            on_new_images(one.correct, other.correct, 1 - look.level / comparisons)
            if count >= FEWEST and one.test_images > 1
            else None
        ),
        only_first_wrong=float(only_first.mean()),
        only_second_wrong=float(only_second.mean()),
        single_tests=sum(
            mcnemar_p(int(b), int(c)) < SIGNIFICANCE
            for b, c in zip(only_first, only_second, strict=True)
        ),
        loss=float((one.losses - other.losses).mean()),
        loss_p=loss.p,
        adjusted_loss_p=loss.adjusted_p,
        loss_interval=loss.interval,
    )


def _pairing(one: NDArray[np.int64], other: NDArray[np.int64]) -> dict[str, float | None]:
    """Return the correlation of paired values, and how much narrower it made the interval of their
    difference.
    """
    if len(one) < FEWEST or not (np.ptp(one) and np.ptp(other)):
        return {"correlation": None, "narrowed": None}
    apart = math.sqrt(one.var(ddof=1) + other.var(ddof=1))
    return {
        "correlation": float(np.corrcoef(one, other)[0, 1]),
        "narrowed": 1 - float((one - other).std(ddof=1)) / apart,
    }
