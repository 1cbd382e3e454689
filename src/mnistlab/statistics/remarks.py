"""Remarks: what a reader should know besides the verdict, each in one sentence."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from mnistlab.recipe import TESTED_IMAGES
from mnistlab.runs import MIXED
from mnistlab.statistics.difference import Difference
from mnistlab.statistics.interval import outliers
from mnistlab.statistics.looks import SIGNIFICANCE
from mnistlab.statistics.metric import METRIC_MEANINGS, METRIC_NAMES, Metric
from mnistlab.statistics.new_images import NewImages
from mnistlab.statistics.power import seeds_for_equivalence, seeds_needed
from mnistlab.statistics.run_group import RunGroup
from mnistlab.statistics.summary import Summary
from mnistlab.statistics.verdict import describe_looks, order, oriented, p_value, points, span

_CARRIED = 0.5
"""Share of a difference that a few seeds must account for to be mentioned."""
_FAR, _LEAST, _FEWEST = 8.0, 4.0, 8
"""Robust standard deviations from the median beyond which a difference is far, binomial ones that
it must be beyond as well, and seeds needed to say so."""
_VERSIONED = ("mnistlab", "torch")


def remarks_on(
    differences: Sequence[Difference], summaries: Sequence[Summary], pairs: int
) -> list[str]:
    """Return what to say besides a verdict: everything about one pair, and about several what the
    table does not show.

    Args:
        differences: those that the verdict is about.
        summaries: of all recipes.
        pairs: how many are compared in all.
    """
    if not differences:
        return []
    known = {summary.label: summary for summary in summaries}
    images, alone = summaries[0].test_images, differences[0]
    said = [
        *describe_looks(differences, pairs),
        *(on_odd_runs(found, known[found.first], known[found.second]) for found in differences),
    ]
    if len(differences) == 1:
        said += [
            on_new_images(alone, TESTED_IMAGES[summaries[0].tested_on], summaries[0].folds),
            on_loss(alone, summaries[0].tested_on),
            on_pairing(alone),
        ]
    # The pair whose differences vary most needs most seeds.
    said.append(
        on_seeds(max(differences, key=lambda found: (not found.settled, found.std or 0.0)), images)
    )
    return list(dict.fromkeys(filter(None, said)))


def on_folds(summary: Summary) -> str:
    """Say how the images of a cross-validation were classified; empty for other runs."""
    if not summary.folds:
        return ""
    return (
        f"{summary.folds}-fold cross-validation: each of the {summary.test_images:,} images is"
        " classified by a model that was not trained on it; what varies from seed to seed is the"
        " training, not the images or their folds"
    )


def on_metric(metric: Metric) -> str:
    """Say by what recipes are judged, and what is not computed of it; empty for accuracy."""
    if metric == "accuracy":
        return ""
    name = METRIC_NAMES[metric]
    return (
        f"judged by {name} ({METRIC_MEANINGS[metric]}); the interval on new images and McNemar's"
        f" test are left out, since they count images and {name} is no mean over images"
    )


def on_odd_runs(difference: Difference, first: Summary, second: Summary) -> str:
    """Say whether odd runs, or a few large differences, account for the difference or hide one;
    empty if they do not.
    """
    odd = {*first.odd_seeds, *second.odd_seeds} & {*difference.seeds}
    for seeds in (odd, _far_seeds(difference, first, second) - odd):
        others = [
            value
            for seed, value in zip(difference.seeds, difference.differences, strict=True)
            if seed not in seeds
        ]
        if not seeds or not others:
            continue
        mean, rest = difference.mean, math.fsum(others) / len(others)
        if abs(rest - mean) <= _CARRIED * max(abs(rest), abs(mean)):
            continue
        # The recipe ahead is named first, whatever the order of the two.
        sign = 1 if (mean if order(difference)[2] else rest) >= 0 else -1
        one, other = (first, second) if sign == 1 else (second, first)
        runs = "; ".join(filter(None, (_name_odd(summary, seeds) for summary in (one, other))))
        return (
            f"{runs or _name_far(seeds)}: without such seeds {one.label} would be"
            f" {_stand(sign * rest)} {other.label}, with them it is {_stand(sign * mean)} it"
        )
    return ""


def on_new_images(difference: Difference, images: str = "test images", folds: int = 0) -> str:
    """Say how the two compare on new images of the same kind; empty where that is unknown.

    Args:
        difference: of the two recipes.
        images: what the images tested on are called.
        folds: of a cross-validation, in which new images would be trained on as well.
    """
    found = difference.new_images
    if found is None or difference.verdict == "too few seeds":
        return ""
    ahead, behind, _ = order(difference)
    interval = f"95 % interval {span(oriented(difference, found.interval))}"
    seeds_alone = difference.simultaneous
    if seeds_alone and span(seeds_alone) == span(found.interval):
        interval = "with the same interval"
    if folds:
        interval += ", which leaves out that other images would also train other models"
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
    return (
        f"on new images of the same kind it is open which of {ahead} and {behind} is better"
        f" ({interval}); {_what_would_help(difference, found, images)}"
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
    """Say what pairing the runs by seed did to the interval; empty where that is unknown."""
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
    """Say how many seeds an inconclusive question takes, and if there are too few images for it;
    empty if it is settled, or if there are too few seeds to estimate it from.

    Args:
        difference: of the two recipes.
        test_images: how many images the runs were tested on; one of them is the smallest
            difference asked about.
    """
    if difference.verdict != "inconclusive" or difference.std is None:
        return ""
    image, margin, comparisons = 100 / test_images, difference.margin, difference.comparisons
    named = f"{margin:g} points" if margin >= image else "one image"
    needs = {
        f"a difference of {named}": seeds_needed(max(margin, image), difference.std, comparisons)
    }
    if margin >= image:
        needs[f"equivalence within {named}, if there is no difference,"] = seeds_for_equivalence(
            margin, max(difference.std, image), comparisons
        )
    told = [
        f"{what} with {f'about {seeds:,}' if seeds else 'more than 80,000'} seeds"
        for what, seeds in needs.items()
        if seeds is None or seeds > len(difference.seeds)
    ]
    found = [f"four of five new studies would show {', and '.join(told)}"] if told else []
    if margin < image:
        found.append(
            f"one of {test_images:,} test images is {image:.2g} points, too many to show"
            f" equivalence within {margin:g}"
        )
    return "; ".join(found)


def on_versions(groups: Sequence[RunGroup]) -> Iterator[str]:
    """Say which versions and devices the runs were made with, if they differ."""
    environments = {
        group.label: [record.environment for record in group.records] for group in groups
    }
    for name in (*_VERSIONED, "device"):
        seen = {
            label: sorted(
                {
                    value
                    for here in those
                    for value in (
                        here.device if name == "device" else here.versions.get(name, "unknown")
                    ).split(MIXED)
                }
            )
            for label, those in environments.items()
        }
        if len({value for values in seen.values() for value in values}) > 1:
            what = "devices" if name == "device" else f"{name} versions"
            each = "; ".join(f"{label}: {', '.join(values)}" for label, values in seen.items())
            apart = len(set(map(tuple, seen.values()))) > 1
            yield (
                f"these runs were made with different {what}"
                f"{', which may explain the difference' if apart else ''} ({each})"
            )


def _far_seeds(difference: Difference, first: Summary, second: Summary) -> set[int]:
    """Return the seeds whose differences are far from all others'; none of a few seeds."""
    if len(difference.seeds) < _FEWEST:
        return set()
    images = first.test_images
    least = max(_LEAST * math.sqrt(first.chance + second.chance), 1.0) * 100 / images
    far = outliers(np.array(difference.differences), _FAR, least)
    return {seed for seed, odd in zip(difference.seeds, far, strict=True) if odd}


