"""Verdict: the answer of a comparison in one sentence."""

from collections.abc import Iterator, Sequence

from mnistlab.statistics.difference import Difference
from mnistlab.statistics.interval import Interval
from mnistlab.statistics.looks import SIGNIFICANCE, Look
from mnistlab.statistics.metric import METRIC_NAMES

_SMALLEST = 0.0005


def pronounce(difference: Difference) -> str:
    """Say which of two recipes is better on the images tested on, or that they are equivalent."""
    ahead, behind, by = order(difference)
    lead = (
        f"{ahead} is ahead of {behind} by {points(by)} {unit(difference)}"
        if by
        else f"{ahead} and {behind} are even"
    )
    figures = (
        f"{_interval(difference)}, {p_value(difference.adjusted_p)}, {len(difference.seeds)} seeds"
    )
    match difference.verdict:
        case "too few seeds":
            return f"{_need(difference)}: {lead} so far"
        case "better":
            said = f"{ahead} is better than {behind} by {points(by)} {unit(difference)} ({figures})"
            small = f", though within the margin of {margin(difference)} points"
            return said + (small if difference.adjusted_equivalence_p < SIGNIFICANCE else "")
        case "equivalent":
            equal = f"{p_value(difference.adjusted_equivalence_p)} for a larger difference"
            return (
                f"{ahead} and {behind} are equivalent within {margin(difference)}"
                f" {unit(difference)} ({equal}): {lead} ({figures})"
            )
        case _:
            return f"inconclusive: {lead} ({figures})"


def pronounce_all(differences: Sequence[Difference], anchor: str) -> str:
    """Say how one recipe compares with each of the others on the images tested on.

    Args:
        differences: each of the anchor and another recipe.
        anchor: the one recipe's label.
    """
    if len(differences) == 1:
        return pronounce(differences[0])
    if all(difference.verdict == "too few seeds" for difference in differences):
        leads: dict[str, list[str]] = {"ahead of": [], "behind": [], "even with": []}
        for difference in differences:
            ahead, behind, by = order(difference)
            relation = "even with" if not by else "ahead of" if ahead == anchor else "behind"
            other = behind if ahead == anchor else ahead
            leads[relation].append(f"{other} (by {points(by)} {unit(difference)})" if by else other)
        places = [f"{relation} {', '.join(others)}" for relation, others in leads.items() if others]
        return f"{_need(differences[0])}: so far {anchor} is {'; '.join(places)}"
    groups: dict[str, list[str]] = {
        "better than": [],
        "worse than": [],
        "equivalent to": [],
        "": [],
        "few": [],
    }
    for difference in differences:
        ahead_label, behind, by = order(difference)
        other = difference.second if difference.first == anchor else difference.first
        lead = points(by if behind == other else -by)
        match difference.verdict:
            case "better":
                relation = "better than" if ahead_label == anchor else "worse than"
                groups[relation].append(f"{other} (by {points(by)})")
            case "equivalent":
                groups["equivalent to"].append(f"{other} ({lead})")
            case "too few seeds":
                groups["few"].append(f"{other} ({lead})")
            case _:
                groups[""].append(f"{other} ({lead})")
    counts = sorted({len(difference.seeds) for difference in differences})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    allowed = (
        f"{unit(differences[0])}; margin {margin(differences[0])}, p < 0.05 corrected for"
        f" {differences[0].comparisons} pairs"
    )
    open_ones, few = groups.pop(""), groups.pop("few")
    said = [f"{relation} {', '.join(others)}" for relation, others in groups.items() if others]
    if not (said or few):
        return f"inconclusive: {anchor} against {', '.join(open_ones)} ({allowed}, {seeds} seeds)"
    opening = [f"{anchor} is {'; '.join(said)}"] if said else []
    opening += [f"inconclusive against {', '.join(open_ones)}"] if open_ones else []
    opening += [f"too few seeds against {', '.join(few)}"] if few else []
    return f"{'; '.join(opening)} ({allowed}, {seeds} seeds)"


def order(difference: Difference) -> tuple[str, str, float]:
    """Return the label ahead, the label behind, and by how many points, 0 if shown as 0.00."""
    by = difference.mean if abs(difference.mean) >= _SMALLEST else 0.0
    return (
        (difference.first, difference.second, by)
        if by >= 0
        else (difference.second, difference.first, -by)
    )


def oriented(difference: Difference, interval: Interval) -> Interval:
    """Turn an interval of the first less the second into the recipe ahead less the other."""
    return -interval if difference.mean <= -_SMALLEST else interval


def describe_looks(differences: Sequence[Difference], pairs: int) -> Iterator[str]:
    """Say which look at each pair it is, if it is not a first one that stands alone, and how that
    is allowed for.

    Args:
        differences: those that the verdict is about.
        pairs: how many are compared in all.
    """
    by_look: dict[Look, list[str]] = {}
    for found in differences:
        by_look.setdefault(found.look, []).append(f"{found.first} and {found.second}")
    for look, those in by_look.items():
        whom = "these recipes" if len(by_look) == 1 else "; ".join(those)
        if text := _describe_look(look, whom):
            yield text
    known = max(found.look.comparisons for found in differences)
    if known > pairs:
        yield (
            f"these runs were first compared in a study of {known} pairs: p and intervals still"
            " allow for all of them"
        )


def p_value(p: float) -> str:
    """Write a p as ``p < 0.001`` or ``p = 0.034``."""
    if p < 0.001:
        return "p < 0.001"
    # Three decimals would hide on which side of 0.05 it lies.
    close = f"{p:.3f}" == f"{SIGNIFICANCE:.3f}" and p != SIGNIFICANCE
    return f"p = {p:.4f}" if close else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def span(interval: Interval) -> str:
    """Write an interval as ``−0.02 to 0.14``."""
    return f"{points(interval.low)} to {points(interval.high)}"


def points(value: float) -> str:
    """Write points with two decimals, three where two would hide on which side of 0 they lie, and a
    true minus sign.
    """
    decimals = 3 if abs(value) < 0.005 else 2
    text = f"{value:.{decimals}f}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")


def unit(difference: Difference) -> str:
    """Return what a difference is measured in: ``points``, of accuracy unless it says more."""
    of = "" if difference.metric == "accuracy" else f" of {METRIC_NAMES[difference.metric]}"
    return f"points{of}"


def margin(difference: Difference) -> str:
    """Write a difference's margin without trailing zeros."""
    return f"{difference.margin:g}"


def _describe_look(look: Look, whom: str) -> str:
    if look.planned:
        return (
            f"look {look.number} of at most {look.planned} planned looks at {whom}: p and intervals"
            " allow for all of them, so that 5 of 100 studies of two equal recipes would call one"
            " better at any look"
        )
    if not look.earlier:
        return ""
    return (
        f"look {look.number} at {whom}, after looks at {', '.join(map(str, look.earlier))} seeds:"
        " looking again until p < 0.05 raises false alarms, so this look is judged at p <"
        f" {look.level:.2g}, and p and intervals allow for it"
    )


def _need(difference: Difference) -> str:
    need = f"at least {difference.seeds_to_go_on} are needed"
    family = f" to compare {difference.comparisons} pairs" if difference.comparisons > 1 else ""
    return f"too few seeds to tell ({len(difference.seeds)}; {need}{family})"


def _interval(difference: Difference) -> str:
    interval = difference.simultaneous
    return f"95 % interval {span(oriented(difference, interval))}" if interval else "no interval"
