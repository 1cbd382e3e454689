"""Sweep: many candidates tried on held-out training images, and the chosen one scored once on the
test set.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.errors import ExperimentError
from mnistlab.experiments.comparison_result import ComparisonResult
from mnistlab.experiments.executor import Executor
from mnistlab.experiments.experiment_runs import ExperimentRuns, plan_trials, run_trials
from mnistlab.experiments.grid import Grid, describe, read_grid
from mnistlab.experiments.options import ExperimentOptions
from mnistlab.experiments.trial_events import Listener
from mnistlab.recipe import Recipe, to_toml
from mnistlab.report.result import Plots, Result, Tables
from mnistlab.runs import RunOptions, write_atomically
from mnistlab.runs.options import ignore, never
from mnistlab.statistics import Metric, RunGroup, Summary, summarise
from mnistlab.statistics.metric import METRIC_NAMES

_MOST_SHOWN = 30
"""Candidates in the report, best first; ``sweep.json`` has them all."""


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult(Result):
    """What :func:`mnistlab.sweep` returns.

    In a notebook it shows its verdict and the candidates. :meth:`write` leaves the report over the
    candidates, ``sweep.json`` and ``best.toml``, the chosen recipe.

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
        """One plain sentence: the chosen candidate, and its accuracy on the test set."""
        return self.candidates.verdict

    @property
    def remarks(self) -> list[str]:
        """What else has to be said beside the verdict."""
        return self.candidates.remarks

    @property
    def failures(self) -> tuple[str, ...]:  # type: ignore[override]
        """A line for the runs that could not be finished for the same reason."""
        return self.candidates.failures

    @property
    def command(self) -> str:  # type: ignore[override]
        """The command that makes it again; empty if none made it."""
        return self.candidates.command

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, as ``sweep.json`` has it."""
        return {
            "verdict": self.verdict,
            "chosen": self.chosen.model_dump(mode="json"),
            "metric": self.candidates.metric,
            "test": {"label": self.chosen.name}
            | _plain(summarise(self.final.groups[0], every_metric=True)),
            "candidates": [{"fields": label} | _plain(summary) for label, summary in self.figures],
            "command": self.command,
        }

    def _tables(self) -> Tables:
        return self.candidates._tables()

    def _plots(self) -> Plots:
        return self.candidates._plots()

    def _write(self, folder: Path) -> list[Path]:
        files = self.candidates.write(folder)
        write_atomically(folder / "sweep.json", json.dumps(self.as_dict(), indent=2) + "\n")
        write_atomically(folder / "best.toml", to_toml(self.chosen, folder))
        return [files[0], folder / "sweep.json", folder / "best.toml", *files[1:]]


def _plain(summary: Summary) -> dict[str, Any]:
    return summary.model_dump(exclude={"label"})


def sweep(  # noqa: PLR0913 - the public signature
    grid: Grid | Path | str,
    *,
    metric: Metric = "accuracy",
    runs: Path | str = "sweep/runs",
    workers: int | None = None,
    device: str = "auto",
    threads: int | None = 1,
    kernels: str = "auto",
    executor: Executor | None = None,
    on_event: Listener = ignore,
    should_stop: Callable[[], bool] = never,
    command: str = "",
) -> SweepResult | None:
    """Choose among candidates by their mean accuracy, or another metric, on held-out training
    images; then score the chosen one.

    The test set is not looked at until one candidate is chosen (of equal ones the lower loss);
    that one is trained anew on all training images.

    Args:
        grid: the candidates, or their ``.toml`` file.
        metric: what decides: ``accuracy``, ``macro_f1`` or ``balanced_accuracy``.
        runs: the folder that keeps the runs; the default is that of the command, so that each
            resumes what the other began.
        workers: runs side by side on this machine; ``None`` is one per core.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: CPU threads per run.
        kernels: ``auto`` takes the native kernels where they fit, ``torch`` plain PyTorch.
        executor: what trains instead of processes on this machine, see
            :mod:`mnistlab.experiments`.
        on_event: called with each of :mod:`mnistlab.experiments.trial_events`.
        should_stop: asked often; when true, unfinished runs keep checkpoints.
        command: what the report says made it.

    Returns:
        The result, or ``None`` if it was asked to stop.

    Raises:
        MnistlabError: the file cannot be read, a candidate is no recipe, or no candidate could be
            trained.
    """
    options = ExperimentOptions(
        runs,
        executor,
        workers,
        RunOptions(device, threads=threads, kernels=kernels),
        on_event,
        should_stop,
        command,
        metric,
    )
    grid = grid if isinstance(grid, Grid) else read_grid(grid)
    base, recipes, store = grid.base(), grid.candidates(), options.store
    experiment = run_trials(plan_trials(recipes, range(grid.seeds), store), options)
    if not experiment.complete:
        return None
    groups = _ranked(experiment, recipes, grid.fields, metric)
    best = groups[0]
    chosen = best.recipe.replace(name=f"{base.name}-best", validation=0)
    last = run_trials(plan_trials([chosen], range(grid.final_seeds), store), options)
    if not last.complete:
        return None
    if not last.of(chosen):
        raise ExperimentError(f"the chosen candidate could not be trained: {last.errors[0]}")
    final = ComparisonResult(
        chosen.name, (RunGroup.of(chosen.name, last.of(chosen), metric),), runs=store.path
    )
    return SweepResult(
        candidates=ComparisonResult(
            title=f"{len(groups)} candidates from {base.name}",
            groups=tuple(groups[:_MOST_SHOWN]),
            failures=(*experiment.errors, *last.errors),
            command=command,
            runs=store.path,
            headline=_headline(best, final, grid),
        ),
        figures=tuple((group.label, summarise(group, every_metric=True)) for group in groups),
        chosen=chosen,
        final=final,
    )


def _ranked(
    experiment: ExperimentRuns, recipes: list[Recipe], fields: list[str], metric: Metric
) -> list[RunGroup]:
    groups = [
        RunGroup.of(describe(recipe, fields), records, metric)
        for recipe in recipes
        if (records := experiment.of(recipe))
    ]
    if not groups:
        raise ExperimentError(f"no candidate could be trained; {experiment.errors[0]}")
    # One lucky seed of several would win: who lacks seeds comes after all who have them.
    return sorted(groups, key=lambda s: (-len(s.seeds), -s.values.mean(), s.losses.mean()))


def _headline(best: RunGroup, last: ComparisonResult, grid: Grid) -> str:
    final, images = last.comparison.summaries[0], last.groups[0].records[0].data.train_images
    judged = final.judged
    spread = "" if judged.std is None else f", standard deviation {judged.std:.2f}"
    name = "" if best.metric == "accuracy" else f" {METRIC_NAMES[best.metric]}"
    return (
        f"chosen by {100 * best.values.mean():.2f} %{name} on {grid.validation:,} validation"
        f" images: {best.label}; trained on {images:,} images, it scores {judged.mean:.2f} %{name}"
        f" on the test set ({len(final.seeds)} seed{'s' if spread else ''}{spread})"
    )
