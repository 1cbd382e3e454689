"""Differences of two recipes, against published and hand-worked figures."""

import numpy as np
import pytest
from scipy.stats import t, ttest_ind

from mnistlab import MnistlabError
from mnistlab.statistics import (
    minimum_seeds,
    seeds_for_equivalence,
    seeds_needed,
    unplanned_look,
)
from mnistlab.statistics.difference import compare_pairs, mcnemar_p
from mnistlab.statistics.mean_test import equivalence_p, mean_test
from mnistlab.statistics.new_images import on_new_images
from tests.statistics.records import made_group, made_record


def pair(one, other, **options):
    (found,) = compare_pairs([(one, other)], **options)
    return found


@pytest.mark.parametrize(
    ("b", "c", "p"), [(1, 9, 22 / 1024), (0, 6, 2 / 64), (5, 5, 1.0), (0, 0, 1.0)]
)
def test_mcnemar_by_hand(b, c, p):
    assert mcnemar_p(b, c) == pytest.approx(p)


# G*Power 3.1, difference between two dependent means, two-tailed, alpha 0.05, power 0.8.
@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_the_seeds_needed_are_the_published_ones(effect, seeds):
    assert seeds_needed(effect * 0.08, 0.08) == seeds


# The t-test alone has a power of 0.8 with 10, 7, 9 and 11 seeds; the sign-flip test has to agree.
@pytest.mark.parametrize(
    ("comparisons", "effect", "seeds"), [(1, 1.0, 11), (1, 1.3, 8), (7, 1.8, 10), (28, 2.0, 12)]
)
def test_few_seeds_are_raised_until_both_tests_find_the_difference(comparisons, effect, seeds):
    assert seeds_needed(effect, 1.0, comparisons) in (seeds, seeds - (effect == 1.0))
    rows = np.rint(np.random.default_rng(1).normal(20 * effect, 20, (800, seeds)))
    tests = [mean_test(row, 0.05 / comparisons).adjusted_p < 0.05 for row in rows]
    assert np.mean(tests) >= 0.8


def test_the_seeds_needed_have_limits():
    assert seeds_needed(5.0, 0.1) == 6
    assert seeds_needed(0.1, 0.0, 7) == minimum_seeds(7) == 9
    assert seeds_needed(0.0001, 0.1) is None
    assert seeds_for_equivalence(0.0001, 0.1) is None


def test_the_seeds_for_equivalence_are_enough_and_no_more():
    """By simulation: with so many seeds 80 of 100 studies of two equal recipes show it."""
    draws, seeds = np.random.default_rng(0), seeds_for_equivalence(0.1, 0.1)
    shown = np.mean([equivalence_p(draws.normal(0, 0.1, seeds), 0.1) < 0.05 for _ in range(1000)])
    assert 0.77 <= shown <= 0.87


def test_a_pair_by_hand():
    one, other = made_group("a", [10, 12, 9, 11, 10, 8]), made_group("b", [13, 12, 12, 13, 12, 12])
    found = pair(one, other)
    assert found.differences == pytest.approx((0.3, 0.0, 0.3, 0.2, 0.2, 0.4))
    assert found.mean == pytest.approx(0.2333, abs=1e-4)
    assert found.interquartile_mean == pytest.approx(0.25)
    # Five differences point one way, one is none: 2 * 2 of 64 throws are as extreme.
    assert found.p == found.adjusted_p == pytest.approx(4 / 64)
    # Of Student's interval, 0.09 to 0.38, all but the end at 0 agrees with that.
    assert (found.interval.low, found.interval.high) == pytest.approx((0.0900, 0.3767), abs=1e-4)
    assert (found.simultaneous.low, found.simultaneous.high) == (0.0, found.interval.high)
    # A run of the first with 12 errors beats two of the second and ties with four.
    assert found.superiority == pytest.approx((30 + 2 + 4 / 2) / 36)
    assert found.superiority_interval.low < found.superiority < found.superiority_interval.high <= 1
    assert found.correlation == pytest.approx(
        np.corrcoef([10, 12, 9, 11, 10, 8], [13, 12, 12, 13, 12, 12])[0, 1]
    )
    assert (found.only_first_wrong, found.only_second_wrong) == (0.0, pytest.approx(14 / 6))
    assert found.single_tests == 0
    assert found.verdict == "inconclusive"
    assert not found.settled


