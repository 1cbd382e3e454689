"""Verdict: a comparison's answer in one plain sentence, and what goes with it."""

from mnistlab.statistics.difference import Difference
from mnistlab.statistics.power import seeds_needed
from mnistlab.statistics.summary import Interval

MINIMUM_SEEDS = 6
"""With five, no sign-flip test can reach p < 0.05: 2 of 32 throws are as extreme as the most extreme."""
_WORTHWHILE = (0.05, 0.1)
"""Differences, in points, for which the number of seeds needed is told."""


def pronounce(difference: Difference) -> str:
    """Say whether one of the two recipes is better on this test set.

    Args:
        difference: its ``adjusted_p`` counts.
    """
    ahead, behind, by = _order(difference)
    count = len(difference.seeds)
    if count < MINIMUM_SEEDS:
        so_far = f"{ahead} is ahead of {behind} by {by:.2f} points so far" if by else f"{ahead} and {behind} are even"
        return f"too few seeds to tell ({count}; at least {MINIMUM_SEEDS} are needed): {so_far}"
    figures = f"{_interval(difference)}, {p_value(difference.adjusted_p)}, {count} seeds"
    if difference.settled:
        return f"{ahead} is better than {behind} by {by:.2f} points ({figures})"
    lead = f"{ahead} is ahead of {behind} by {by:.2f} points" if by else f"{ahead} and {behind} are even"
    return f"not settled: {lead} ({figures})"


def pronounce_on_new_images(difference: Difference) -> str:
    """Say whether it would be better on new images of the same kind; empty if nothing can be said."""
    if difference.new_images is None or len(difference.seeds) < MINIMUM_SEEDS:
        return ""
    ahead, behind, _ = _order(difference)
    interval = f"95 % interval {span(_oriented(difference, difference.new_images))}"
    if difference.new_images.low * difference.new_images.high > 0:
        return f"on new images of the same kind, too, {ahead} would be better than {behind} ({interval})"
    return (
        f"on new images of the same kind it is open which of {ahead} and {behind} is better ({interval}): "
        "the test set is too small to tell, however many seeds are trained"
    )


def pronounce_on_seeds(difference: Difference) -> str:
    """Say how many seeds would settle it; empty if it is settled, or too few are there to guess from."""
    if difference.settled or len(difference.seeds) < 3:
        return ""
    observed = round(abs(difference.mean), 2)
    needs = []
    for points in sorted({*_WORTHWHILE, *([observed] if observed else [])}):
        seeds = seeds_needed(points, difference.deviation, MINIMUM_SEEDS)
        needs.append(f"{points:.2f} points would need {f'about {seeds:,}' if seeds else 'more than 80,000'} seeds")
    return f"to see it in four of five comparisons, a difference of {', one of '.join(needs)}"


def p_value(p: float) -> str:
    """Write a p as ``p < 0.001`` or ``p = 0.034``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def span(interval: Interval) -> str:
    """Write an interval as ``−0.02 to 0.14``."""
    return f"{points(interval.low)} to {points(interval.high)}"


def points(points: float) -> str:
    """Write points with two decimals, a true minus sign, and no negative zero."""
    return f"{points + 0.0:.2f}".replace("-0.00", "0.00").replace("-", "−")


def _order(difference: Difference) -> tuple[str, str, float]:
    """Return the label ahead, the label behind, and by how much, rounded to what is shown."""
    by = round(difference.mean, 2)
    return (difference.first, difference.second, by) if by >= 0 else (difference.second, difference.first, -by)


def _oriented(difference: Difference, interval: Interval) -> Interval:
    turned = round(difference.mean, 2) < 0
    return Interval(low=-interval.high, high=-interval.low) if turned else interval


def _interval(difference: Difference) -> str:
    return f"95 % interval {span(_oriented(difference, difference.interval))}" if difference.interval else "no interval"
