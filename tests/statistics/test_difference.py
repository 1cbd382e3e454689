"""Differences, against published and hand-worked figures, and against chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from mnistlab import MnistlabError
from mnistlab.statistics import seeds_needed
from mnistlab.statistics.difference import adjust, mcnemar_p, pair, sign_flip_p, superiority, t_interval
from mnistlab.statistics.images import resample_both
from tests.statistics.records import IMAGES, made_record, made_sample

DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48.0])
"""Darwin's maize, cross- less self-fertilised, eighths of an inch; Fisher, The Design of Experiments (1935)."""


def random():
    return np.random.default_rng(0)


def test_the_permutation_test_is_fishers():
    # Section 21: 863 of 32,768 arrangements are as large, and as many as small.
    assert sign_flip_p(DARWIN, random()) == pytest.approx(2 * 863 / 32_768, rel=1e-9)


def test_the_interval_of_darwins_maize_is_the_published_one():
    found = t_interval(DARWIN)
    assert DARWIN.mean() == pytest.approx(20.93, abs=0.005)
    assert found.low == pytest.approx(0.03, abs=0.005)
    assert found.high == pytest.approx(41.83, abs=0.01)
    assert (found.low, found.high) == pytest.approx(DescrStatsW(DARWIN).tconfint_mean())


@pytest.mark.parametrize(("count", "p"), [(1, 1.0), (2, 0.5), (5, 2 / 32), (6, 2 / 64), (10, 2 / 1024)])
def test_a_difference_that_always_points_one_way(count, p):
    assert sign_flip_p(0.1 + 0.01 * np.arange(count), random()) == pytest.approx(p)


def test_many_seeds_are_sampled_and_never_give_a_p_of_zero():
    # No throw of 99,999 is as extreme; it counts itself, on both sides.
    assert sign_flip_p(np.linspace(0.1, 0.2, 30), random()) == pytest.approx(2 / 100_000)


def test_equal_recipes_have_a_p_of_one():
    assert sign_flip_p(np.zeros(8), random()) == 1.0


@given(st.lists(st.integers(-30, 30), min_size=2, max_size=9))
def test_the_test_does_not_care_which_comes_first(counts):
    values = np.array(counts) / 100
    assert sign_flip_p(values, random()) == pytest.approx(sign_flip_p(-values, random()))