def test_only_shared_seeds_count():
    one, other = made_group("a", [10, 12, 9, 11]), made_group("b", [13, 12, 12, 13]).on([1, 3])
    assert pair(one, other).seeds == (1, 3)
    with pytest.raises(MnistlabError, match="a and b: no seed in common"):
        pair(one.on([0]), other)


def test_other_images_are_not_compared():
    other = type(made_group("b", [1])).of("b", [made_record(fingerprint="1")])
    with pytest.raises(MnistlabError, match="a and b: trained or tested on different images"):
        pair(made_group("a", [1]), other)


@pytest.mark.parametrize(
    ("errors", "others", "verdict"),
    [
        ([1] * 5, [50] * 5, "too few seeds"),
        ([9, 8, 9, 8, 9, 8], [20, 22, 19, 20, 21, 20], "better"),
        ([10, 11, 10, 11, 10, 11, 10, 11], [11, 10, 11, 10, 11, 10, 11, 10], "equivalent"),
        ([10, 20, 10, 20, 10, 20], [20, 10, 20, 10, 20, 10], "inconclusive"),
    ],
)
def test_the_four_verdicts(errors, others, verdict):
    assert pair(made_group("a", errors), made_group("b", others)).verdict == verdict


def test_a_wider_margin_makes_equivalent_and_a_narrower_does_not():
    one = made_group("a", [10, 12, 9, 11, 10, 8, 10, 12])
    other = made_group("b", [11, 10, 10, 11, 9, 11, 9, 12])
    assert [pair(one, other, margin=margin).verdict for margin in (0.02, 0.5)] == [
        "inconclusive",
        "equivalent",
    ]


def test_better_within_the_margin_is_better():
    """That one is better comes first; the sentence adds that the difference is small."""
    one, other = (
        made_group("a", [10, 11, 10, 12, 10, 11, 10]),
        made_group("b", [12, 12, 12, 13, 12, 12, 12]),
    )
    found = pair(one, other, margin=0.5)
    assert (found.verdict, found.adjusted_equivalence_p < 0.05) == ("better", True)


@pytest.mark.parametrize(
    ("images", "verdict"), [(60, "inconclusive"), (1, "inconclusive"), (10_000, "equivalent")]
)
def test_few_images_that_all_agree_show_no_equivalence(images, verdict):
    """On 60 images the next seed may differ by one, which is 1.7 points."""
    assert (
        pair(
            made_group("a", [0] * 6, images=images), made_group("b", [0] * 6, images=images)
        ).verdict
        == verdict
    )


def test_what_pairing_brought_by_hand():
    """Against Welch's interval, whose t has more degrees of freedom than that of eight pairs."""
    shared = [9, 14, 8, 12, 10, 16, 9, 11]
    found = pair(
        made_group("a", shared), made_group("b", [n + k % 3 for k, n in enumerate(shared)])
    )
    others = [n + k % 3 for k, n in enumerate(shared)]
    low, high = ttest_ind(shared, others, equal_var=False).confidence_interval()
    paired = 2 * t.ppf(0.975, 7) * np.std([0, 1, 2, 0, 1, 2, 0, 1], ddof=1) / 8**0.5
    assert found.narrowed == pytest.approx(1 - paired / (high - low))
    turned = pair(made_group("a", shared), made_group("b", [30 - n for n in shared]))
    assert turned.correlation == pytest.approx(-1)
    assert turned.narrowed == pytest.approx(1 - 2**0.5 * t.ppf(0.975, 7) / t.ppf(0.975, 14))


