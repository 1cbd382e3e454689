"""Verdict: a comparison's answer in one plain sentence, and what goes with it."""

import math
from collections.abc import Sequence

from mnistlab.statistics.difference import SIGNIFICANCE, Difference
from mnistlab.statistics.power import seeds_needed
from mnistlab.statistics.summary import Interval

MINIMUM_SEEDS = 6
"""With five, no sign-flip test can reach p < 0.05: 2 of 32 throws are as extreme as the most extreme."""
_SMALLEST = 0.0005
_WORTHWHILE = (0.05, 0.1)
"""Differences, in points, for which the number of seeds needed is told."""


def minimum_seeds(comparisons: int) -> int:
    """Return the fewest seeds with which one of so many comparisons can be significant after Holm's correction."""
    return max(MINIMUM_SEEDS, math.ceil(math.log2(2 * comparisons / SIGNIFICANCE)))


def pronounce(difference: Difference) -> str:
    """Say whether one of two recipes is better on this test set."""
    ahead, behind, by = _order(difference)
    if _too_few(difference):
        so_far = (
            f"{ahead} is ahead of {behind} by {points(by)} points so far" if by else f"{ahead} and {behind} are even"
        )
        return f"{_need(difference)}: {so_far}"
    figures = f"{_interval(difference)}, {p_value(difference.adjusted_p)}, {len(difference.seeds)} seeds"
    if difference.settled:
        return f"{ahead} is better than {behind} by {points(by)} points ({figures})"
    lead = f"{ahead} is ahead of {behind} by {points(by)} points" if by else f"{ahead} and {behind} are even"
    return f"not settled: {lead} ({figures})"


def pronounce_all(differences: Sequence[Difference], anchor: str) -> str:
    """Say of one recipe how it stands to each of the others, on this test set.

    Args:
        differences: each of the anchor and another recipe.
        anchor: the one recipe's label.
    """
    if len(differences) == 1:
        return pronounce(differences[0])
    if all(map(_too_few, differences)):
        beaten = sum(_order(difference)[0] == anchor for difference in differences)
        return f"{_need(differences[0])}: {anchor} is ahead of {beaten} of {len(differences)} others so far"
    groups: dict[str, list[str]] = {"better than": [], "worse than": [], "not settled against": []}
    for difference in differences:
        ahead, behind, by = _order(difference)
        other = difference.second if difference.first == anchor else difference.first
        if difference.settled and not _too_few(difference):
            groups["better than" if ahead == anchor else "worse than"].append(f"{other} (by {points(by)})")
        else:
            groups["not settled against"].append(f"{other} ({points(by if behind == other else -by)})")
    seeds = sorted({len(difference.seeds) for difference in differences})
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    said = "; ".join(f"{relation} {', '.join(others)}" for relation, others in groups.items() if others)
    opening = f"{anchor} is {said}"
    if not (groups["better than"] or groups["worse than"]):
        opening = f"not settled: {anchor} against {', '.join(groups['not settled against'])}"
    return f"{opening} (points, p < 0.05 corrected for {differences[0].comparisons} comparisons, {count} seeds)"


def pronounce_on_new_images(difference: Difference) -> str:
    """Say whether it would be better on new images of the same kind; empty if nothing can be said."""
    if difference.new_images is None or _too_few(difference):
        return ""
    ahead, behind, _ = _order(difference)
    interval = f"95 % interval {span(_oriented(difference, difference.new_images))}"
    if difference.new_images.low * difference.new_images.high > 0:
        return f"on new images of the same kind, too, {ahead} would be better than {behind} ({interval})"
    return (
        f"on new images of the same kind it is open which of {ahead} and {behind} is better ({interval}): "
        "the test set is too small to tell, however many seeds are trained"
    )


def pronounce_on_loss(difference: Difference) -> str:
    """Say whether one of two recipes has the lower test loss; empty with too few seeds."""
    interval = difference.loss_interval
    if _too_few(difference) or interval is None:
        return ""
    turned = difference.loss < 0
    low, high = (-interval.high, -interval.low) if turned else (interval.low, interval.high)
    figures = f"95 % interval {low:.4f} to {high:.4f}, {p_value(difference.loss_p)}".replace("-", "−")
    lower, higher = (difference.first, difference.second) if turned else (difference.second, difference.first)
    if difference.loss_p < SIGNIFICANCE and interval.low * interval.high > 0:
        return f"{lower} has a lower test loss than {higher}, by {abs(difference.loss):.4f} nats ({figures})"
    return f"in test loss nothing is settled: {lower} is lower by {abs(difference.loss):.4f} nats ({figures})"


def pronounce_on_seeds(difference: Difference) -> str:
    """Say how many seeds would settle it; empty if it is settled, or too few are there to guess from."""
    if difference.settled or len(difference.seeds) < 3:
        return ""
    observed = round(abs(difference.mean), 2)
    needs = []
    for size in sorted({*_WORTHWHILE, *([observed] if observed else [])}):
        seeds = seeds_needed(size, difference.deviation, minimum_seeds(difference.comparisons))
        needs.append(f"{size:.2f} points would need {f'about {seeds:,}' if seeds else 'more than 80,000'} seeds")
    return f"to see it in four of five comparisons, a difference of {', one of '.join(needs)}"


def p_value(p: float) -> str:
    """Write a p as ``p < 0.001`` or ``p = 0.034``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def span(interval: Interval) -> str:
    """Write an interval as ``−0.02 to 0.14``."""
    return f"{points(interval.low)} to {points(interval.high)}"


def points(value: float) -> str:
    """Write points with two decimals, three where two would hide on which side of 0 they lie, and a true minus sign."""
    decimals = 3 if abs(value) < 0.005 else 2
    text = f"{value:.{decimals}f}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")


def _too_few(difference: Difference) -> bool:
    return len(difference.seeds) < minimum_seeds(difference.comparisons)


def _need(difference: Difference) -> str:
    need = f"at least {minimum_seeds(difference.comparisons)} are needed"
    family = f" for {difference.comparisons} comparisons" if difference.comparisons > 1 else ""
    return f"too few seeds to tell ({len(difference.seeds)}; {need}{family})"


def _order(difference: Difference) -> tuple[str, str, float]:
    """Return the label ahead, the label behind, and by how much; what would be shown as 0.00 is 0."""
    by = difference.mean if abs(difference.mean) >= _SMALLEST else 0.0
    return (difference.first, difference.second, by) if by >= 0 else (difference.second, difference.first, -by)


def _oriented(difference: Difference, interval: Interval) -> Interval:
    turned = difference.mean <= -_SMALLEST
    return Interval(low=-interval.high, high=-interval.low) if turned else interval


def _interval(difference: Difference) -> str:
    return f"95 % interval {span(_oriented(difference, difference.interval))}" if difference.interval else "no interval"