def test_superiority_by_hand():
    assert superiority(np.array([3.0, 1.0]), np.array([2.0, 1.0])) == pytest.approx(2.5 / 4)
    assert superiority(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 0.0


@pytest.mark.parametrize(("b", "c", "p"), [(1, 9, 22 / 1024), (0, 6, 2 / 64), (5, 5, 1.0), (0, 0, 1.0)])
def test_mcnemar_by_hand(b, c, p):
    assert mcnemar_p(b, c) == pytest.approx(p)


def test_holm_by_hand():
    """Of 0.01, 0.04, 0.03 and 0.005 Holm rejects the first and the last at 5 %."""
    made = pair(made_sample("a", [1, 2]), made_sample("b", [2, 1]), random())
    found = adjust([made.model_copy(update={"p": p}) for p in (0.01, 0.04, 0.03, 0.005)])
    assert [difference.adjusted_p for difference in found] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert {difference.comparisons for difference in found} == {4}


# G*Power 3.1, difference between two dependent means, two-tailed, alpha 0.05, power 0.8.
@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_the_seeds_needed_are_the_published_ones(effect, seeds):
    assert seeds_needed(effect * 0.08, 0.08, fewest=6) == seeds


def test_the_seeds_needed_have_limits():
    assert seeds_needed(5.0, 0.1, fewest=6) == 6
    assert seeds_needed(0.1, 0.0, fewest=6) == 6
    assert seeds_needed(0.0001, 0.1, fewest=6) is None


def test_a_pair_by_hand():
    one, other = made_sample("a", [10, 12, 9, 11, 10, 8]), made_sample("b", [13, 12, 12, 13, 12, 12])
    found = pair(one, other, random())
    assert found.differences == pytest.approx((0.3, 0.0, 0.3, 0.2, 0.2, 0.4))
    assert found.mean == pytest.approx(0.2333, abs=1e-4)
    # Five differences point one way, one is none: 2 * 2 of 64 throws are as extreme.
    assert found.p == pytest.approx(4 / 64)
    # A run of the first with 12 errors beats two of the second and ties with four.
    assert found.superiority == pytest.approx((30 + 2 + 4 / 2) / 36)
    assert (found.only_first_wrong, found.only_second_wrong) == (0.0, pytest.approx(14 / 6))
    assert found.single_tests == 0
    assert not found.settled


def test_only_shared_seeds_count():
    one, other = made_sample("a", [10, 12, 9, 11]), made_sample("b", [13, 12, 12, 13]).on([1, 3])
    assert pair(one, other, random()).seeds == (1, 3)
    with pytest.raises(MnistlabError, match="a and b: no seed in common"):
        pair(one.on([0]), other, random())


def test_other_images_are_not_compared():
    other = type(made_sample("b", [1])).of("b", [made_record(fingerprint="1")])
    with pytest.raises(MnistlabError, match="a and b: trained or tested on different images"):
        pair(made_sample("a", [1]), other, random())


def test_without_noise_over_seeds_new_images_are_all_that_is_unsure():
    """Every run misreads the same images: 30 by the one alone, 10 by the other alone, as McNemar's setting."""
    one, other = (np.ones((8, IMAGES), bool) for _ in range(2))
    one[:, :30], other[:, 30:40] = False, False
    found = resample_both(one, other, random(), resamples=40_000)
    error = np.sqrt(40 - 20**2 / IMAGES) / IMAGES
    assert found.low == pytest.approx(100 * (-0.02 - 1.96 * error), abs=0.1)
    assert found.high == pytest.approx(100 * (-0.02 + 1.96 * error), abs=0.1)


def test_new_images_are_less_sure_than_this_test_set():
    draws = np.random.default_rng(1)
    one, other = (made_sample(name, [10 + seed % 3 for seed in range(10)], random=draws) for name in "ab")
    found = pair(one, other, random())
    assert found.new_images.high - found.new_images.low > found.interval.high - found.interval.low


def nulls(seeds, runs, draws):
    """Pairs of recipes that are the same: each image is hard to its own degree, for both alike."""
    for _ in range(runs):
        hardness = draws.beta(0.05, 3.0, IMAGES)
        yield tuple((draws.random((seeds, IMAGES)) > hardness) for _ in range(2))


@pytest.mark.parametrize("seeds", [6, 12])
def test_false_alarms_are_as_rare_as_promised(seeds):
    alarms = covered = 0
    draws = np.random.default_rng(5)
    for one, other in nulls(seeds, 500, draws):
        differences = 100 * (one.mean(axis=1) - other.mean(axis=1))
        interval = t_interval(differences)
        alarms += sign_flip_p(differences, draws) < 0.05
        covered += interval.low <= 0 <= interval.high
    # Two binomial standard errors of 500 trials about 5 %; with six seeds the test's own level is 2/64 or 4/64.
    assert alarms / 500 <= 0.05 + 0.02
    assert alarms / 500 >= 0.01
    assert covered / 500 >= 0.93


def test_a_true_difference_is_found():
    draws = np.random.default_rng(6)
    found = 0
    for one, other in nulls(12, 60, draws):
        worse = other & (draws.random(other.shape) > 0.03)
        found += sign_flip_p(one.mean(axis=1) - worse.mean(axis=1), draws) < 0.05
    assert found >= 55


def test_on_new_images_false_alarms_are_rare_too():
    draws, alarms = np.random.default_rng(7), 0
    for one, other in nulls(6, 200, draws):
        interval = resample_both(one, other, draws, resamples=1000)
        alarms += interval.low * interval.high > 0
    assert alarms / 200 <= 0.08
