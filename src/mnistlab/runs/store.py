"""RunStore: a folder of runs, which are found by recipe and seed."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnistlab.errors import RunError
from mnistlab.files import read_file
from mnistlab.recipe import Recipe
from mnistlab.runs.checksum import read_checked
from mnistlab.runs.folder import RunFolder
from mnistlab.runs.predictions import Quantity, Seed, Share, Size
from mnistlab.runs.record import (
    LARGEST_RECORD,
    RunRecord,
    reason,
    refuse_fractions,
    refuse_other_accuracy,
    total_seconds,
)

_NAME = re.compile(r"(?P<name>.+)-(?P<digest>[0-9a-f]{8})-seed(?P<seed>\d+)")


class _Named(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: str = "unnamed"
    validation: int = 0


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

    train_images: Size
    test_images: Size


class _Predictions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    mistakes: tuple[Any, ...]


class RunSummary(BaseModel):
    """The figures of a record that a list shows, read several times faster than the whole record.

    Attributes:
        path: the run's folder.
        recipe: its name, and how many training images it holds out for validation; 0 for the test
            set.
        seed: of the run.
        final: the final epoch's accuracy alone, 0 to 1.
        seconds: training and testing time; ``data``, ``history`` and ``predictions`` are only there
            to check it and ``final``.
        started: when training started.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    path: Path = Path()
    recipe: _Named
    seed: Seed
    data: _Images
    history: tuple[_Epoch, ...] = Field(min_length=1)
    predictions: _Predictions | None = None
    final: _Final
    seconds: Quantity
    started: datetime

    @model_validator(mode="after")
    def _is_consistent(self) -> "RunSummary":
        accuracy = self.history[-1].test_accuracy
        if self.final.test_accuracy != accuracy:
            raise ValueError(
                f"final.test_accuracy: {self.final.test_accuracy:.6g}, but the last epoch's is"
                f" {accuracy:.6g}"
            )
        refuse_fractions(self.history, self.data.train_images, self.data.test_images)
        if self.predictions:
            refuse_other_accuracy(accuracy, len(self.predictions.mistakes), self.data.test_images)
        if self.seconds != total_seconds(self.history):
            raise ValueError(
                f"seconds: {self.seconds:g}, but those of the epochs are"
                f" {total_seconds(self.history):g}"
            )
        return self


def run_name(recipe: Recipe, seed: int) -> str:
    """Return the name of a run's folder: ``NAME-DIGEST-seedN``."""
    return f"{recipe.name}-{recipe.digest}-seed{seed}"


def _refuse(error: RunError) -> None:
    raise error


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
            file = RunFolder(folder).record_file
            try:
                summary = RunSummary.model_validate(
                    read_checked(read_file(file, LARGEST_RECORD))[0]
                )
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                on_damage(RunError(f"{file}: not a run's record: {reason(error)}"))
            else:
                yield summary.model_copy(update={"path": folder})

    def _folders(self) -> list[Path]:
        try:
            return sorted(path for path in self.path.iterdir() if path.is_dir())
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or error
            raise RunError(f"{self.path}: cannot be read: {said}") from error