def _name_far(seeds: set[int]) -> str:
    named = [str(seed) for seed in sorted(seeds)]
    if len(named) == 1:
        return f"the difference of seed {named[0]} is far from all others"
    return f"the differences of seeds {', '.join(named)} are far from all others"


def _name_odd(summary: Summary, odd: set[int]) -> str:
    runs = dict(zip(summary.seeds, summary.judged.values, strict=True))
    mine = [seed for seed in summary.odd_seeds if seed in odd]
    others = [runs[seed] for seed in summary.seeds if seed not in summary.odd_seeds]
    if not mine:
        return ""
    named = ", ".join(f"seed {seed} of {summary.label} reaches {runs[seed]:.2f} %" for seed in mine)
    return f"{named} where its others reach {min(others):.2f} to {max(others):.2f} %"


def _what_would_help(difference: Difference, found: NewImages, images: str) -> str:
    """Say whether more seeds or more images could settle it, if the difference stays as it is."""
    mean = abs(difference.mean)

    def settles(reach: float) -> bool:
        return reach < mean or reach < difference.margin - mean

    more_images = f"more {images} could narrow it to about ±{points(found.seeds_reach)} points"
    if found.images_p >= SIGNIFICANCE:
        # As if images had no part in it at all; few images cannot tell that they have none.
        exact = points(found.seeds_reach) == "0.00"
        return (
            f"{'' if exact else f'{more_images} at best; '}that the recipes find different images"
            " difficult is not shown, so more seeds are what could settle it"
        )
    reaches = f"{more_images} at best, more seeds to about ±{points(found.images_reach)}"
    match settles(found.images_reach), settles(found.seeds_reach):
        case True, True:
            could = "more seeds or more images could settle it"
        case True, False:
            could = "more seeds could settle it, more images alone could not"
        case False, True:
            could = "more images could settle it, more seeds alone could not"
        case _:
            could = "it would take more of both to settle it"
    return f"{reaches}: {could}"


def _stand(by: float) -> str:
    shown = points(abs(by))
    return (
        "even with" if shown == "0.00" else f"{shown} points {'ahead of' if by > 0 else 'behind'}"
    )
