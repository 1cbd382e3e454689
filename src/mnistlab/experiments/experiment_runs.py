"""ExperimentRuns: every run of an experiment, trained now or found finished."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from mnistlab.data import Loader, take_for
from mnistlab.errors import ExperimentError
from mnistlab.experiments.options import ExperimentOptions
from mnistlab.experiments.trial import Trial
from mnistlab.experiments.trial_events import (
    Event,
    ExperimentStarted,
    TrialFailed,
    TrialFinished,
)
from mnistlab.recipe import Recipe, Source, read_source
from mnistlab.runs import RunFolder, RunRecord, RunStore


@dataclass
class ExperimentRuns:
    """The runs of an experiment.

    Attributes:
        trials: all that were wanted.
        records: of those that are finished, by recipe's digest and seed.
        failures: errors of those that cannot be finished, by the same.
    """

    trials: tuple[Trial, ...]
    records: dict[tuple[str, int], RunRecord] = field(default_factory=dict)
    failures: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every run is either finished or failed, as opposed to stopped."""
        return len(self.records) + len(self.failures) == len({_key(trial) for trial in self.trials})

    @property
    def errors(self) -> list[str]:
        """A line for the runs of a recipe that cannot be finished for the same reason."""
        seeds: dict[tuple[str, str], list[int]] = {}
        for trial in self.trials:
            if _key(trial) in self.failures:
                seeds.setdefault((trial.recipe.name, self.failures[_key(trial)]), []).append(
                    trial.seed
                )
        return [
            f"{name}, seed{'s' if len(failed) > 1 else ''} {', '.join(map(str, failed))}: {error}"
            for (name, error), failed in seeds.items()
        ]

    def of(self, recipe: Recipe) -> list[RunRecord]:
        """Return the records of a recipe's finished runs."""
        return [record for (digest, _), record in self.records.items() if digest == recipe.digest]


def plan_trials(recipes: Sequence[Recipe], seeds: Sequence[int], store: RunStore) -> list[Trial]:
    """Return a trial per recipe and seed, seed by seed, so that recipes can be compared early."""
    return [
        Trial(recipe, seed, store.folder(recipe, seed).path) for seed in seeds for recipe in recipes
    ]


def run_trials(trials: Sequence[Trial], options: ExperimentOptions) -> ExperimentRuns:
    """Train what is not finished yet.

    Args:
        trials: those of one recipe and seed are one run, whatever its label.
        options: what trains them, and how; their folders say where they are kept.

    Raises:
        DataError: a recipe's images cannot be loaded.
        ExperimentError: a model's file is missing, or a finished run is of other images, of a
            model's file that has changed, or of a version of mnistlab that kept less.
    """
    experiment = ExperimentRuns(tuple(trials))
    fingerprints, read = _Fingerprints(), cache(read_source)
    for recipe in {trial.recipe.digest: trial.recipe for trial in trials}.values():
        _check(recipe, fingerprints)
    wanted: list[Trial] = []
    for trial in {_key(trial): trial for trial in reversed(trials)}.values():
        folder = RunFolder(trial.folder)
        if folder.finished:
            experiment.records[_key(trial)] = _reusable(
                trial, folder.read_record(), fingerprints, read
            )
        else:
            wanted.insert(0, trial)

    def listen(event: Event) -> None:
        match event:
            case TrialFinished():
                experiment.records[_key(event.trial)] = event.record
            case TrialFailed():
                experiment.failures[_key(event.trial)] = event.error
        options.on_event(event)

    executor = options.trainer
    options.on_event(
        ExperimentStarted(
            tuple(wanted),
            len(experiment.records),
            executor.description,
            tuple(dict.fromkeys([*fingerprints.notes, *_input_notes(experiment.records.values())])),
        )
    )
    if wanted and not options.should_stop():
        executor.run(wanted, options.run, listen, options.should_stop)
    return experiment


def _input_notes(records: Iterable[RunRecord]) -> Iterator[str]:
    for record in records:
        for note in record.model_input.notes:
            yield f"{record.recipe.model}: {note}"


def _key(trial: Trial) -> tuple[str, int]:
    return trial.recipe.digest, trial.seed


def _check(recipe: Recipe, fingerprints: "_Fingerprints") -> None:
    """Refuse before the first run what would make every run fail."""
    fingerprints.of(recipe)
    file = Path(recipe.model.rpartition(":")[0])
    with contextlib.suppress(
        RuntimeError
    ):  # a home folder of nobody; then there is no such file either
        file = file.expanduser()
    if file.suffix == ".py" and not file.is_file():
        raise ExperimentError(f"{recipe.model}: there is no file {file}")


def _reusable(
    trial: Trial,
    record: RunRecord,
    fingerprints: "_Fingerprints",
    read: Callable[[str], Source],
) -> RunRecord:
    recipe = trial.recipe
    # Digests are short: of very many recipes two may share one.
    if not record.recipe.trains_as(recipe) or record.seed != trial.seed:
        raise ExperimentError(f"{trial.folder}: holds another run than its name says; move it away")
    if record.data.fingerprint != fingerprints.of(recipe):
        raise ExperimentError(
            f"{trial.folder}: was trained on other images than {recipe.data} holds now; give --runs"
        )
    if difference := read(recipe.model).difference(record.source, record.imports):
        raise ExperimentError(f"{trial.folder}: {difference} since it was trained; give --runs")
    if record.predictions is None:
        raise ExperimentError(
            f"{trial.folder}: its record lacks the outcome by image; move it away, or give --runs"
        )
    return record


class _Fingerprints:
    """Fingerprints of the parts of data that recipes train on, each worked out once.

    Attributes:
        notes: what has to be said of them.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._loader = Loader()
        self._found: dict[tuple[object, ...], str] = {}

    def of(self, recipe: Recipe) -> str:
        """Return that of the part that a recipe trains on.

        Raises:
            DataError: the data cannot be loaded, or are too few.
        """
        key = recipe.data_key, recipe.validation, recipe.train_limit
        if key not in self._found:
            part = take_for(recipe, self._loader.load(recipe))
            self._found[key] = part.fingerprint
            self.notes += part.notes
        return self._found[key]
