"""Repetition: one recipe over many seeds, what it comes to, and the files that say so and let it be
checked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from mnistlab.data import load_dataset, take_subset
from mnistlab.data.disputed import disputed_labels
from mnistlab.errors import DataError, RunError
from mnistlab.experiments.compare import resolve, run_comparison
from mnistlab.experiments.executor import Executor
from mnistlab.experiments.trial import Settings
from mnistlab.experiments.trial_events import Listener, ignore, never
from mnistlab.files import read_file
from mnistlab.recipe import Recipe
from mnistlab.report import run_frame
from mnistlab.report.repetition_report import (
    figure_table,
    repetition_remarks,
    repetition_sentence,
    seed_table,
)
from mnistlab.report.table import Table
from mnistlab.runs import RunStore, write_atomically
from mnistlab.statistics import RunGroup, Summary, summarise
from mnistlab.text import html_table

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

RECORDS = "records"


@dataclass(frozen=True, eq=False)
class Repetition:
    """What :func:`mnistlab.repeat` returns; it needs the records alone, no PyTorch.

    In a notebook it shows its sentence and its table.

    Attributes:
        group: the runs.
        runs: the folder that holds the runs' folders, or copies of their records, ``seed-N.json``.
        failures: a line for the runs that could not be finished for the same reason; they count for
            nothing.
        command: what makes it all again; empty if it was not made by a command.
    """

    group: RunGroup
    runs: Path
    failures: tuple[str, ...] = ()
    command: str = ""

    @cached_property
    def figures(self) -> Summary:
        """Every figure."""
        return summarise(self.group, self._disputed())

    @property
    def sentence(self) -> str:
        """What the recipe comes to."""
        return repetition_sentence(self.figures)

    @property
    def remarks(self) -> list[str]:
        """What it comes to without the images whose labels are disputed, if there are any."""
        return repetition_remarks(self.figures)

    def table(self, kind: str = "figures") -> Table:
        """Return a table, which has ``.text()``, ``.markdown()`` and ``.csv()``.

        Args:
            kind: ``figures``, a single row, or ``runs``, a row a seed.

        Raises:
            RunError: no such table.
        """
        kinds = {"figures": figure_table, "runs": seed_table}
        if kind not in kinds:
            raise RunError(f"{kind}: no such table; one of {', '.join(kinds)}")
        return kinds[kind](self.figures)

    def to_dataframe(self) -> "pandas.DataFrame":
        """Return the runs as a pandas ``DataFrame``, see :func:`mnistlab.report.run_frame`.

        Raises:
            MnistlabError: pandas is not installed.
        """
        return run_frame([self.group])

    def plot(self) -> "Figure":
        """Return the plot of all accuracies, with their mean and its interval."""
        from mnistlab.report.repetition_report import draw_accuracies

        return draw_accuracies(self.figures)

    def write(self, out: Path | str) -> list[Path]:
        """Write the report, tables, plot and ``summary.json`` into a folder, and each run's
        ``records/seed-N.json``.

        Records of other seeds, which an earlier repetition left there, are removed.

        Returns:
            The files, the page first.

        Raises:
            RunError: a run's record is gone, or the folder cannot be written to.
        """
        from mnistlab.report.repetition_report import write_repetition_report

        folder = Path(out)
        try:
            records = self._records()
            files = write_repetition_report(
                folder, self.group, self.figures, command=self.command, failures=self.failures
            )
            return [*files, *_write_records(folder / RECORDS, records)]
        except OSError as error:
            raise RunError(
                f"{error.filename or folder}: cannot be read or written: {error.strerror or error}"
            ) from error

    def _records(self) -> dict[str, bytes]:
        """Return each run's ``record.json`` as it is, by the name of its copy."""
        store, recipe = RunStore(self.runs), self.group.recipe
        files = {seed: self.runs / f"seed-{seed}.json" for seed in self.group.seeds}
        return {
            file.name: read_file(file if file.exists() else store.folder(recipe, seed).record_file)
            for seed, file in files.items()
        }

    def _disputed(self) -> tuple[int, ...]:
        """Return the disputed images among those that the runs were tested on; none if they are no
        longer to be had.
        """
        record = self.group.records[0]
        recipe = record.recipe
        if recipe.validation:
            return ()
        try:
            dataset = take_subset(load_dataset(recipe.data), limit=recipe.train_limit)
        except DataError:
            return ()
        return disputed_labels(dataset) if dataset.fingerprint == record.data.fingerprint else ()

    def _repr_html_(self) -> str:
        table = self.table()
        rows = zip(table.headings, table.rows[0], strict=True)
        return f"<p><b>{escape(self.sentence)}</b></p>{html_table((), rows)}"

    def __repr__(self) -> str:
        return f"<Repetition {self.sentence}>"


def repeat(
    recipe: Recipe | str,
    *,
    seeds: int | Sequence[int] = 20,
    runs: Path | str = "runs",
    executor: Executor | None = None,
    settings: Settings | None = None,
    on_event: Listener = ignore,
    should_stop: Callable[[], bool] = never,
    command: str = "",
) -> Repetition | None:
    """Train one recipe with many seeds, and say what it comes to.

    Arguments and errors are those of :func:`mnistlab.compare`, which is for several recipes.

    Args:
        recipe: or the name of a built-in one.
        seeds: how many, from 0; or which.
        runs: the folder that keeps the runs.
        executor: what trains; ``None`` is a process a core on this machine.
        settings: device, kernels, threads of each run.
        on_event: told of progress, see :mod:`mnistlab.experiments.trial_events`.
        should_stop: asked often; when true, unfinished runs keep checkpoints.
        command: to be noted in the report.

    Returns:
        The repetition, or ``None`` if it was asked to stop.

    Raises:
        MnistlabError: the recipe cannot be trained, or not one run could be finished.
    """
    chosen = resolve(recipe)
    result = run_comparison(
        chosen.name, [chosen], "", seeds, runs, executor, settings, on_event, should_stop, command
    )
    return Repetition(result.groups[0], Path(runs), result.failures, command) if result else None


def _write_records(folder: Path, records: Mapping[str, bytes]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in records.items():
        write_atomically(folder / name, content)
    for file in folder.glob("seed-*.json"):
        if file.name not in records:
            file.unlink()
    return [folder / name for name in records]