def test_pairing_without_correlation_costs_degrees_of_freedom():
    """These two are not correlated at all: the paired interval is wider, not equally wide."""
    one, other = [10, 14, 10, 14, 10, 14, 10, 14], [10, 10, 14, 14, 10, 10, 14, 14]
    found = pair(made_group("a", one), made_group("b", other))
    assert found.correlation == pytest.approx(0, abs=1e-9)
    assert found.narrowed == pytest.approx(1 - t.ppf(0.975, 7) / t.ppf(0.975, 14))
    assert found.narrowed < -0.1


def test_new_images_are_never_surer_than_these():
    """Where the sign flips extend the interval over seeds to 0, the one on new images follows."""
    draws = np.random.default_rng(0)
    one = made_group("a", [10, 12, 9, 11, 10, 8], random=draws)
    other = made_group("b", [22, 12, 29, 23, 22, 24], random=draws)
    found = pair(one, other)
    assert found.verdict == "inconclusive"
    assert found.interval.excludes_zero
    alone = on_new_images(one.correct, other.correct).interval
    assert alone.excludes_zero
    assert found.new_images.interval == alone | found.simultaneous
    assert not found.new_images.interval.excludes_zero


def test_losses_are_a_family_of_their_own():
    groups = [
        made_group(
            name, [10, 12, 9, 11, 10, 8, 9], losses=[base + 0.001 * (seed % 3) for seed in range(7)]
        )
        for name, base in (("a", 0.03), ("b", 0.05), ("c", 0.0500001))
    ]
    whole, *others = groups
    found = compare_pairs([(whole, other) for other in others])
    for difference in found:
        assert difference.loss_p == pytest.approx(2 / 128)
        assert difference.adjusted_loss_p == pytest.approx(2 * 2 / 128)
        assert difference.loss_interval.excludes_zero
        assert difference.adjusted_p == 1.0


def test_intervals_on_new_images_allow_for_all_pairs_too():
    whole, *others = (
        made_group(name, errors)
        for name, errors in zip(
            "abc", ([10, 12, 9, 11, 10, 8, 9], [12, 9, 11, 10, 8, 9, 10], [9] * 7)
        )
    )
    (alone,) = compare_pairs([(whole, others[0])])
    together = compare_pairs([(whole, other) for other in others])[0]
    assert together.new_images.interval.high > alone.new_images.interval.high


@pytest.mark.parametrize(("comparisons", "seeds"), [(1, 6), (2, 7), (7, 9), (28, 11)])
def test_more_comparisons_need_more_seeds(comparisons, seeds):
    assert minimum_seeds(comparisons) == seeds
    assert comparisons * 2 / 2**seeds < 0.05


def test_a_look_that_was_first_seen_among_more_pairs_still_allows_for_them():
    one, other = made_group("a", [9] * 8), made_group("b", [12, 11, 12, 10, 12, 12, 11, 12])
    alone = pair(one, other)
    among = pair(one, other, judge=lambda one, other: unplanned_look((), 3))
    assert (alone.comparisons, among.comparisons) == (1, 3)
    assert among.adjusted_p == pytest.approx(3 * alone.adjusted_p)


def test_a_later_look_is_judged_more_strictly_by_p_and_interval():
    one, other = (
        made_group("a", [9, 8, 9, 8, 9, 8, 9, 9]),
        made_group("b", [12, 11, 12, 10, 12, 12, 11, 12]),
    )
    first, later = (
        pair(one, other),
        pair(one, other, judge=lambda one, other: unplanned_look((6,))),
    )
    assert (first.verdict, later.verdict) == ("better", "too few seeds")
    assert later.minimum_seeds == 10
    assert later.adjusted_p == pytest.approx(20 * max(first.p, 2 / 256))
    assert later.simultaneous.low <= 0 < later.simultaneous.high > first.simultaneous.high
