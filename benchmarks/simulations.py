"""Coverage and false alarms of the statistics, by simulation.

``make simulations`` runs all of them and writes results/simulations; docs/statistics.md shows the
table. Simulated runs resemble real ones: accuracies are whole images, most images are easy, and
differences vary over seeds with a standard deviation of 10 of 10,000 images (0.1 points). Every
random number follows from one seed.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.special import stdtr
from scipy.stats import bootstrap, norm

from mnistlab.report.table import Table
from mnistlab.runs import write_atomically
from mnistlab.statistics.interval import mean_interval
from mnistlab.statistics.looks import (
    FIRST_LOOK,
    SIGNIFICANCE,
    Look,
    boundary,
    planned_looks,
    unplanned_look,
)
from mnistlab.statistics.mean_test import equivalence_p, mean_tests
from mnistlab.statistics.new_images import on_new_images
from mnistlab.statistics.power import POWER, seeds_needed
from mnistlab.statistics.sign_flip import sign_flip_p
from mnistlab.statistics.superiority import superiority, superiority_interval

OUT = Path(__file__).parents[1] / "results" / "simulations"
IMAGES, SPREAD = 10_000, 10.0
"""Test images, and the standard deviation of a pair's difference over seeds, in images."""
MARGIN = 0.1
Random = np.random.Generator
Rows = Iterator[tuple[str, str, float, float]]
"""Figure, setting, promised and found share, 0 to 1."""


def differences(random: Random, effect: float, shape: tuple[int, ...]) -> np.ndarray:
    """Draw a pair's differences in whole images; the effect is in standard deviations."""
    return np.rint(random.normal(effect * SPREAD, SPREAD, shape)).astype(np.int64)


def verdicts(rows: np.ndarray, look: Look = FIRST_LOOK, margin: float = MARGIN) -> np.ndarray:
    """Return what studies of two recipes conclude, as mnistlab.statistics.Difference does.

    Args:
        rows: differences in whole images, one row per study.
        look: which look at them it is.
        margin: within which two recipes count as equivalent, points.
    """
    values, step = 100 * rows / IMAGES, 100 / IMAGES
    equivalent = np.maximum(_tails(values + margin, step), _tails(margin - values, step))
    return np.select(
        [significant(rows, look.level), equivalent < look.equivalence_level],
        ["better", "equivalent"],
        "inconclusive",
    )


def significant(rows: np.ndarray, level: float) -> np.ndarray:
    """Return for each row whether its mean differs from 0 by Student's and the sign-flip test."""
    found = 2 * np.minimum(_tails(rows), _tails(-rows)) < level
    found[found] = [sign_flip_p(row) < level for row in rows[found]]
    return found


def _tails(rows: np.ndarray, least: float = 0.0) -> np.ndarray:
    """Return each row's one-sided p that its mean is not above 0, by Student's t."""
    seeds, means = rows.shape[1], rows.mean(axis=1)
    spread = np.where(np.ptp(rows, axis=1) > 0, rows.std(axis=1, ddof=1), 0.0)
    errors = np.maximum(spread, least) / seeds**0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        found = stdtr(seeds - 1, -means / errors)
    return np.where(errors > 0, found, np.where(means == 0, 0.5, means < 0))


def mean_coverage(random: Random, campaigns: int) -> Rows:
    """The interval of a mean, by Student's t."""
    for seeds in (3, 4, 5, 6, 8, 10, 20):
        intervals = [mean_interval(row) for row in random.normal(0, 1, (campaigns, seeds))]
        yield (
            "Interval of a mean: holds it",
            f"{seeds} seeds",
            0.95,
            share(one.low <= 0 <= one.high for one in intervals),
        )


def bootstrap_coverage(random: Random, campaigns: int) -> Rows:
    """The interval of a mean by the bootstrap (BCa) that others use."""
    for seeds in (3, 4, 5, 6, 8, 10, 20):
        runs = random.normal(0, 1, (campaigns, seeds))
        found = bootstrap(
            (runs,), np.mean, axis=1, n_resamples=1999, method="BCa", rng=random, batch=100
        )
        low, high = found.confidence_interval
        yield (
            "The same by BCa bootstrap (not used)",
            f"{seeds} seeds",
            0.95,
            float(((low <= 0) & (high >= 0)).mean()),
        )


