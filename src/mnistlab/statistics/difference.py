"""Difference: two recipes trained with the same seeds, compared run by run."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from mnistlab.errors import RunError
from mnistlab.statistics.interval import (
    CONFIDENCE,
    FEWEST,
    Interval,
    Numbers,
    interquartile_mean,
    mean_interval,
    standard_deviation,
    standard_error,
    student_quantile,
)
from mnistlab.statistics.looks import (
    FIRST_LOOK,
    MINIMUM_SEEDS,
    SIGNIFICANCE,
    Look,
    minimum_seeds,
    seeds_to_go_on,
)
from mnistlab.statistics.mean_test import adjust, equivalence_p, mean_test
from mnistlab.statistics.metric import Metric
from mnistlab.statistics.new_images import NewImages, on_new_images
from mnistlab.statistics.run_group import RunGroup
from mnistlab.statistics.superiority import superiority, superiority_interval

MARGIN = 0.1
"""Points within which two recipes count as equivalent, unless the user says otherwise: ten of
MNIST's 10,000 test images, about as far as two runs of one recipe typically lie apart."""

Verdict = Literal["better", "equivalent", "inconclusive", "too few seeds"]
Judge = Callable[[RunGroup, RunGroup], Look]
"""Returns which look at a pair this is, given its runs with the seeds that both have."""


