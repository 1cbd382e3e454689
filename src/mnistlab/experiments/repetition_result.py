"""RepetitionResult: one recipe over many seeds, its figures, and the files that report them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from mnistlab.data.disputed import disputed_labels
from mnistlab.data.loading import load_for, take_for
from mnistlab.data_frame import DataFrame
from mnistlab.errors import DataError, RunError
from mnistlab.files import read_file
from mnistlab.report import run_frame
from mnistlab.report.class_tables import class_score_table
from mnistlab.report.repetition_report import (
    figure_table,
    repetition_remarks,
    repetition_sentence,
    seed_table,
)
from mnistlab.report.result import Plots, Result, Tables
from mnistlab.runs import RunStore, write_atomically
from mnistlab.statistics import RunGroup, Summary, summarise

RECORDS = "records"
"""The folder of the records' copies."""


@dataclass(frozen=True, eq=False, repr=False)
class RepetitionResult(Result):
    """What :func:`mnistlab.repeat` returns; it needs the records alone, no PyTorch.

    In a notebook it shows its verdict and its table. :meth:`table` takes ``figures``, a single row,
    ``runs``, a row per seed, or ``classes``. :meth:`write` copies each run's record to
    ``records/seed-N.json``, of folds to ``seed-N-fold-K.json``, and removes the copies of other
    seeds that an earlier repetition left there.

    Attributes:
        group: the runs.
        runs: the folder that holds the runs' folders, or copies of their records, ``seed-N.json``.
        failures: a line for the runs that could not be finished for the same reason; they count for
            nothing.
        command: the command that makes it again; empty if none made it.
    """

    group: RunGroup
    runs: Path
    failures: tuple[str, ...] = ()
    command: str = ""

    @cached_property
    def figures(self) -> Summary:
        """Every figure."""
        return summarise(self.group, self._disputed(), every_metric=True)

    @property
    def verdict(self) -> str:
        """The mean accuracy, and how certain it is."""
        return repetition_sentence(self.figures)

    @property
    def remarks(self) -> list[str]:
        """The mean without the images whose labels are disputed, if there are any."""
        return repetition_remarks(self.figures)

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, as ``summary.json`` has it."""
        from mnistlab.report.repetition_report import summary

        return summary(self.group, self.figures, self.command, self.failures)

    def to_dataframe(self) -> DataFrame:
        """Return the runs as a pandas ``DataFrame``, see :func:`mnistlab.report.run_frame`.

        Raises:
            MnistlabError: pandas is not installed.
        """
        return run_frame([self.group])

    def _tables(self) -> Tables:
        return {
            "figures": partial(figure_table, self.figures),
            "runs": partial(seed_table, self.figures),
            "classes": partial(class_score_table, [self.group]),
        }

    def _plots(self) -> Plots:
        from mnistlab.report.image_plots import confusion_matrix
        from mnistlab.report.repetition_report import draw_accuracies

        return {
            "accuracies": draw_accuracies(self.figures),
            "confusion": confusion_matrix(self.group),
        }

    def _write(self, folder: Path) -> list[Path]:
        from mnistlab.report.repetition_report import write_repetition_report

        records = self._records()
        files = write_repetition_report(
            folder, self.group, self.figures, command=self.command, failures=self.failures
        )
        return [*files, *_write_records(folder / RECORDS, records)]

    def _records(self) -> dict[str, bytes]:
        """Return each run's ``record.json`` as it is, by the name of its copy."""
        store, recipe = RunStore(self.runs), self.group.recipe
        runs = {
            self.runs / f"seed-{seed}{f'-fold-{one.fold}' if one.fold else ''}.json": (one, seed)
            for seed in self.group.seeds
            for one in recipe.by_fold
        }
        try:
            return {
                copy.name: read_file(copy if copy.exists() else store.folder(*run).record_file)
                for copy, run in runs.items()
            }
        except OSError as error:
            raise RunError(f"{error.filename}: cannot be read: {error.strerror}") from error

    def _disputed(self) -> tuple[int, ...]:
        """Return the disputed images that the runs were tested on; none if the images are gone."""
        record = self.group.records[0]
        recipe = record.recipe
        if recipe.tested_on == "validation":
            return ()
        try:
            dataset = take_for(recipe, load_for(recipe))
        except DataError:
            return ()
        return disputed_labels(dataset) if dataset.fingerprint == record.data.fingerprint else ()


def _write_records(folder: Path, records: Mapping[str, bytes]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in records.items():
        write_atomically(folder / name, content)
    for file in folder.glob("seed-*.json"):
        if file.name not in records:
            file.unlink()
    return [folder / name for name in records]