def false_alarms(random: Random, campaigns: int) -> Rows:
    """One look: equal recipes called better, and different ones called equivalent."""
    for seeds in (6, 8, 10, 20):
        same = differences(random, 0, (campaigns, seeds))
        yield (
            "Exact sign-flip test: p < 0.05",
            f"the same, {seeds} seeds",
            0.05,
            share(sign_flip_p(row) < 0.05 for row in same),
        )
        yield (
            "Verdict: better",
            f"the same, {seeds} seeds",
            0.05,
            share(verdicts(same) == "better"),
        )
        beyond = differences(random, 1, (campaigns, seeds))
        yield (
            "Verdict: equivalent",
            f"apart by the margin (1 SD), {seeds} seeds",
            0.05,
            share(equivalence_p(100 * row / IMAGES, MARGIN) < 0.05 for row in beyond),
        )
    for images in (60, 300, 1000):
        step = 100 / images
        for seeds in (6, 20):
            # Runs differ by one image or by none, on average by the margin.
            rows = random.random((campaigns, seeds)) < MARGIN / step
            found = share(
                equivalence_p(step * row, MARGIN, step) < 0.05 for row in rows.astype(float)
            )
            yield (
                "Verdict: equivalent",
                f"apart by the margin, {images} test images, {seeds} seeds",
                0.05,
                found,
            )


def families(random: Random, campaigns: int) -> Rows:
    """An ablation of eight recipes: seven pairs with the same baseline."""
    for seeds in (10, 20):
        for named, effects in (
            ("all the same", np.zeros(7)),
            ("three of seven differ by 1 SD", np.array([1, 1, 1, 0, 0, 0, 0])),
            ("six of seven differ by 3 SD", np.array([3, 3, 3, 3, 3, 3, 0])),
        ):
            covered = alarms = agree = 0
            for _ in range(campaigns):
                base = random.normal(0, SPREAD / 2**0.5, seeds)
                others = random.normal(-effects[:, None] * SPREAD, SPREAD / 2**0.5, (7, seeds))
                images = np.rint(base - others).astype(np.int64)
                tests = mean_tests([*(100 * images / IMAGES)], whole=[*images])
                truths = 100 * effects * SPREAD / IMAGES
                covered += all(
                    t.interval.low <= truth <= t.interval.high
                    for t, truth in zip(tests, truths, strict=True)
                )
                alarms += any(
                    t.adjusted_p < 0.05 for t, truth in zip(tests, truths, strict=True) if not truth
                )
                agree += all((t.adjusted_p < 0.05) == t.interval.excludes_zero for t in tests)
            setting = f"{named}, {seeds} seeds"
            yield "Seven pairs: every interval holds", setting, 0.95, covered / campaigns
            yield "Seven pairs: any false better", setting, 0.05, alarms / campaigns
            yield "Seven pairs: p and interval say the same", setting, 1.0, agree / campaigns


def advice(random: Random, campaigns: int) -> Rows:
    """As many seeds as the remark advises: how many studies find the difference."""
    for comparisons, effect in ((1, 0.5), (1, 1.3), (7, 1.0), (7, 1.8), (28, 2.0)):
        seeds = seeds_needed(effect, 1.0, comparisons)
        assert seeds is not None  # noqa: S101 - the effects are large enough
        rows = differences(random, effect, (campaigns, seeds))
        which = f"{comparisons} comparisons, {effect:g} SD apart, {seeds} seeds advised"
        found = share(significant(rows, SIGNIFICANCE / comparisons))
        yield "Advice on seeds: better", which, POWER, found


def superiorities(random: Random, campaigns: int) -> Rows:
    """The interval of the probability that one run beats another."""
    for seeds in (6, 10, 20):
        for effect in (0.0, 1.0, 2.5):
            true = float(norm.cdf(effect / 2**0.5))
            held = 0
            for _ in range(campaigns):
                one, other = random.normal(effect, 1, seeds), random.normal(0, 1, seeds)
                found = superiority_interval(superiority(one, other), seeds, seeds)
                held += found.low <= true <= found.high
            yield (
                "First beats second: interval holds it",
                f"true {100 * true:.0f} %, {seeds} seeds",
                0.95,
                held / campaigns,
            )


