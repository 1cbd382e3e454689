"""Look history: ``looks.json``, in which a folder of runs remembers what was compared.

Each look at a growing study gives chance another try. The looks are kept beside the runs, so that
the next verdict allows for them, wherever its report is written.
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnistlab.errors import ExperimentError, RunError
from mnistlab.files import read_file
from mnistlab.runs import folder_lock, reason, write_atomically
from mnistlab.statistics import Look, Metric, RunGroup, planned_looks, unplanned_look
from mnistlab.statistics.looks import MINIMUM_SEEDS, MOST_SEEDS
from mnistlab.statistics.metric import METRIC_NAMES

FILE = "looks.json"
_PATIENCE = 60.0
"""Seconds to wait while another process, which takes a moment, notes its look."""


class PastLook(BaseModel):
    """One look at a study, which is a look at each of its pairs.

    Attributes:
        recipes: their digests, in ascending order.
        seeds: those that any recipe was trained with.
        fewer: the seeds of recipes that lack some of them, by digest.
        margin: within which recipes counted as equivalent, points.
        max_seeds: of the plan that the look is part of; 0 if it was not planned.
        comparisons: pairs that were compared.
        metric: by which they were judged.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    recipes: tuple[str, ...]
    seeds: tuple[int, ...]
    fewer: dict[str, tuple[int, ...]] = {}
    margin: float = Field(gt=0, le=100, allow_inf_nan=False)
    max_seeds: int = Field(0, ge=0, le=MOST_SEEDS)
    comparisons: int = Field(1, ge=1, le=1_000_000)
    metric: Metric = "accuracy"

    @model_validator(mode="after")
    def _fits_its_plan(self) -> "PastLook":
        if self.max_seeds and not MINIMUM_SEEDS <= len(self.seeds) <= self.max_seeds:
            raise ValueError(
                f"{len(self.seeds)} seeds in a plan for {MINIMUM_SEEDS} to {self.max_seeds}"
            )
        return self

    def shared_seeds(self, pair: Sequence[str]) -> tuple[int, ...]:
        """Return the seeds that both recipes were compared on, ascending."""
        shared = set.intersection(*(set(self.fewer.get(one, self.seeds)) for one in pair))
        return tuple(sorted(shared))


class _File(BaseModel):
    format: Literal[1] = 1
    looks: tuple[PastLook, ...] = ()


def past_looks(runs: Path) -> tuple[PastLook, ...]:
    """Return all looks that a folder of runs remembers, the first one first.

    Raises:
        RunError: ``looks.json`` cannot be read.
    """
    return _read(runs / FILE).looks


def looks_at(past: Sequence[PastLook], recipes: Sequence[str]) -> list[PastLook]:
    """Return the looks at any pair of these recipes, given by their digests."""
    return [look for look in past if len({*look.recipes} & {*recipes}) > 1]


def judge(
    past: Sequence[PastLook],
    pair: Sequence[str],
    seeds: Sequence[int],
    max_seeds: int = 0,
    *,
    study_seeds: int = 0,
    comparisons: int = 1,
    metric: Metric = "accuracy",
) -> Look:
    """Return how a look at a pair of recipes is to be judged, given earlier ones.

    The same runs judged by another metric are another look, which gives chance another try.

    Args:
        past: all looks in the folder, with or without this one.
        pair: the recipes' digests.
        seeds: those that both have, ascending.
        max_seeds: of the plan that this look is part of; 0 if it is none.
        study_seeds: how many seeds any recipe in the plan's study has.
        comparisons: pairs in this study.
        metric: by which the recipes are judged.
    """
    known = [
        (shared, look)
        for look in past
        if {*pair} <= {*look.recipes} and len(shared := look.shared_seeds(pair)) >= MINIMUM_SEEDS
    ]
    place = next(
        (
            at
            for at, (shared, look) in enumerate(known)
            if (shared, look.metric) == (tuple(seeds), metric)
        ),
        len(known),
    )
    # The same runs again are the same look, and were seen among as many pairs.
    for _, same in known[place : place + 1]:
        comparisons = max(comparisons, same.comparisons)
        if same.max_seeds and not max_seeds:
            max_seeds, study_seeds = same.max_seeds, len(same.seeds)
    if max_seeds:
        plan = planned_looks(max_seeds, comparisons)
        # A failed run leaves a look with fewer seeds than were planned for it.
        return plan[min(count for count in plan if count >= min(study_seeds, max_seeds))]
    counts: dict[object, int] = {}
    for shared, look in known[:place]:
        # A plan counts as one look, its last: all of its looks together spent 5 %.
        counts["plan" if look.max_seeds else (shared, look.metric)] = len(shared)
    return unplanned_look(tuple(counts.values()), comparisons)


