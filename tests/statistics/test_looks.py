"""Repeated looks: published boundaries, and how a study is judged that was looked at before."""

import numpy as np
import pytest
from scipy.stats import norm

from mnistlab.statistics.looks import (
    FIRST_LOOK,
    boundary,
    minimum_seeds,
    planned_looks,
    seeds_to_go_on,
    unplanned_look,
)


# Jennison and Turnbull, Group Sequential Methods (2000), tables 2.1, 2.3 and 2.9: two-sided, 5 %,
# equally spaced looks.
@pytest.mark.parametrize(
    ("shape", "looks", "constant"),
    [
        (0.5, 2, 2.178), (0.5, 5, 2.413), (0.5, 10, 2.555),
        (0.0, 2, 1.977), (0.0, 5, 2.040), (0.0, 10, 2.087),
        (0.25, 5, 2.136),
    ],
)  # fmt: skip
def test_the_boundaries_are_the_published_ones(shape, looks, constant):
    levels = boundary(tuple(range(1, looks + 1)), 0.05, sides=2, shape=shape)
    assert norm.isf(levels[-1] / 2) == pytest.approx(constant, abs=0.0006)
    bounds = norm.isf(np.array(levels) / 2)
    assert bounds == pytest.approx(bounds[-1] * (np.arange(1, looks + 1) / looks) ** (shape - 0.5))


def test_one_look_is_the_plain_test():
    assert boundary((7,), 0.05, sides=2) == pytest.approx((0.05,))
    assert boundary((7,), 0.05, sides=1) == pytest.approx((0.05,))


@pytest.mark.parametrize("sides", [1, 2])
def test_simulated_sums_cross_as_often_as_asked(sides):
    counts = (6, 8, 13, 20)
    draws = np.random.default_rng(0).normal(size=(60_000, 20)).cumsum(axis=1)
    standard = draws[:, np.array(counts) - 1] / np.sqrt(counts)
    bounds = norm.isf(np.array(boundary(counts, 0.05, sides=sides)) / sides)
    crossed = ((np.abs(standard) if sides == 2 else standard) > bounds).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.003)


def test_a_plan_looks_at_every_second_seed_and_ends_at_its_most():
    plan = planned_looks(13)
    assert list(plan) == [6, 8, 10, 12, 13]
    assert [look.number for look in plan.values()] == [1, 2, 3, 4, 5]
    assert {look.planned for look in plan.values()} == {5}
    assert plan[10].earlier == (6, 8)
    levels = [look.level for look in plan.values()]
    assert levels == sorted(levels)
    assert levels[-1] < 0.05
    assert list(planned_looks(6)) == [6]
    assert list(planned_looks(40))[-8:] == [20, 22, 24, 27, 30, 33, 37, 40]
    assert planned_looks(6)[6].level == pytest.approx(0.05)


def test_many_pairs_share_the_five_percent():
    alone, shared = planned_looks(20), planned_looks(20, 3)
    for count, look in shared.items():
        assert look.level / 3 < alone[count].level
    # Bonferroni's shares, each over all looks.
    levels = boundary(tuple(shared), 0.05 / 3, sides=2)
    assert [look.level / 3 for look in shared.values()] == pytest.approx(levels)


def test_looks_that_nobody_planned():
    assert unplanned_look(()).level == 0.05
    later = [unplanned_look(tuple(range(6, 6 + count))).level for count in range(1, 2000)]
    assert later[:3] == pytest.approx([0.0025, 0.005 / 6, 0.005 / 12])
    assert sum(later) < 0.005
    assert unplanned_look((20, 40)).number == 3


@pytest.mark.parametrize("comparisons", [1, 2, 7, 28])
@pytest.mark.parametrize("seeds", [1, 5, 6, 8])
def test_as_many_seeds_as_are_asked_for_are_enough(comparisons, seeds):
    """Whoever follows the advice is judged at the next look, and must not be asked for more."""
    needed = seeds_to_go_on(FIRST_LOOK, seeds, comparisons)
    following = unplanned_look((seeds,) if seeds >= 6 else ())
    assert needed == minimum_seeds(comparisons, following.level)
    assert 2 * comparisons / 2.0**needed < following.level
    assert seeds_to_go_on(FIRST_LOOK, 5) == 6
    assert seeds_to_go_on(FIRST_LOOK, 6) == 10


@pytest.mark.parametrize(("most", "comparisons"), [(20, 1), (20, 3), (40, 28), (12, 1)])
def test_a_plan_names_its_first_look_that_can_call_one_better(most, comparisons):
    plan = planned_looks(most, comparisons)
    needed = seeds_to_go_on(plan[6], 6, comparisons)
    able = [n for n, look in plan.items() if 2 * comparisons / 2.0**n < look.level]
    assert needed == able[0]


def test_a_plan_that_is_too_short_names_a_look_after_it():
    look = planned_looks(8, 28)[6]
    assert seeds_to_go_on(look, 6, 28) == minimum_seeds(28, unplanned_look((8,)).level)