def readings(
    random: Random, seeds: int, images: int, *, differ: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Draw which images the runs of two recipes classify correctly; on average they are equal.

    Images differ in difficulty, and runs are a little better or worse than others. Recipes that
    differ find different images difficult: half of the images have two difficulties.
    """
    hard = random.beta(0.05, 3.0, images)
    other = (
        np.where(random.random(images) < 0.5, random.beta(0.05, 3.0, images), hard)
        if differ
        else hard
    )

    def right(hardness: np.ndarray) -> np.ndarray:
        odds = np.log(hardness + 1e-12) - np.log1p(-np.minimum(hardness, 1 - 1e-12))
        return random.random((seeds, images)) > 1 / (
            1 + np.exp(-odds - random.normal(0, 0.1, (seeds, 1)))
        )

    return right(hard), right(other)


def new_images(random: Random, campaigns: int, images: int = 2000) -> Rows:
    """The interval over seeds and images together, and whether images are said to matter."""
    for differ in (False, True):
        for seeds in (6, 10, 20):
            held = shown = 0
            for _ in range(campaigns):
                found = on_new_images(*readings(random, seeds, images, differ=differ))
                held += found.interval.low <= 0 <= found.interval.high
                shown += found.images_p < SIGNIFICANCE
            which = f"{'differ image by image' if differ else 'the same'}, {seeds} seeds"
            yield "On new images: interval holds the difference", which, 0.95, held / campaigns
            promised = float("nan") if differ else 0.05
            yield "On new images: images said to matter", which, promised, shown / campaigns


def resampling_widths(random: Random, campaigns: int, images: int = 2000) -> Rows:
    """The width of the interval that resamples both seeds and images (Owen, 2007)."""
    for differ in (False, True):
        for seeds in (6, 10, 20):
            wider = []
            for _ in range(campaigns):
                one, other = readings(random, seeds, images, differ=differ)
                ours = on_new_images(one, other).interval
                wider.append(pigeonhole_width(one, other, random) / (ours.high - ours.low))
            which = f"{'differ image by image' if differ else 'the same'}, {seeds} seeds"
            yield (
                "On new images: width of resampling both (not used)",
                which,
                1.0,
                float(np.mean(wider)),
            )


def pigeonhole_width(
    one: np.ndarray, other: np.ndarray, random: Random, resamples: int = 1000
) -> float:
    """Return the width of the interval that resamples seeds and images both (Owen, 2007),
    points.
    """
    difference = one.astype(np.int8) - other.astype(np.int8)
    runs, images = difference.shape
    kinds, counts = np.unique(difference, axis=1, return_counts=True)
    seeds = random.multinomial(runs, [1 / runs] * runs, resamples)
    drawn = random.multinomial(images, counts / images, resamples)
    means = 100 * ((seeds @ kinds) * drawn).sum(axis=1) / (runs * images)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(high - low)


def looks(random: Random, campaigns: int) -> Rows:
    """Looking, adding seeds and looking again, at two recipes that are the same."""
    for counts in ((20, 40), (10, 20, 30), (6, 8, 10, 12, 15, 20, 30)):
        images = differences(random, 0, (campaigns, counts[-1]))
        which = f"the same, looks at {', '.join(map(str, counts))}"
        for figure, promised, judged in (
            ("Repeated looks, uncorrected: better at any", 0.05, [FIRST_LOOK] * len(counts)),
            (
                "Repeated looks: better at any",
                0.055,
                [unplanned_look(counts[:number]) for number in range(len(counts))],
            ),
        ):
            found = [
                verdicts(images[:, :count], look) == "better"
                for count, look in zip(counts, judged, strict=True)
            ]
            yield figure, which, promised, share(np.any(found, axis=0))


def until_settled(random: Random, campaigns: int, most: int = 20) -> Rows:
    """Studies that end as soon as they are settled."""
    plan = planned_looks(most)
    for effect, margin in (
        (0.0, 0.001),
        (0.0, MARGIN),
        (0.5, MARGIN),
        (1.0, MARGIN),
        (1.5, MARGIN),
    ):
        images = differences(random, effect, (campaigns, most))
        ends, seeds = np.full(campaigns, "inconclusive"), np.full(campaigns, most)
        for count, look in plan.items():
            found = verdicts(images[:, :count], look, margin)
            first = (ends == "inconclusive") & (found != "inconclusive")
            ends[first], seeds[first] = found[first], count
        which = (
            f"{effect:g} SD apart, margin {margin / SPREAD * IMAGES / 100:g} SD, at most {most}"
            " seeds"
        )
        promised = 0.05 if not effect else float("nan")
        yield "Until settled: better", which, promised, share(ends == "better")
        promised = 0.05 if effect >= 1 else float("nan")
        yield "Until settled: equivalent", which, promised, share(ends == "equivalent")
        promised = 0.35 if effect == 1 else float("nan")
        yield "Until settled: runs saved", which, promised, 1 - float(np.mean(seeds)) / most


def shapes(random: Random, campaigns: int, most: int = 20) -> Rows:
    """Boundaries: how many runs each saves, and how often it finds a difference, without
    equivalence.
    """
    for name, shape in (("Pocock", 0.5), ("Wang-Tsiatis 0.25", 0.25), ("O'Brien-Fleming", 0.0)):
        for step in (1, 2, 4):
            counts = (*range(6, most, step), most)
            levels = boundary(counts, SIGNIFICANCE, sides=2, shape=shape)
            for effect in (0.5, 1.0):
                found, seeds = 0, []
                for images in differences(random, effect, (campaigns, most)):
                    end = next(
                        (
                            count
                            for count, level in zip(counts, levels, strict=True)
                            if sign_flip_p(images[:count]) <= level
                        ),
                        0,
                    )
                    found += end > 0
                    seeds.append(end or most)
                which = f"{name}, every {step} seeds, {effect:g} SD apart"
                yield "Boundary: found", which, float("nan"), found / campaigns
                yield "Boundary: runs saved", which, float("nan"), 1 - float(np.mean(seeds)) / most


def anytime(random: Random, campaigns: int, most: int = 20) -> Rows:
    """Instead of a boundary, a test that is valid at any time: Robbins' normal mixture (1970), with
    known SD.
    """
    counts = np.array((*range(6, most, 2), most))
    for effect in (0.0, 0.5, 1.0):
        sums = random.normal(effect, 1, (campaigns, most)).cumsum(axis=1)[:, counts - 1]
        evidence = np.exp(sums**2 / (2 * (1 + counts))) / np.sqrt(1 + counts)
        found = evidence >= 1 / SIGNIFICANCE
        seeds = np.where(found.any(axis=1), counts[found.argmax(axis=1)], most)
        which = f"anytime-valid, every 2 seeds, {effect:g} SD apart"
        yield (
            "Boundary: found",
            which,
            float("nan") if effect else 0.05,
            float(found.any(axis=1).mean()),
        )
        yield "Boundary: runs saved", which, float("nan"), 1 - float(seeds.mean()) / most


def winners(random: Random, campaigns: int) -> Rows:
    """A sweep of equal candidates: testing them against the best would call it better than some."""
    for candidates, seeds in ((6, 8), (12, 10)):
        alarms = 0
        for _ in range(campaigns):
            images = np.rint(random.normal(0, SPREAD / 2**0.5, (candidates, seeds))).astype(
                np.int64
            )
            best = int(images.sum(axis=1).argmax())
            rows = [images[best] - row for number, row in enumerate(images) if number != best]
            alarms += any(
                test.adjusted_p < 0.05
                for test in mean_tests([row / 100 for row in rows], whole=rows)
            )
        which = f"{candidates} candidates the same, {seeds} seeds"
        yield "Sweep: winner called better than any (not done)", which, 0.05, alarms / campaigns


SIMULATIONS: dict[Callable[[Random, int], Rows], int] = {
    mean_coverage: 10_000,
    false_alarms: 10_000,
    families: 4_000,
    superiorities: 4_000,
    new_images: 2_000,
    looks: 10_000,
    until_settled: 10_000,
    shapes: 2_000,
    winners: 2_000,
    bootstrap_coverage: 2_000,
    resampling_widths: 200,
    anytime: 10_000,
    advice: 10_000,
}
"""Every simulation, with how many campaigns."""


def share(found: Iterable[bool]) -> float:
    """Return the share that is true."""
    return float(np.mean([*found]))


def table(rows: list[dict[str, object]]) -> Table:
    """Return one row per figure, in percent."""

    def percent(value: object) -> str:
        return "" if value is None else f"{100 * float(str(value)):.1f}"

    headings = ("Figure", "Setting", "Campaigns", "Promised (%)", "Found (%)")
    return Table(
        headings,
        tuple(
            (
                str(row["figure"]),
                str(row["setting"]),
                f"{row['campaigns']:,}",
                percent(row["promised"]),
                percent(row["found"]),
            )
            for row in rows
        ),
    )


def main(names: list[str]) -> None:
    """Run all simulations, or those named, and write their figures beside the known ones of the
    others.
    """
    file = OUT / "summary.json"
    known = json.loads(file.read_text(encoding="utf-8"))["figures"] if names else []
    rows: list[dict[str, object]] = []
    for number, (simulation, campaigns) in enumerate(SIMULATIONS.items()):
        if names and simulation.__name__ not in names:
            rows += [row for row in known if row["simulation"] == simulation.__name__]
            continue
        for figure, setting, promised, found in simulation(
            np.random.default_rng([2026, number]), campaigns
        ):
            rows.append(
                {
                    "simulation": simulation.__name__,
                    "figure": figure,
                    "setting": setting,
                    "campaigns": campaigns,
                    "promised": None if np.isnan(promised) else promised,
                    "found": round(found, 4),
                }
            )
            sys.stdout.write(f"{figure}; {setting}: {100 * found:.1f} %\n")
            sys.stdout.flush()
    OUT.mkdir(parents=True, exist_ok=True)
    content = {"command": "make simulations", "version": version("mnistlab"), "figures": rows}
    write_atomically(file, json.dumps(content, indent=1) + "\n")
    write_atomically(OUT / "table.md", table(rows).markdown())


if __name__ == "__main__":
    main(sys.argv[1:])
