"""Difference: two recipes trained with the same seeds, held against each other run by run."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from mnistlab.errors import RunError
from mnistlab.statistics.images import resample_both
from mnistlab.statistics.sample import Sample
from mnistlab.statistics.summary import CONFIDENCE, Interval, deviation

_PERMUTATIONS = 99_999
SIGNIFICANCE = 0.05


class Difference(BaseModel):
    """The first recipe less the second, paired by seed. Differences of accuracy are in percentage points.

    Attributes:
        first: label of the one.
        second: label of the other.
        seeds: those that both were trained with.
        differences: of final test accuracy, in the order of the seeds, points.
        mean: their mean: above 0, the first is ahead.
        deviation: their standard deviation, with n - 1.
        interval: of the mean over seeds, by Student's t distribution; ``None`` for a single seed. It answers: is the
            first better on this test set?
        p: two-sided probability of a mean so far from 0 if the signs of the differences were thrown (sign-flip
            permutation test; exact up to 16 seeds).
        comparisons: pairs that are compared in all.
        adjusted_p: ``p`` after Holm's correction for all of them.
        superiority: probability, 0 to 1, that a run of the first beats a run of the second, ties counting half.
        new_images: interval of the mean over seeds and images together. It answers: would the first be better on new
            images of the same kind?
        only_first_wrong: images that the first misreads and the second does not, mean over pairs of runs.
        only_second_wrong: the other way round.
        single_tests: in how many of the paired runs McNemar's test of the two runs' readings gives p < 0.05.
        loss: mean difference of final test loss, nats: below 0, the first is ahead.
        loss_interval: of it over seeds.
        loss_p: as ``p``, of the loss.
    """

    model_config = ConfigDict(frozen=True)

    first: str
    second: str
    seeds: tuple[int, ...]
    differences: tuple[float, ...]
    mean: float
    deviation: float
    interval: Interval | None
    p: float
    comparisons: int = 1
    adjusted_p: float
    superiority: float
    new_images: Interval | None
    only_first_wrong: float
    only_second_wrong: float
    single_tests: int
    loss: float
    loss_interval: Interval | None
    loss_p: float

    @property
    def settled(self) -> bool:
        """Whether the difference is significant after correction, and its interval leaves out 0."""
        interval = self.interval
        return self.adjusted_p < SIGNIFICANCE and interval is not None and interval.low * interval.high > 0


def pair(first: Sample, second: Sample, random: np.random.Generator) -> Difference:
    """Hold two samples against each other on the seeds that they share; ``adjusted_p`` is not adjusted yet.

    Raises:
        RunError: no seed in common, or different test images.
    """
    seeds = tuple(sorted(set(first.seeds) & set(second.seeds)))
    if not seeds:
        raise RunError(f"{first.label} and {second.label}: no seed in common; train both with the same --seeds")
    if first.records[0].data.fingerprint != second.records[0].data.fingerprint:
        raise RunError(f"{first.label} and {second.label}: trained or tested on different images; not comparable")
    one, other = first.on(seeds), second.on(seeds)
    differences, losses = 100 * (one.accuracies - other.accuracies), one.losses - other.losses
    only_first = (~one.correct & other.correct).sum(axis=1)
    only_second = (one.correct & ~other.correct).sum(axis=1)
    p = sign_flip_p(differences, random)
    return Difference(
        first=first.label,
        second=second.label,
        seeds=seeds,
        differences=tuple(np.round(differences, 6).tolist()),
        mean=float(differences.mean()),
        deviation=deviation(differences),
        interval=t_interval(differences),
        p=p,
        adjusted_p=p,
        superiority=superiority(one.accuracies, other.accuracies),
        new_images=resample_both(one.correct, other.correct, random) if len(seeds) > 1 else None,
        only_first_wrong=float(only_first.mean()),
        only_second_wrong=float(only_second.mean()),
        single_tests=sum(
            mcnemar_p(int(b), int(c)) < SIGNIFICANCE for b, c in zip(only_first, only_second, strict=True)
        ),
        loss=float(losses.mean()),
        loss_interval=t_interval(losses),
        loss_p=sign_flip_p(losses, random),
    )


def sign_flip_p(differences: NDArray[np.float64], random: np.random.Generator) -> float:
    """Return the two-sided p of the paired permutation test of a mean of 0 (Fisher, 1935; Phipson and Smyth, 2010).

    Args:
        differences: ``(n,)``.
        random: draws the permutations where there are more than 100,000.
    """
    from scipy.stats import permutation_test

    if len(differences) < 2:
        return 1.0
    # Rounded, since equal sums in another order must tie.
    exact = np.round(differences, 9)
    result = permutation_test(
        (exact, np.zeros_like(exact)),
        lambda x, y, axis: np.round(np.mean(x - y, axis=axis), 12),
        permutation_type="samples",
        n_resamples=_PERMUTATIONS,
        vectorized=True,
        batch=10_000,
        rng=random,
    )
    return float(result.pvalue)


def t_interval(differences: NDArray[np.float64]) -> Interval | None:
    """Return the interval of a mean by Student's t distribution; ``None`` for a single value.

    With six to twenty seeds it covers the truth more often than a bootstrap, whose intervals are too narrow there.
    """
    from scipy.stats import t

    count = len(differences)
    if count < 2:
        return None
    margin = float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * deviation(differences) / count**0.5
    return Interval(low=float(differences.mean()) - margin, high=float(differences.mean()) + margin)


def superiority(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the probability that a value of one beats a value of the other, ties counting half.

    It is Mann and Whitney's U over the number of pairs, which Bouthillier et al. (2021) recommend for benchmarks.
    """
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(one, other).statistic) / (len(one) * len(other))


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact p of McNemar's test (1947) for two classifiers' readings of the same images.

    Args:
        only_first: images that only the first misreads.
        only_second: images that only the second misreads.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    # Images that both read alike do not count.
    return float(mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue)


def adjust(differences: list[Difference]) -> list[Difference]:
    """Correct the p of several pairs after Holm (1979)."""
    from statsmodels.stats.multitest import multipletests

    if not differences:
        return []
    adjusted = multipletests([difference.p for difference in differences], method="holm")[1]
    return [
        difference.model_copy(update={"adjusted_p": float(p), "comparisons": len(differences)})
        for difference, p in zip(differences, adjusted, strict=True)
    ]
