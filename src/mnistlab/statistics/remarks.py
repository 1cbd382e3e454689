"""Remarks: what a reader of a verdict should know besides, each one sentence."""

import math
from collections.abc import Iterator, Sequence

from mnistlab.recipe import TESTED_IMAGES
from mnistlab.statistics.difference import Difference
from mnistlab.statistics.interval import FEWEST
from mnistlab.statistics.looks import SIGNIFICANCE
from mnistlab.statistics.power import seeds_for_equivalence, seeds_needed
from mnistlab.statistics.run_group import RunGroup
from mnistlab.statistics.summary import Summary
from mnistlab.statistics.verdict import order, oriented, p_value, points, said_of_looks, span

_CARRIED = 0.5
"""Share of a difference that must be left without odd runs, lest they be said to carry it."""
_ALIKE = 1.25
"""Times the smaller of two reaches within which they count as alike."""
_TOLD = ("mnistlab", "torch")


def remarks_on(differences: Sequence[Difference], summaries: Sequence[Summary]) -> list[str]:
    """Return what there is to say beside a verdict: of one pair all, of several what the table does
    not say.

    Args:
        differences: those that the verdict is about.
        summaries: of all recipes.
    """
    if not differences:
        return []
    known = {summary.label: summary for summary in summaries}
    images, alone = summaries[0].test_images, differences[0]
    said = [
        said_of_looks(alone.look),
        *(on_odd_runs(found, known[found.first], known[found.second]) for found in differences),
    ]
    if len(differences) == 1:
        said += [
            on_new_images(alone, TESTED_IMAGES[summaries[0].tested_on]),
            on_loss(alone, summaries[0].tested_on),
            on_pairing(alone),
        ]
    # The pair whose differences spread most needs most.
    said.append(
        on_seeds(max(differences, key=lambda found: (not found.settled, found.std or 0.0)), images)
    )
    return list(dict.fromkeys(filter(None, said)))


def on_odd_runs(difference: Difference, first: Summary, second: Summary) -> str:
    """Say whether odd runs, or a few large differences, carry the difference; empty if they do
    not.
    """
    ahead, behind, by = order(difference)
    turn = 1 if ahead == difference.first else -1
    odd = {*first.odd_seeds, *second.odd_seeds} & {*difference.seeds}
    others = [
        value
        for seed, value in zip(difference.seeds, difference.differences, strict=True)
        if seed not in odd
    ]
    if odd and others:
        rest = turn * math.fsum(others) / len(others)
        if rest <= 0 or rest < _CARRIED * by:
            runs = "; ".join(filter(None, (_name_odd(summary, odd) for summary in (first, second))))
            return (
                f"{runs}: without such seeds {ahead} would be {_stand(rest)} {behind}, with them it"
                f" is {_stand(by)} it"
            )
    middle = turn * difference.interquartile_mean
    wins = difference.superiority if turn == 1 else 1 - difference.superiority
    if by and len(difference.seeds) >= FEWEST and (wins < 0.5 or middle < 0):
        return (
            f"a few large differences decide the mean: a run of {ahead} beats one of {behind} in"
            f" {100 * wins:.0f} % of all pairs, and the middle half of the differences has a mean"
            f" of {points(middle)} points"
        )
    return ""


def on_new_images(difference: Difference, images: str = "test images") -> str:
    """Say how it would stand on new images of the same kind; empty where that cannot be told.

    Args:
        difference: of the two recipes.
        images: what those are called that they were tested on.
    """
    found = difference.new_images
    if found is None or difference.verdict == "too few seeds":
        return ""
    ahead, behind, _ = order(difference)
    interval = f"95 % interval {span(oriented(difference, found.interval))}"
    if difference.verdict == "better" and found.interval.excludes_zero:
        return (
            f"on new images of the same kind, too, {ahead} would be better than {behind}"
            f" ({interval})"
        )
    if difference.verdict == "equivalent" and found.interval.within(difference.margin):
        return (
            "on new images of the same kind, too, they would be equivalent within the margin"
            f" ({interval})"
        )
    half = (found.interval.high - found.interval.low) / 2
    seeds, others = found.seeds_reach, found.images_reach
    if max(seeds, others) <= _ALIKE * min(seeds, others):
        help_most = "more of either would help"
    else:
        help_most = f"more {'images' if others > seeds else 'seeds'} would help most"
    return (
        f"on new images of the same kind it is open which of {ahead} and {behind} is better"
        f" ({interval}): of ±{points(half)} points, any number of seeds would leave about"
        f" ±{points(others)}, any number of {images} about ±{points(seeds)}; {help_most}"
    )


