"""Remarks: what a reader of a verdict should know besides, each one sentence."""

import math
from collections.abc import Iterator, Sequence

from mnistlab.statistics.difference import Difference, minimum_seeds
from mnistlab.statistics.interval import FEWEST
from mnistlab.statistics.looks import SIGNIFICANCE
from mnistlab.statistics.power import seeds_for_equivalence, seeds_needed
from mnistlab.statistics.sample import Sample
from mnistlab.statistics.summary import Summary
from mnistlab.statistics.verdict import order, oriented, p_value, points, said_of_looks, span

_CARRIED = 0.5
"""Share of a difference that must be left without odd runs, lest they be said to carry it."""
_TOLD = ("mnistlab", "torch")


def remarks_on(difference: Difference, summaries: Sequence[Summary]) -> list[str]:
    """Return what there is to say of one pair, beside its verdict."""
    first, second = (
        next(summary for summary in summaries if summary.label == label)
        for label in (difference.first, difference.second)
    )
    said = [
        said_of_looks(difference.look),
        on_odd_runs(difference, first, second),
        on_new_images(difference),
        on_loss(difference, "test" if first.tested_on == "test" else "held-out"),
        on_pairing(difference),
        on_seeds(difference, first.test_images),
    ]
    return [remark for remark in said if remark]


def on_odd_runs(difference: Difference, first: Summary, second: Summary) -> str:
    """Say whether odd runs, or a few large differences, carry the difference; empty if they do not."""
    ahead, behind, by = order(difference)
    odd = {*first.odd_seeds, *second.odd_seeds} & {*difference.seeds}
    others = [value for seed, value in zip(difference.seeds, difference.differences, strict=True) if seed not in odd]
    if odd and others:
        rest = math.fsum(others) / len(others)
        if rest * difference.mean <= 0 or abs(rest) < _CARRIED * abs(difference.mean):
            runs = "; ".join(filter(None, (_name_odd(summary, odd) for summary in (first, second))))
            left = rest if ahead == difference.first else -rest
            return f"{runs}: without, {ahead} would be {_lead(left)}, with it {_lead(by)}"
    middle = difference.interquartile_mean if ahead == difference.first else -difference.interquartile_mean
    wins = difference.superiority if ahead == difference.first else 1 - difference.superiority
    if by and len(difference.seeds) >= FEWEST and (wins < 0.5 or middle < 0):
        return (
            f"a few large differences decide the mean: a run of {ahead} beats one of {behind} in "
            f"{100 * wins:.0f} % of all pairs, and the middle half of the differences has a mean of "
            f"{points(middle)} points"
        )
    return ""


def on_new_images(difference: Difference) -> str:
    """Say how it would stand on new images of the same kind; empty with too few seeds."""
    found = difference.new_images
    if found is None or difference.verdict == "too few seeds":
        return ""
    ahead, behind, _ = order(difference)
    interval = f"95 % interval {span(oriented(difference, found.interval))}"
    if found.interval.excludes_zero:
        also = ", too," if difference.verdict == "better" else ""
        return f"on new images of the same kind{also} {ahead} would be better than {behind} ({interval})"
    if found.interval.within(difference.margin):
        return f"on new images of the same kind, too, they would be equivalent within the margin ({interval})"
    half = (found.interval.high - found.interval.low) / 2
    limit = "images" if found.images_reach > found.seeds_reach else "seeds"
    return (
        f"on new images of the same kind it is open which of {ahead} and {behind} is better ({interval}): of "
        f"±{points(half)} points, any number of seeds would leave ±{points(found.images_reach)}, any number of "
        f"test images ±{points(found.seeds_reach)}, so more {limit} would tell most"
    )


def on_loss(difference: Difference, noun: str) -> str:
    """Say whether one of two recipes has the lower loss; empty with too few seeds."""
    interval = difference.loss_interval
    if difference.verdict == "too few seeds" or interval is None:
        return ""
    low, high = (-interval.high, -interval.low) if difference.loss < 0 else (interval.low, interval.high)
    figures = f"95 % interval {low:.4f} to {high:.4f}, {p_value(difference.adjusted_loss_p)}".replace("-", "−")
    lower, higher = (
        (difference.first, difference.second) if difference.loss < 0 else (difference.second, difference.first)
    )
    if difference.adjusted_loss_p < SIGNIFICANCE:
        return f"{lower} has a lower {noun} loss than {higher}, by {abs(difference.loss):.4f} nats ({figures})"
    return f"in {noun} loss it is inconclusive: {lower} is lower by {abs(difference.loss):.4f} nats ({figures})"


def on_pairing(difference: Difference) -> str:
    """Say what it brought that both were trained with the same seeds; empty where that cannot be told."""
    if difference.correlation is None or difference.verdict == "too few seeds":
        return ""
    correlation = f"{difference.correlation:.2f}".replace("-", "−")
    narrower = round(100 * (1 - math.sqrt(1 - max(difference.correlation, 0.0))))
    if not narrower:
        return f"runs of the same seed are not correlated ({correlation}): pairing them brought nothing"
    return (
        f"runs of the same seed are correlated by {correlation}: pairing them made the interval {narrower} % narrower"
    )


def on_seeds(difference: Difference, test_images: int) -> str:
    """Say how many seeds an open question takes; empty if it is settled, or too few are there to guess from."""
    if difference.verdict != "inconclusive" or difference.deviation is None:
        return ""
    image = 100 / test_images
    size = max(difference.margin, image)
    named = "one image" if size == image else f"{points(size)} points"
    needs = (
        (f"a difference of {named}", seeds_needed(size, difference.deviation, minimum_seeds(difference.comparisons))),
        (f"equivalence within {named}", seeds_for_equivalence(size, difference.deviation)),
    )
    told = [
        f"{what} with {f'about {seeds:,}' if seeds else 'more than 80,000'} seeds"
        for what, seeds in needs
        if seeds is None or seeds > len(difference.seeds)
    ]
    return f"four of five comparisons would find {' and '.join(told)}" if told else ""


def on_versions(samples: Sequence[Sample]) -> Iterator[str]:
    """Say of which versions the runs are, or which devices, if not all are of the same."""
    environments = {sample.label: [record.environment for record in sample.records] for sample in samples}
    for name in _TOLD:
        seen = {
            label: sorted({here.versions.get(name, "unknown") for here in those})
            for label, those in environments.items()
        }
        if len({version for versions in seen.values() for version in versions}) > 1:
            yield _spread(f"{name} versions", seen)
    devices = {label: sorted({here.device for here in those}) for label, those in environments.items()}
    if len({device for those in devices.values() for device in those}) > 1:
        yield _spread("devices", devices)


def _spread(what: str, seen: dict[str, list[str]]) -> str:
    each = "; ".join(f"{label}: {', '.join(values)}" for label, values in seen.items())
    return f"these runs are of different {what}, which may be the difference ({each})"


def _name_odd(summary: Summary, odd: set[int]) -> str:
    runs = dict(zip(summary.seeds, summary.accuracies, strict=True))
    mine = [seed for seed in summary.odd_seeds if seed in odd]
    others = [runs[seed] for seed in summary.seeds if seed not in summary.odd_seeds]
    if not mine:
        return ""
    named = ", ".join(f"seed {seed} of {summary.label} reads {runs[seed]:.2f} %" for seed in mine)
    return f"{named} where its others read {min(others):.2f} to {max(others):.2f} %"


def _lead(by: float) -> str:
    return f"{'ahead' if by > 0 else 'behind'} by {points(abs(by))} points"
