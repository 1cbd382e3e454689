"""Looks: how strictly each look at a growing study is judged, so that all together raise few false
alarms.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

SIGNIFICANCE = 0.05
MINIMUM_SEEDS = 6
"""With five, no sign-flip test can reach p < 0.05: 2 of 32 choices are as extreme as the most
extreme."""
_RESERVE = 0.005
"""The level shared by all unplanned looks after the first."""
_STEP, _GROWTH = 2, 8
"""Seeds from one planned look to the next: at least two, or an eighth of the present number."""
MOST_SEEDS = 1000
"""In a plan."""
_SHAPE = 0.25
"""Of the boundary: 0.5 judges all looks alike (Pocock), 0 the first ones very strictly (O'Brien and
Fleming)."""
_NODES, _TAIL = 160, 8.0


class Look(BaseModel):
    """One look at a pair of recipes.

    Attributes:
        number: from 1.
        planned: how many looks were planned in advance; 0 if none were.
        max_seeds: seeds at the last planned look; 0 if none were planned.
        comparisons: pairs in the study that looked first.
        level: the p below which this look calls one recipe better, 0 to 1; all pairs share it.
        equivalence_level: the p below which it calls them equivalent, likewise.
        earlier: number of seeds at each look before this one.
    """

    model_config = ConfigDict(frozen=True)

    number: int = 1
    planned: int = 0
    max_seeds: int = 0
    comparisons: int = 1
    level: float = SIGNIFICANCE
    equivalence_level: float = SIGNIFICANCE
    earlier: tuple[int, ...] = ()


FIRST_LOOK = Look()


def unplanned_look(earlier: tuple[int, ...], comparisons: int = 1) -> Look:
    """Return how a look is judged that was not planned.

    The first is judged at 5 %. Adding seeds and looking again gives chance another try: all later
    looks share 0.5 %, of which the k-th gets 1 / (k (k - 1)); these shares add up to 1.

    Args:
        earlier: number of seeds at each look before this one.
        comparisons: pairs in the study.

    >>> unplanned_look((20,)).level
    0.0025
    """
    number = len(earlier) + 1
    level = _RESERVE / (number * (number - 1)) if number > 1 else SIGNIFICANCE
    return Look(
        number=number,
        comparisons=comparisons,
        level=level,
        equivalence_level=level,
        earlier=earlier,
    )


def minimum_seeds(comparisons: int, level: float = SIGNIFICANCE) -> int:
    """Return the fewest seeds with which one of so many comparisons can be significant.

    The smallest p of the sign-flip test with n seeds is 2 / 2ⁿ.

    >>> minimum_seeds(7)
    9
    """
    return max(MINIMUM_SEEDS, math.floor(math.log2(2 * comparisons / level)) + 1)


def seeds_to_go_on(look: Look, seeds: int, comparisons: int = 1) -> int:
    """Return the fewest seeds with which a later look of the same study could call one better.

    This look is spent, so the next one is judged more strictly: in a plan by the plan, otherwise,
    and after the plan's last look, as one look more.

    Args:
        look: the present one.
        seeds: at it.
        comparisons: pairs that share each look's level.
    """
    if look.planned:
        plan = planned_looks(look.max_seeds, look.comparisons)
        for count, later in plan.items():
            if count > seeds and count >= minimum_seeds(comparisons, later.level):
                return count
    earlier = () if look.planned else look.earlier
    # Looks with fewer seeds than that can settle nothing and are not counted.
    spent = (*earlier, seeds) if seeds >= MINIMUM_SEEDS or look.planned else earlier
    return minimum_seeds(comparisons, unplanned_look(spent).level)


def planned_looks(most: int, comparisons: int = 1) -> dict[int, Look]:
    """Return how each look of a study that ends as soon as it is settled is judged, by seeds.

    A group-sequential design after Wang and Tsiatis (1987): it looks at six seeds and then after
    every second one, from 24 on after every additional eighth. Of studies of two equal recipes,
    5 % call one better at any of the looks. The shape was chosen by simulation
    (docs/statistics.md). The levels apply to the p of any test (the significance-level approach of
    Jennison and Turnbull, 2000, 4.4).

    Args:
        most: seeds at the last look, 6 to 1,000.
        comparisons: pairs in the study, which share the 5 % (Bonferroni).
    """
    counts = [MINIMUM_SEEDS]
    while counts[-1] < most:
        counts.append(min(most, counts[-1] + max(_STEP, counts[-1] // _GROWTH)))
    seeds = tuple(counts)
    levels, equivalence = (
        [comparisons * level for level in boundary(seeds, SIGNIFICANCE / comparisons, sides=sides)]
        for sides in (2, 1)
    )
    return {
        count: Look(
            number=number + 1,
            planned=len(seeds),
            max_seeds=most,
            comparisons=comparisons,
            level=levels[number],
            equivalence_level=equivalence[number],
            earlier=seeds[:number],
        )
        for number, count in enumerate(seeds)
    }


@cache
def boundary(
    counts: tuple[int, ...], alpha: float, *, sides: int, shape: float = _SHAPE
) -> tuple[float, ...]:
    """Return the p below which each look rejects, so that a true null is rejected at any of them
    with ``alpha``.

    The bound on the standardised mean at n of N observations is proportional to (n / N)^(shape -
    1/2) (Wang and Tsiatis, 1987), its factor found by the recursive integration of Armitage,
    McPherson and Rowe (1969) over normal increments.

    Args:
        counts: observations at each look, ascending.
        alpha: over all looks, 0 to 1.
        sides: 1 or 2.
        shape: 0 is O'Brien and Fleming's, 0.5 Pocock's.

    >>> [round(p, 4) for p in boundary((1, 2, 3, 4, 5), 0.05, sides=2, shape=0.5)]
    [0.0158, 0.0158, 0.0158, 0.0158, 0.0158]
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    ends = np.array(counts, float)
    weights = (ends / ends[-1]) ** (shape - 0.5)
    factor = brentq(lambda c: _crossing(ends, c * weights, sides) - alpha, 0.5, _TAIL)
    return tuple(float(sides * norm.sf(bound)) for bound in factor * weights)


def _crossing(ends: NDArray[np.float64], bounds: NDArray[np.float64], sides: int) -> float:
    """Return the probability that a sum of standard normal draws crosses its bounds at any of the
    looks.
    """
    from scipy.stats import norm

    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    crossed, places, masses = 0.0, np.zeros(1), np.ones(1)
    for step, end, bound in zip(np.diff(ends, prepend=0.0), ends, bounds, strict=True):
        high = bound * end**0.5
        low = -high if sides == 2 else -_TAIL * end**0.5
        scale = step**0.5
        crossed += masses @ norm.sf((high - places) / scale)
        if sides == 2:
            crossed += masses @ norm.cdf((low - places) / scale)
        reached = (high + low) / 2 + (high - low) / 2 * nodes
        density = norm.pdf((reached[:, None] - places) / scale) @ masses / scale
        places, masses = reached, density * weights * (high - low) / 2
    return float(crossed)