def on_loss(difference: Difference, noun: str) -> str:
    """Say whether one of two recipes has the lower loss; empty with too few seeds.

    Args:
        difference: of the two recipes.
        noun: ``test`` or ``validation``.
    """
    interval = difference.loss_interval
    if difference.verdict == "too few seeds" or interval is None:
        return ""
    low, high = (
        (-interval.high, -interval.low) if difference.loss < 0 else (interval.low, interval.high)
    )
    figures = (
        f"95 % interval {low:.4f} to {high:.4f}, {p_value(difference.adjusted_loss_p)}".replace(
            "-", "−"
        )
    )
    lower, higher = (
        (difference.first, difference.second)
        if difference.loss < 0
        else (difference.second, difference.first)
    )
    by = f"{abs(difference.loss):.4f}"
    if difference.adjusted_loss_p < SIGNIFICANCE:
        return f"{lower} has a lower {noun} loss than {higher}, by {by} nats ({figures})"
    lead = (
        f"{lower} is lower by {by} nats"
        if float(by)
        else f"{difference.first} and {difference.second} are even"
    )
    return f"which {noun} loss is lower is open: {lead} ({figures})"


def on_pairing(difference: Difference) -> str:
    """Say what it brought that both were trained with the same seeds; empty where that cannot be
    told.
    """
    narrowed = difference.narrowed
    if difference.correlation is None or narrowed is None or difference.verdict == "too few seeds":
        return ""
    correlation = f"a correlation of {difference.correlation:.2f}".replace("-", "−")
    share = round(100 * abs(narrowed))
    brought = (
        f"{share} % {'narrower' if narrowed > 0 else 'wider'}"
        if share
        else "neither narrower nor wider"
    )
    return f"runs of the same seed have {correlation}: pairing them made the interval {brought}"


def on_seeds(difference: Difference, test_images: int) -> str:
    """Say how many seeds an open question takes; empty if it is settled, or too few are there to
    guess from.

    Args:
        difference: of the two recipes.
        test_images: how many images the runs were tested on; what is less than one of them is not
            asked for.
    """
    if difference.verdict != "inconclusive" or difference.std is None:
        return ""
    image, margin = 100 / test_images, difference.margin
    named = f"{margin:g} points" if margin >= image else "one image"
    needs = {
        f"a difference of {named}": seeds_needed(
            max(margin, image),
            difference.std,
            difference.minimum_seeds,
            SIGNIFICANCE / difference.comparisons,
        )
    }
    if margin >= image:
        needs[f"equivalence within {named}, if there is no difference,"] = seeds_for_equivalence(
            margin, max(difference.std, image), alpha=SIGNIFICANCE / difference.comparisons
        )
    told = [
        f"{what} with {f'about {seeds:,}' if seeds else 'more than 80,000'} seeds"
        for what, seeds in needs.items()
        if seeds is None or seeds > len(difference.seeds)
    ]
    return f"four of five new studies would show {', and '.join(told)}" if told else ""


def on_versions(groups: Sequence[RunGroup]) -> Iterator[str]:
    """Say of which versions the runs are, or of which devices, if not all are of the same."""
    environments = {
        group.label: [record.environment for record in group.records] for group in groups
    }
    for name in (*_TOLD, "device"):
        seen = {
            label: sorted(
                {
                    here.device if name == "device" else here.versions.get(name, "unknown")
                    for here in those
                }
            )
            for label, those in environments.items()
        }
        if len({value for values in seen.values() for value in values}) > 1:
            what = "devices" if name == "device" else f"{name} versions"
            each = "; ".join(f"{label}: {', '.join(values)}" for label, values in seen.items())
            apart = len(set(map(tuple, seen.values()))) > 1
            yield (
                "these runs are of different"
                f" {what}{', which may be the difference' if apart else ''} ({each})"
            )


def _name_odd(summary: Summary, odd: set[int]) -> str:
    runs = dict(zip(summary.seeds, summary.accuracies, strict=True))
    mine = [seed for seed in summary.odd_seeds if seed in odd]
    others = [runs[seed] for seed in summary.seeds if seed not in summary.odd_seeds]
    if not mine:
        return ""
    named = ", ".join(f"seed {seed} of {summary.label} reads {runs[seed]:.2f} %" for seed in mine)
    return f"{named} where its others read {min(others):.2f} to {max(others):.2f} %"


def _stand(by: float) -> str:
    shown = points(abs(by))
    return (
        "even with" if shown == "0.00" else f"{shown} points {'ahead of' if by > 0 else 'behind'}"
    )