def remember(
    runs: Path, groups: Sequence[RunGroup], margin: float, max_seeds: int, comparisons: int
) -> None:
    """Note a look, unless it is known or has too few seeds to settle anything.

    Args:
        runs: the folder of the runs.
        groups: those that were compared.
        margin: within which they count as equivalent, points.
        max_seeds: of the plan that the look is part of; 0 if it was not planned.
        comparisons: pairs that were compared.

    Raises:
        RunError: the folder cannot be written to.
    """
    seeds = tuple(sorted({seed for group in groups for seed in group.seeds}))
    if len(groups) < 2 or len(seeds) < MINIMUM_SEEDS:
        return
    note(
        runs,
        PastLook(
            recipes=tuple(sorted(group.recipe.digest for group in groups)),
            seeds=seeds,
            fewer={group.recipe.digest: group.seeds for group in groups if group.seeds != seeds},
            margin=margin,
            max_seeds=max_seeds,
            comparisons=comparisons,
            metric=groups[0].metric,
        ),
    )


def note(runs: Path, look: PastLook) -> None:
    """Add a look to ``looks.json``, unless each of its pairs was looked at like that before.

    Raises:
        RunError: the folder cannot be written to.
    """
    file = runs / FILE
    try:
        with folder_lock(runs, seconds=_PATIENCE, busy="another process is using this folder"):
            looks = _read(file).looks
            if not _known(look, looks):
                write_atomically(file, _File(looks=(*looks, look)).model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise RunError(f"{file}: cannot be written: {error.strerror or error}") from error


def _known(look: PastLook, looks: Sequence[PastLook]) -> bool:
    for pair in combinations(look.recipes, 2):
        seeds = look.shared_seeds(pair)
        if len(seeds) >= MINIMUM_SEEDS and not any(
            {*pair} <= {*known.recipes}
            and (known.shared_seeds(pair), known.max_seeds, known.metric)
            == (seeds, look.max_seeds, look.metric)
            for known in looks
        ):
            return False
    return True


def refuse_other_plans(
    runs: Path, recipes: Sequence[str], max_seeds: int, metric: Metric = "accuracy"
) -> None:
    """Refuse a plan for recipes of which any two were first compared without it.

    Raises:
        ExperimentError: they were; the message says how.
    """
    past = past_looks(runs)
    for pair in combinations(recipes, 2):
        first = next(iter(looks_at(past, pair)), None)
        if first and (first.max_seeds, first.metric) != (max_seeds, metric):
            how = f"`max_seeds={first.max_seeds}`" if first.max_seeds else "no plan"
            how += f" by {METRIC_NAMES[first.metric]}" if first.metric != metric else ""
            raise ExperimentError(
                f"{runs}: these recipes were first compared there with {len(first.seeds)} seeds and"
                f" {how}; a plan has to come before the first look: go on as you began, or name"
                " another folder with `runs=`"
            )


def _read(file: Path) -> _File:
    try:
        return _File.model_validate_json(read_file(file))
    except FileNotFoundError:
        return _File()
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: cannot be read as looks at runs: {reason(error)}") from error
