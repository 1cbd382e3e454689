"""ExperimentRuns: every run of an experiment, trained now or found finished."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from mnistlab.data.loading import Loader, take_for
from mnistlab.errors import ExperimentError
from mnistlab.experiments.options import ExperimentOptions
from mnistlab.experiments.trial import Trial
from mnistlab.experiments.trial_events import (
    Event,
    ExperimentStarted,
    TrialFailed,
    TrialFinished,
)
from mnistlab.recipe import Recipe, Source, read_code, read_source
from mnistlab.runs import (
    RunFolder,
    RunRecord,
    RunStore,
    check_prerequisites,
    digest_of,
    pool_complete,
    read_initial_weights,
)

_REMEDY = "choose another folder with `runs=`"


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
                seeds.setdefault((trial.recipe.title, self.failures[_key(trial)]), []).append(
                    trial.seed
                )
        return [
            f"{name}, seed{'s' if len(failed) > 1 else ''} {', '.join(map(str, failed))}: {error}"
            for (name, error), failed in seeds.items()
        ]

    def of(self, recipe: Recipe) -> list[RunRecord]:
        """Return the records of a recipe's finished runs; of folds, those of each seed pooled.

        A seed of which a fold is not finished has none.
        """
        digests = {one.digest for one in recipe.by_fold}
        found = [record for (digest, _), record in self.records.items() if digest in digests]
        return found if len(recipe.by_fold) == 1 else list(pool_complete(found).records)


def plan_trials(recipes: Sequence[Recipe], seeds: Sequence[int], store: RunStore) -> list[Trial]:
    """Return a trial per recipe, fold and seed, seed by seed, so that recipes can be compared
    early.
    """
    runs = [one for recipe in recipes for one in recipe.by_fold]
    return [Trial(one, seed, store.folder(one, seed).path) for seed in seeds for one in runs]


def run_trials(trials: Sequence[Trial], options: ExperimentOptions) -> ExperimentRuns:
    """Train what is not finished yet.

    Args:
        trials: those of one recipe and seed are one run, whatever its label.
        options: what trains them, and how; their folders say where they are kept.

    Raises:
        DataError: a recipe's images cannot be loaded.
        ModelError: a file of a model, a loss or an optimiser of the user's own is missing.
        RecipeError: there is no such optimiser.
        RunError: a recipe's initial weights cannot be read.
        ExperimentError: a finished run is of other images, of a model's file or initial weights
            that have changed, or of a version of mnistlab that kept less.
    """
    experiment = ExperimentRuns(tuple(trials))
    parts, read, weights = (
        _Parts(),
        cache(read_source),
        cache(lambda init: digest_of(read_initial_weights(init))),
    )
    recipes = {trial.recipe.digest: trial.recipe for trial in trials}.values()
    for recipe in recipes:
        check_prerequisites(recipe)
        if "." in recipe.optimizer and ":" not in recipe.optimizer:
            # Torch is only imported where it is needed.
            from mnistlab.training.optimizers import check_optimizer

            check_optimizer(recipe.optimizer)
    images = [parts.of(recipe) for recipe in recipes]
    wanted: list[Trial] = []
    reused: list[TrialFinished] = []
    for trial in {_key(trial): trial for trial in reversed(trials)}.values():
        folder = RunFolder(trial.folder)
        if folder.finished:
            record = _reusable(trial, folder.read_record(), parts, read, weights)
            experiment.records[_key(trial)] = record
            reused.insert(0, TrialFinished(trial, record))
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
    said = [note for found in images for note in found.notes]
    notes = tuple(dict.fromkeys([*said, *_input_notes(experiment.records.values())]))
    options.on_event(
        ExperimentStarted(tuple(wanted), len(reused), executor.description, notes, tuple(reused))
    )
    if wanted and not options.should_stop():
        executor.run(wanted, options.run, listen, options.should_stop)
    return experiment


def _input_notes(records: Iterable[RunRecord]) -> Iterator[str]:
    for record in records:
        for note in record.notes:
            yield f"{record.recipe.model}: {note}"


def _key(trial: Trial) -> tuple[str, int]:
    return trial.recipe.digest, trial.seed


@dataclass(frozen=True)
class _Part:
    """What is to be known of the images that a recipe trains on."""

    fingerprint: str
    notes: tuple[str, ...]


class _Parts:
    """The parts of data that recipes train on, each looked at once."""

    def __init__(self) -> None:
        self._loader = Loader()
        self._found: dict[tuple[object, ...], _Part] = {}

    def of(self, recipe: Recipe) -> _Part:
        """Return what is to be known of the part that a recipe trains on.

        Raises:
            DataError: the data cannot be loaded, or are too few.
        """
        part_key = recipe.validation, recipe.folds, recipe.fold, recipe.train_limit
        watched = recipe.watches and recipe.validation_fraction
        key = recipe.data_key, *part_key, watched
        if key not in self._found:
            part = take_for(recipe, self._loader.load(recipe))
            self._found[key] = _Part(part.fingerprint, tuple(part.notes))
        return self._found[key]


def _reusable(
    trial: Trial,
    record: RunRecord,
    parts: _Parts,
    read: Callable[[str], Source],
    weights: Callable[[str], str],
) -> RunRecord:
    recipe = trial.recipe
    # Digests are short: of very many recipes two may share one.
    if not record.recipe.trains_as(recipe) or record.seed != trial.seed:
        raise ExperimentError(f"{trial.folder}: holds another run than its name says; move it away")
    if record.data.fingerprint != parts.of(recipe).fingerprint:
        raise ExperimentError(
            f"{trial.folder}: was trained on other images than {recipe.data} holds now; {_REMEDY}"
        )
    if difference := read(recipe.model).difference(record.source, record.imports):
        raise ExperimentError(f"{trial.folder}: {difference} since it was trained; {_REMEDY}")
    if record.init_digest != weights(recipe.init):
        raise ExperimentError(
            f"{trial.folder}: the weights that its recipe names as init have changed since it was"
            f" trained; {_REMEDY}"
        )
    for key, source in read_code(recipe).items():
        old = record.code.get(key)
        if old and (difference := source.difference(old.source, old.imports)):
            raise ExperimentError(f"{trial.folder}: {difference} since it was trained; {_REMEDY}")
    if record.predictions is None:
        raise ExperimentError(
            f"{trial.folder}: its record lacks the predictions by image; move it away, or {_REMEDY}"
        )
    return record
