"""Campaign: every run that an experiment wants, trained or found finished."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from mnistlab.data import load_dataset, take_subset
from mnistlab.errors import ExperimentError
from mnistlab.experiments.engine import Engine
from mnistlab.experiments.events import Event, ExperimentStarted, Listener, TaskFailed, TaskFinished
from mnistlab.experiments.task import Settings, Task
from mnistlab.recipe import Recipe, Source, read_source
from mnistlab.runs import RunFolder, RunRecord, RunStore


@dataclass
class Campaign:
    """What came of an experiment's runs.

    Attributes:
        tasks: all that were wanted.
        records: of those that are finished, by recipe's digest and seed.
        failures: errors of those that cannot be finished, by the same.
    """

    tasks: tuple[Task, ...]
    records: dict[tuple[str, int], RunRecord] = field(default_factory=dict)
    failures: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every run is either finished or failed, as opposed to stopped."""
        return len(self.records) + len(self.failures) == len({_key(task) for task in self.tasks})

    @property
    def errors(self) -> list[str]:
        """A line for the runs of a recipe that cannot be finished for the same reason."""
        seeds: dict[tuple[str, str], list[int]] = {}
        for task in self.tasks:
            if _key(task) in self.failures:
                seeds.setdefault((task.recipe.name, self.failures[_key(task)]), []).append(task.seed)
        return [
            f"{name}, seed{'s' if len(failed) > 1 else ''} {', '.join(map(str, failed))}: {error}"
            for (name, error), failed in seeds.items()
        ]

    def of(self, recipe: Recipe) -> list[RunRecord]:
        """Return the records of a recipe's finished runs."""
        return [record for (digest, _), record in self.records.items() if digest == recipe.digest]


def plan_tasks(recipes: Sequence[Recipe], seeds: Sequence[int], store: RunStore) -> list[Task]:
    """Return a task for each recipe and seed, seed by seed, so that what is done first can be compared first."""
    return [Task(recipe, seed, store.folder(recipe, seed).path) for seed in seeds for recipe in recipes]


def run_tasks(
    tasks: Sequence[Task], engine: Engine, settings: Settings, on_event: Listener, should_stop: Callable[[], bool]
) -> Campaign:
    """Train what is not finished yet.

    Args:
        tasks: those of one recipe and seed are one run, whatever its label.
        engine: what trains them.
        settings: of all of them.
        on_event: told of progress.
        should_stop: asked often; when true, what is running keeps a checkpoint and ends.

    Raises:
        DataError: a recipe's images cannot be loaded.
        ExperimentError: a model's file is missing, or a finished run is of other images, of a model's file that has
            changed, or of a version of mnistlab that kept less.
    """
    campaign = Campaign(tuple(tasks))
    fingerprint, read = cache(_fingerprint), cache(read_source)
    for recipe in {task.recipe.digest: task.recipe for task in tasks}.values():
        _check(recipe, fingerprint)
    wanted: list[Task] = []
    for task in {_key(task): task for task in reversed(tasks)}.values():
        folder = RunFolder(task.folder)
        if folder.finished:
            campaign.records[_key(task)] = _reusable(task, folder.read_record(), fingerprint, read)
        else:
            wanted.insert(0, task)

    def listen(event: Event) -> None:
        match event:
            case TaskFinished():
                campaign.records[_key(event.task)] = event.record
            case TaskFailed():
                campaign.failures[_key(event.task)] = event.error
        on_event(event)

    on_event(ExperimentStarted(tuple(wanted), len(campaign.records), engine.description))
    if wanted and not should_stop():
        engine.run(wanted, settings, listen, should_stop)
    return campaign


def _key(task: Task) -> tuple[str, int]:
    return task.recipe.digest, task.seed


def _check(recipe: Recipe, fingerprint: Callable[[str, int, int], str]) -> None:
    """Find out before the first run what would make every run fail."""
    fingerprint(recipe.data, recipe.validation, recipe.train_limit)
    file = Path(recipe.model.rpartition(":")[0])
    with contextlib.suppress(RuntimeError):  # a home folder of nobody; then there is no such file either
        file = file.expanduser()
    if file.suffix == ".py" and not file.is_file():
        raise ExperimentError(f"{recipe.model}: there is no file {file}")


def _reusable(
    task: Task, record: RunRecord, fingerprint: Callable[[str, int, int], str], read: Callable[[str], Source]
) -> RunRecord:
    recipe = task.recipe
    # Digests are short: of very many recipes two may share one.
    if not record.recipe.trains_as(recipe) or record.seed != task.seed:
        raise ExperimentError(f"{task.folder}: holds another run than its name says; move it away")
    if record.data.fingerprint != fingerprint(recipe.data, recipe.validation, recipe.train_limit):
        raise ExperimentError(f"{task.folder}: was trained on other images than {recipe.data} holds now; give --runs")
    if difference := read(recipe.model).difference(record.source, record.imports):
        raise ExperimentError(f"{task.folder}: {difference} since it was trained; give --runs")
    if record.outcome is None:
        raise ExperimentError(f"{task.folder}: its record lacks the outcome by image; move it away, or give --runs")
    return record


def _fingerprint(data: str, validation: int, limit: int) -> str:
    return take_subset(load_dataset(data), validation=validation, limit=limit).fingerprint
