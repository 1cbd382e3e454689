"""Sweep: many candidates tried on held-out training images, and the chosen one scored once on the
test set.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mnistlab.errors import ExperimentError, RunError
from mnistlab.experiments.comparison_result import ComparisonResult
from mnistlab.experiments.executor import Executor
from mnistlab.experiments.experiment_runs import ExperimentRuns, plan_trials, run_trials
from mnistlab.experiments.grid import Grid, describe
from mnistlab.experiments.local_executor import LocalExecutor
from mnistlab.experiments.trial import Settings
from mnistlab.experiments.trial_events import Listener, ignore, never
from mnistlab.recipe import Recipe, to_toml
from mnistlab.runs import RunStore, write_atomically
from mnistlab.statistics import RunGroup, Summary, summarise

_MOST_SHOWN = 30
"""Candidates in the report, best first; ``sweep.json`` has them all."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """What a sweep found.

    Attributes:
        candidates: the report over the candidates' validation runs, best first. None is tested
            against the best, which these very figures chose.
        figures: of every candidate, best first: what sets it apart, and its validation figures.
        chosen: the recipe, without validation, as it was trained in the end.
        final: its runs on all training images, tested on the test set.
    """

    candidates: ComparisonResult
    figures: tuple[tuple[str, Summary], ...]
    chosen: Recipe
    final: ComparisonResult

    @property
    def verdict(self) -> str:
        """One plain sentence."""
        return self.candidates.verdict

    def write(self, out: Path | str) -> list[Path]:
        """Write the report over the candidates, ``sweep.json`` and ``best.toml`` into a folder.

        Raises:
            RunError: the folder cannot be written to.
        """
        folder = Path(out)
        files = self.candidates.write(folder)
        last = self.final.comparison.summaries[0]
        content = {
            "verdict": self.verdict,
            "chosen": self.chosen.model_dump(mode="json"),
            "test": last.model_dump(),
            "candidates": [
                {"fields": label} | summary.model_dump(exclude={"label"})
                for label, summary in self.figures
            ],
            "command": self.candidates.command,
        }
        try:
            write_atomically(folder / "sweep.json", json.dumps(content, indent=2) + "\n")
            write_atomically(folder / "best.toml", to_toml(self.chosen))
        except OSError as error:
            raise RunError(
                f"{error.filename or folder}: cannot be written: {error.strerror}"
            ) from error
        return [files[0], folder / "sweep.json", folder / "best.toml", *files[1:]]


def sweep(
    grid: Grid,
    resolve: Callable[[str], Recipe],
    *,
    runs: Path | str = "runs",
    executor: Executor | None = None,
    settings: Settings | None = None,
    on_event: Listener = ignore,
    should_stop: Callable[[], bool] = never,
    command: str = "",
) -> Sweep | None:
    """Choose among candidates by their mean accuracy on held-out training images; then score the
    chosen one.

    The test set is not looked at until one candidate is chosen (equal accuracies: the lower loss);
    that one is trained anew on all training images.

    Args:
        grid: the candidates.
        resolve: turns what ``grid.recipe`` says into a recipe.
        runs: see :func:`mnistlab.compare`, as the others.
        executor: what trains.
        settings: device, kernels, threads of each run.
        on_event: told of progress.
        should_stop: asked often.
        command: to be noted in the report.

    Returns:
        What was found, or ``None`` if it was asked to stop.

    Raises:
        MnistlabError: a candidate is no recipe, or no candidate could be trained.
    """
    executor, settings, store = (
        executor or LocalExecutor(),
        settings or Settings(),
        RunStore(Path(runs)),
    )
    recipes = grid.candidates(resolve)
    trials = plan_trials(recipes, range(grid.seeds), store)
    experiment = run_trials(trials, executor, settings, on_event, should_stop)
    if not experiment.complete:
        return None
    groups = _ranked(experiment, recipes, grid.fields)
    best = groups[0]
    chosen = best.recipe.replace(name=f"{resolve(grid.recipe).name}-best", validation=0)
    trials = plan_trials([chosen], range(grid.final_seeds), store)
    last = run_trials(trials, executor, settings, on_event, should_stop)
    if not last.complete:
        return None
    if not last.of(chosen):
        raise ExperimentError(f"the chosen candidate could not be trained: {last.errors[0]}")
    final = ComparisonResult(
        chosen.name, (RunGroup.of(chosen.name, last.of(chosen)),), runs=store.path
    )
    return Sweep(
        candidates=ComparisonResult(
            title=f"{len(groups)} candidates from {resolve(grid.recipe).name}",
            groups=tuple(groups[:_MOST_SHOWN]),
            failures=(*experiment.errors, *last.errors),
            command=command,
            runs=store.path,
            headline=_headline(best, final, grid),
        ),
        figures=tuple((group.label, summarise(group)) for group in groups),
        chosen=chosen,
        final=final,
    )


def _ranked(experiment: ExperimentRuns, recipes: list[Recipe], fields: list[str]) -> list[RunGroup]:
    groups = [
        RunGroup.of(describe(recipe, fields), records)
        for recipe in recipes
        if (records := experiment.of(recipe))
    ]
    if not groups:
        raise ExperimentError(f"no candidate could be trained; {experiment.errors[0]}")
    # One lucky seed of several would win: who lacks seeds comes after all who have them.
    return sorted(groups, key=lambda s: (-len(s.seeds), -s.accuracies.mean(), s.losses.mean()))


def _headline(best: RunGroup, last: ComparisonResult, grid: Grid) -> str:
    final, images = last.comparison.summaries[0], last.groups[0].records[0].data.train_images
    spread = "" if final.std is None else f", standard deviation {final.std:.2f}"
    return (
        f"chosen by {100 * best.accuracies.mean():.2f} % on {grid.validation:,} held-out training"
        f" images: {best.label}; trained on {images:,} images, it scores {final.accuracy:.2f} % on"
        f" the test set ({len(final.seeds)} seed{'s' if spread else ''}{spread})"
    )