class Difference(BaseModel):
    """The first recipe less the second, paired by seed, in percentage points of the metric by which
    they are judged: accuracy, unless the groups say otherwise.

    Every p is two-sided, 0 to 1. A corrected p allows for all pairs that are compared (Bonferroni)
    and for all looks at them (:class:`mnistlab.statistics.looks.Look`), so that it is compared with
    0.05.

    Attributes:
        first: label of the first recipe.
        second: label of the second.
        seeds: those that both were trained with.
        differences: of the metric, in the order of the seeds, points.
        mean: their mean: above 0, the first is ahead.
        interquartile_mean: mean of their middle half, which one odd run does not move.
        std: their standard deviation, with n - 1; ``None`` for a single seed.
        correlation: of the two recipes' values over seeds, -1 to 1; ``None`` for fewer than three
            seeds, or if one recipe's are all equal.
        narrowed: by which share ``interval`` is narrower than Welch's, which does not pair the
            runs; below 0 wider; ``None`` as for ``correlation``.
        interval: 95 % interval of the mean over seeds by Student's t distribution, of this pair
            alone.
        p: exact sign-flip test of a mean of 0, of this pair alone.
        comparisons: pairs that share the level: those of this study, or of the one that first
            looked at these runs, if they were more.
        look: which look at this pair it is.
        adjusted_p: the larger of ``p`` and Student's, corrected.
        simultaneous: interval that agrees with ``adjusted_p``: those of all pairs at all looks
            together hold the true differences with 95 % confidence, and it excludes 0 exactly when
            ``adjusted_p`` is below 0.05.
        margin: points within which the recipes count as equivalent.
        adjusted_equivalence_p: of two one-sided t-tests that the difference is beyond the margin
            (Schuirmann, 1987), corrected.
        superiority: probability, 0 to 1, that a run of the first beats a run of the second, ties
            counting half.
        superiority_interval: its 95 % interval.
        new_images: the difference over seeds and images together, with the confidence of
            ``simultaneous``, whose interval it contains. It answers: would the first be better on
            new images of the same kind? ``None`` for a metric other than accuracy, which is no mean
            over images.
        only_first_wrong: images that only the first misclassifies, mean over pairs of runs.
        only_second_wrong: images that only the second misclassifies, likewise.
        single_tests: in how many pairs of runs McNemar's test gives p < 0.05.
        loss: mean difference of final loss, nats: below 0, the first is ahead.
        loss_p: as ``p``, of the loss.
        adjusted_loss_p: as ``adjusted_p``, corrected among the losses alone.
        loss_interval: as ``simultaneous``, of the loss.
        metric: that the recipes are judged by.
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
    metric: Metric = "accuracy"

    @model_serializer(mode="wrap")
    def _leave_out_accuracy(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What earlier versions wrote stays what a later one works out.
        content: dict[str, Any] = serialise(self)
        if self.metric == "accuracy":
            del content["metric"]
        return content

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
    def seeds_to_go_on(self) -> int:
        """The fewest seeds with which one could be better at a later look of this study."""
        return seeds_to_go_on(self.look, len(self.seeds), self.comparisons)

    @property
    def settled(self) -> bool:
        """Whether one is better or both are equivalent."""
        return self.verdict in ("better", "equivalent")


def compare_pairs(
    pairs: Sequence[tuple[RunGroup, RunGroup]],
    margin: float = MARGIN,
    judge: Judge | None = None,
) -> list[Difference]:
    """Compare pairs of recipes, each on the seeds that both have, and correct for their number.

    Args:
        pairs: the first of each less the second.
        margin: points within which two recipes count as equivalent, above 0.
        judge: says which look at each pair it is; the first one unless given.

    Raises:
        RunError: a pair has no seed in common, or different test images.
    """
    shared = [_share(first, second) for first, second in pairs]
    looks = [judge(one, other) if judge else FIRST_LOOK for one, other in shared]
    return [
        _describe(one, other, margin, look, len(pairs))
        for (one, other), look in zip(shared, looks, strict=True)
    ]


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact p of McNemar's test (1947) of two classifiers on the same images.

    Args:
        only_first: images that only the first misclassifies.
        only_second: images that only the second misclassifies.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    # Images on which both agree do not count.
    return float(mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue)


def _share(first: RunGroup, second: RunGroup) -> tuple[RunGroup, RunGroup]:
    seeds = set(first.seeds) & set(second.seeds)
    if not seeds:
        raise RunError(
            f"{first.label} and {second.label}: no seed in common; train both with the same"
            " `seeds=`"
        )
    if first.records[0].data.fingerprint != second.records[0].data.fingerprint:
        raise RunError(
            f"{first.label} and {second.label}: trained or tested on different images; not"
            " comparable"
        )
    return first.on(seeds), second.on(seeds)


def _describe(one: RunGroup, other: RunGroup, margin: float, look: Look, pairs: int) -> Difference:
    by_accuracy, losses = one.metric == "accuracy", one.losses - other.losses
    # Of a mean over classes, one image more changes it by as much on average.
    step, count = 100 / one.test_images, len(one.seeds)
    images = one.right - other.right if by_accuracy else None
    points = 100 * (one.values - other.values) if images is None else 100 * images / one.test_images
    comparisons = max(pairs, look.comparisons)
    level, equivalence_level = look.level / comparisons, look.equivalence_level / comparisons
    test, loss = mean_test(points, level, images), mean_test(losses, level)
    only_first = (~one.correct & other.correct).sum(axis=1)
    only_second = (one.correct & ~other.correct).sum(axis=1)
    probability = superiority(one.values, other.values)
    return Difference(
        first=one.label,
        second=other.label,
        seeds=one.seeds,
        differences=tuple(np.round(points, 6).tolist()),
        mean=float(points.mean()),
        interquartile_mean=interquartile_mean(points),
        std=standard_deviation(points),
        **_pairing(*((one.right, other.right) if by_accuracy else (one.values, other.values))),
        interval=mean_interval(points),
        p=test.p,
        comparisons=comparisons,
        look=look,
        adjusted_p=test.adjusted_p,
        simultaneous=test.interval,
        margin=margin,
        adjusted_equivalence_p=adjust(equivalence_p(points, margin, step), equivalence_level),
        superiority=probability,
        superiority_interval=superiority_interval(probability, count, count),
        new_images=_on_new_images(one, other, 1 - level, test.interval),
        only_first_wrong=float(only_first.mean()),
        only_second_wrong=float(only_second.mean()),
        single_tests=sum(
            mcnemar_p(int(b), int(c)) < SIGNIFICANCE
            for b, c in zip(only_first, only_second, strict=True)
        ),
        loss=float(losses.mean()),
        loss_p=loss.p,
        adjusted_loss_p=loss.adjusted_p,
        loss_interval=loss.interval,
        metric=one.metric,
    )


def _on_new_images(
    one: RunGroup, other: RunGroup, confidence: float, over_seeds: Interval | None
) -> NewImages | None:
    """Return the difference on new images, whose interval contains the one over seeds; ``None`` for
    metrics that are no means over images.
    """
    if over_seeds is None or one.test_images < 2 or one.metric != "accuracy":
        return None
    found = on_new_images(one.correct, other.correct, confidence)
    return found and found.model_copy(update={"interval": found.interval | over_seeds})


def _pairing(one: Numbers, other: Numbers) -> dict[str, float | None]:
    """Return the correlation of paired values, and by how much the interval of their mean
    difference is narrower than Welch's (1947), which does not pair them.
    """
    if len(one) < FEWEST or not (np.ptp(one) and np.ptp(other)):
        return {"correlation": None, "narrowed": None}
    level, freedom = (1 + CONFIDENCE) / 2, len(one) - 1
    variances = np.array([values.var(ddof=1) for values in (one, other)]) / len(one)
    apart = float(variances.sum())
    degrees = apart**2 / float((variances**2).sum() / freedom)
    paired = student_quantile(level, freedom) * standard_error(one - other)
    return {
        "correlation": float(np.corrcoef(one, other)[0, 1]),
        "narrowed": 1 - paired / (student_quantile(level, degrees) * math.sqrt(apart)),
    }
