"""RunStore: a folder of runs, which are found by recipe and seed."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnistlab.errors import RunError
from mnistlab.files import read_file
from mnistlab.recipe import Recipe, TestedOn, tested_on
from mnistlab.runs.checksum import read_checked
from mnistlab.runs.folder import RunFolder
from mnistlab.runs.predictions import Quantity, Seed, Share, Size
from mnistlab.runs.record import (
    LARGEST_RECORD,
    RunRecord,
    reason,
    refuse_fractions,
    refuse_other_accuracy,
    refuse_other_seconds,
)

_NAME = re.compile(r"(?P<name>.+)-(?P<digest>[0-9a-f]{8})-seed(?P<seed>\d+)")


class _Named(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: str = "unnamed"
    validation: int | str = 0
    folds: int = 0
    fold: int = 0

    @property
    def title(self) -> str:
        return f"{self.name}, fold {self.fold} of {self.folds}" if self.fold else self.name

    @property
    def tested_on(self) -> TestedOn:
        return tested_on(self.validation, self.folds)


class _Final(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    test_accuracy: Share


class _Epoch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    train_accuracy: Share
    test_accuracy: Share
    train_seconds: Quantity
    test_seconds: Quantity


class _Images(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = ""
    train_images: Size
    test_images: Size


class _Predictions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    mistakes: tuple[Any, ...]


class RunSummary(BaseModel):
    """The figures of a record that a list shows, read several times faster than the whole record.

    Attributes:
        path: the run's folder.
        recipe: its name, and what it is tested on.
        seed: of the run.
        final: the accuracy of the weights that are kept alone, 0 to 1.
        data: the data's name, and how many images.
        seconds: training and testing time; ``history``, ``kept`` and ``predictions`` are only there
            to check it and ``final``.
        started: when training started.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    path: Path = Path()
    recipe: _Named
    seed: Seed
    data: _Images
    history: tuple[_Epoch, ...] = Field(min_length=1)
    kept: _Epoch | None = None
    predictions: _Predictions | None = None
    final: _Final
    seconds: Quantity
    started: datetime

    @model_validator(mode="after")
    def _is_consistent(self) -> "RunSummary":
        accuracy = (self.kept or self.history[-1]).test_accuracy
        if self.final.test_accuracy != accuracy:
            raise ValueError(
                f"final.test_accuracy: {self.final.test_accuracy:.6g}, but the"
                f" {'kept' if self.kept else 'last'} epoch's is {accuracy:.6g}"
            )
        refuse_fractions(self.history, self.data.train_images, self.data.test_images)
        if self.predictions:
            refuse_other_accuracy(accuracy, len(self.predictions.mistakes), self.data.test_images)
        refuse_other_seconds(self.seconds, self.history)
        return self


def _refuse(error: RunError) -> None:
    raise error


def read_summary(run: RunFolder) -> RunSummary | None:
    """Read a few figures of a run; ``None`` if it is not finished.

    Raises:
        RunError: the record is damaged.
    """
    content = read_content(run)
    return RunSummary.model_validate(content | {"path": run.path}) if content else None


def read_content(run: RunFolder) -> dict[str, Any]:
    """Read a run's ``record.json`` as it stands there, without checksums; nothing if it is not
    finished.

    Raises:
        RunError: the record is damaged.
    """
    try:
        content: dict[str, Any] = read_checked(read_file(run.record_file, LARGEST_RECORD))[0]
        RunSummary.model_validate(content)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(f"{run.record_file}: not a run's record: {reason(error)}") from error
    return {key: value for key, value in content.items() if key != "sha256"}


def find_runs(folder: Path, on_damage: Callable[[RunError], None] = _refuse) -> list[RunFolder]:
    """Find the runs in a folder, finished and unfinished, however deep, ordered by path.

    Args:
        folder: one that holds runs, or a run's own. Links are followed, and a folder that is met
            twice counts once.
        on_damage: called for each folder that cannot be read, which is then passed over; by default
            the error is raised.

    Raises:
        RunError: there is no such folder, or one within it cannot be read.
    """
    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder")
    return list(_runs_in(folder, set(), on_damage))


def _runs_in(
    folder: Path, seen: set[Path], on_damage: Callable[[RunError], None]
) -> Iterator[RunFolder]:
    run, place = RunFolder(folder), folder.resolve()
    if place in seen:
        return
    seen.add(place)
    if run.finished or run.begun:
        yield run
        return
    try:
        inner = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        on_damage(RunError(f"{folder}: cannot be read: {error.strerror or error}"))
        return
    for path in inner:
        yield from _runs_in(path, seen, on_damage)


def run_name(recipe: Recipe, seed: int) -> str:
    """Return the name of a run's folder: ``NAME-DIGEST-seedN``."""
    return f"{recipe.name}-{recipe.digest}-seed{seed}"


class RunStore:
    """Runs in folders ``NAME-DIGEST-seedN``. The digest and the seed identify a run, the name is
    only a label.

    Args:
        path: the folder that holds them; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, int], Path] = {}
        for folder in self._folders():
            if found := _NAME.fullmatch(folder.name):
                self._known.setdefault((found["digest"], int(found["seed"])), folder)

    def folder(self, recipe: Recipe, seed: int) -> RunFolder:
        """Return the folder of a run, whatever label it was trained under, or a new one."""
        return RunFolder(self._known.get((recipe.digest, seed), self.path / run_name(recipe, seed)))

    def records(self, on_damage: Callable[[RunError], None] = _refuse) -> Iterator[RunRecord]:
        """Read the records of all finished runs, in the order of their folders' names.

        Args:
            on_damage: called with the error of each damaged record, which is then skipped; by
                default the error is raised.

        Raises:
            RunError: a record is damaged.
        """
        for folder in self._folders():
            run = RunFolder(folder)
            if run.finished:
                try:
                    record = run.read_record()
                except RunError as error:
                    on_damage(error)
                else:
                    yield record

    def summaries(self, on_damage: Callable[[RunError], None] = _refuse) -> Iterator[RunSummary]:
        """Read a summary of every finished run; see :meth:`records` for arguments and errors."""
        for folder in self._folders():
            try:
                summary = read_summary(RunFolder(folder))
            except RunError as error:
                on_damage(error)
            else:
                if summary:
                    yield summary

    def _folders(self) -> list[Path]:
        try:
            return sorted(path for path in self.path.iterdir() if path.is_dir())
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or error
            raise RunError(f"{self.path}: cannot be read: {said}") from error
