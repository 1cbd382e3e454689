"""Looks: ``looks.json``, in which a folder of runs remembers with how many seeds which recipes were
compared.

Whoever looks, adds seeds and looks again gives chance one try more at each look. What was looked at
is kept beside the runs, so that the next verdict allows for it, wherever its report is written.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnistlab.errors import ExperimentError, RunError
from mnistlab.files import read_file
from mnistlab.runs import folder_lock, reason, write_atomically
from mnistlab.statistics import Look, planned_looks, unplanned_look
from mnistlab.statistics.looks import MINIMUM_SEEDS, MOST_SEEDS

FILE = "looks.json"
_PATIENCE = 60.0
"""Seconds to wait while another process, which takes a moment, notes its look."""


class PastLook(BaseModel):
    """One look at a study.

    Attributes:
        recipes: their digests, in ascending order.
        seeds: of the runs that were compared.
        margin: within which the recipes counted as equivalent, points.
        max_seeds: of the plan that the look is part of; 0 if it was not planned.
        comparisons: pairs in the plan.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    recipes: tuple[str, ...]
    seeds: tuple[int, ...]
    margin: float = Field(gt=0, le=100, allow_inf_nan=False)
    max_seeds: int = Field(0, ge=0, le=MOST_SEEDS)
    comparisons: int = Field(1, ge=1, le=100_000)

    @model_validator(mode="after")
    def _fits_its_plan(self) -> "PastLook":
        if self.max_seeds and not MINIMUM_SEEDS <= len(self.seeds) <= self.max_seeds:
            raise ValueError(
                f"{len(self.seeds)} seeds in a plan for {MINIMUM_SEEDS} to {self.max_seeds}"
            )
        return self


class _File(BaseModel):
    format: Literal[1] = 1
    looks: tuple[PastLook, ...] = ()


def past_looks(runs: Path, recipes: Sequence[str]) -> tuple[PastLook, ...]:
    """Return the looks at recipes that a folder of runs remembers, the first one first.

    Args:
        runs: the folder.
        recipes: their digests.

    Raises:
        RunError: what it remembers cannot be read.
    """
    return tuple(
        look for look in _read(runs / FILE).looks if look.recipes == tuple(sorted(recipes))
    )


def judge(past: Sequence[PastLook], seeds: Sequence[int]) -> Look:
    """Return how a look is to be judged, given all looks at the same recipes.

    Args:
        past: with or without this one.
        seeds: of the runs that are compared now.
    """
    places = [place for place, look in enumerate(past) if look.seeds == tuple(seeds)]
    if places and past[places[0]].max_seeds:
        known = past[places[0]]
        plan = planned_looks(known.max_seeds, known.comparisons)
        # A run that failed leaves a look with fewer seeds than were planned for it.
        return plan[min(count for count in plan if count >= len(seeds))]
    counts: dict[object, int] = {}
    for place, look in enumerate(past[: places[0]] if places else past):
        # A plan counts as one look, its last: all of its looks together spent 5 %.
        counts["plan" if look.max_seeds else place] = len(look.seeds)
    return unplanned_look(tuple(counts.values()))


def remember(runs: Path, look: PastLook) -> None:
    """Note a look, unless it is known or has too few seeds to settle anything.

    Raises:
        RunError: the folder cannot be written to.
    """
    file = runs / FILE
    if len(look.seeds) < MINIMUM_SEEDS:
        return
    try:
        with folder_lock(runs, seconds=_PATIENCE, busy="another process is using this folder"):
            looks = _read(file).looks
            if not any(
                (known.recipes, known.seeds) == (look.recipes, look.seeds) for known in looks
            ):
                write_atomically(file, _File(looks=(*looks, look)).model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise RunError(f"{file}: cannot be written: {error.strerror or error}") from error


def refuse_other_plans(runs: Path, recipes: Sequence[str], max_seeds: int) -> None:
    """Refuse a plan for recipes whose first look was made without it.

    Raises:
        ExperimentError: it was; the message tells how.
    """
    first = next(iter(past_looks(runs, recipes)), None)
    if first and first.max_seeds != max_seeds:
        how = f"--until-settled --max-seeds {first.max_seeds}" if first.max_seeds else "no plan"
        raise ExperimentError(
            f"{runs}: these recipes were first compared there with {len(first.seeds)} seeds and"
            f" {how}; a plan has to come before the first look: go on as you began, or name another"
            " folder with --runs"
        )


def _read(file: Path) -> _File:
    try:
        return _File.model_validate_json(read_file(file))
    except FileNotFoundError:
        return _File()
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: cannot be read as looks at runs: {reason(error)}") from error
