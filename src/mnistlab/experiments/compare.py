"""Recipes over seeds: several compared, one without its regularisers, or one alone."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mnistlab.errors import ExperimentError
from mnistlab.experiments.comparison_result import ComparisonResult
from mnistlab.experiments.executor import Executor
from mnistlab.experiments.experiment_runs import ExperimentRuns, plan_trials, run_trials
from mnistlab.experiments.look_history import refuse_other_plans, remember
from mnistlab.experiments.options import ExperimentOptions
from mnistlab.experiments.repetition_result import RepetitionResult
from mnistlab.experiments.trial_events import Listener, Looked
from mnistlab.recipe import Recipe, ablate, resolve_recipe
from mnistlab.runs import RunOptions
from mnistlab.runs.options import ignore, never
from mnistlab.statistics import MARGIN, Metric, RunGroup, planned_looks
from mnistlab.statistics.looks import MINIMUM_SEEDS, MOST_SEEDS
from mnistlab.statistics.metric import METRIC_NAMES


def compare(  # noqa: PLR0913 - the public signature
    *recipes: Recipe | Path | str,
    seeds: int | Sequence[int] = 20,
    margin: float = MARGIN,
    metric: Metric = "accuracy",
    max_seeds: int | None = None,
    runs: Path | str = "comparison/runs",
    workers: int | None = None,
    device: str = "auto",
    threads: int | None = 1,
    kernels: str = "auto",
    executor: Executor | None = None,
    on_event: Listener = ignore,
    should_stop: Callable[[], bool] = never,
    command: str = "",
    **changes: Any,
) -> ComparisonResult | None:
    """Train recipes with the same seeds, and say which is better and how certain that is.

    Runs that are finished already are used as they are, unfinished ones are resumed.

    Args:
        recipes: two or more with different names: recipes, names of built-in ones, ``.toml`` files
            or models of your own as ``path/to/file.py:build``.
        seeds: how many, from 0; or which.
        margin: points within which two recipes count as equivalent, above 0.
        metric: what decides: ``accuracy``, ``macro_f1`` or ``balanced_accuracy``. The
            margin is in its points.
        max_seeds: if given, the comparison ends as soon as its verdict is settled, after at most
            this many seeds, at least six; ``seeds`` is then ignored. See
            :func:`mnistlab.statistics.planned_looks`.
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
        changes: fields of every recipe and their new values, for example ``epochs=5``;
            ``folds=5`` trains five runs for each recipe and seed, which are tested on a fifth of
            the images each and count as one.

    Returns:
        The result, or ``None`` if it was asked to stop.

    Raises:
        MnistlabError: recipes that cannot be compared, or a recipe of which no run could be
            finished.
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
    chosen = [resolve_recipe(recipe, **changes) for recipe in recipes]
    check_recipes(chosen)
    title = " against ".join(recipe.name for recipe in chosen)
    if max_seeds is None:
        return run_comparison(title, chosen, "", seeds, options, margin=margin)
    if not isinstance(max_seeds, int) or not MINIMUM_SEEDS <= max_seeds <= MOST_SEEDS:
        raise ExperimentError(f"max_seeds: {MINIMUM_SEEDS} to {MOST_SEEDS:,}; found {max_seeds!r}")
    refuse_other_plans(Path(runs), [recipe.digest for recipe in chosen], max_seeds, metric)
    result: ComparisonResult | None = None
    for count in planned_looks(max_seeds, math.comb(len(chosen), 2)):
        result = run_comparison(
            title, chosen, "", count, options, margin=margin, max_seeds=max_seeds
        )
        if result is None:
            return None
        on_event(Looked(count, result.verdict))
        if result.comparison.settled:
            break
    return result


def ablation(  # noqa: PLR0913 - the public signature
    recipe: Recipe | Path | str,
    *,
    seeds: int | Sequence[int] = 10,
    margin: float = MARGIN,
    metric: Metric = "accuracy",
    runs: Path | str = "ablation/runs",
    workers: int | None = None,
    device: str = "auto",
    threads: int | None = 1,
    kernels: str = "auto",
    executor: Executor | None = None,
    on_event: Listener = ignore,
    should_stop: Callable[[], bool] = never,
    command: str = "",
    **changes: Any,
) -> ComparisonResult | None:
    """Train a recipe whole, without each of its regularisers, with each alone, and bare; compare
    each with the whole.

    Its regularisers are found from its fields, see :func:`mnistlab.recipe.ablate`. Arguments,
    result and errors are those of :func:`compare`.
    """
    _refuse_others(changes, "max_seeds")
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
    whole = resolve_recipe(recipe, **changes)
    title = f"What the regularisers of {whole.name} are worth"
    return run_comparison(title, ablate(whole), whole.name, seeds, options, margin=margin)


def repeat(  # noqa: PLR0913 - the public signature
    recipe: Recipe | Path | str,
    *,
    seeds: int | Sequence[int] = 20,
    metric: Metric = "accuracy",
    runs: Path | str = "repetition/runs",
    workers: int | None = None,
    device: str = "auto",
    threads: int | None = 1,
    kernels: str = "auto",
    executor: Executor | None = None,
    on_event: Listener = ignore,
    should_stop: Callable[[], bool] = never,
    command: str = "",
    **changes: Any,
) -> RepetitionResult | None:
    """Train one recipe with many seeds, and report its mean accuracy and how certain that is.

    Arguments and errors are those of :func:`compare`, which is for several recipes.

    Returns:
        The result, or ``None`` if it was asked to stop.

    Raises:
        MnistlabError: the recipe cannot be trained, or not one run could be finished.
    """
    _refuse_others(changes, "margin", "max_seeds")
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
    chosen = resolve_recipe(recipe, **changes)
    result = run_comparison(chosen.name, [chosen], "", seeds, options)
    return (
        RepetitionResult(result.groups[0], Path(runs), result.failures, command) if result else None
    )


def _numbers(seeds: int | Sequence[int]) -> Sequence[int]:
    numbers = range(seeds) if isinstance(seeds, int) and not isinstance(seeds, bool) else seeds
    if not isinstance(numbers, Sequence) or not all(isinstance(number, int) for number in numbers):
        raise ExperimentError(f"seeds: a whole number or a list of them; found {seeds!r}")
    if not numbers or min(numbers) < 0:
        raise ExperimentError("seeds: give at least one, each 0 or above")
    return sorted(set(numbers))


def check_recipes(recipes: Sequence[Recipe]) -> None:
    """Refuse recipes that cannot be compared.

    Raises:
        ExperimentError: fewer than two, of one name, or on different data.
    """
    if len(recipes) < 2:
        raise ExperimentError(
            "give at least two recipes to compare; mnistlab repeat is for one over many seeds"
        )
    for key in ("data", "validation", "folds", "fold", "group", "train_limit"):
        values = [getattr(recipe, key) for recipe in recipes]
        if len(set(values)) > 1:
            raise ExperimentError(
                f"{key}: differs between the recipes ({', '.join(str(v) or 'none' for v in values)}"
                "); not comparable"
            )
    seen: dict[str, Recipe] = {}
    for recipe in recipes:
        for name, other in seen.items():
            if other.digest == recipe.digest:
                raise ExperimentError(
                    f"{name} and {recipe.name} are the same recipe; there is nothing to compare"
                )
        if recipe.name in seen:
            raise ExperimentError(
                f"{recipe.name}: two recipes of that name; give one a .toml file with another name"
            )
        seen[recipe.name] = recipe


def run_comparison(
    title: str,
    recipes: Sequence[Recipe],
    baseline: str,
    seeds: int | Sequence[int],
    options: ExperimentOptions,
    *,
    margin: float = MARGIN,
    max_seeds: int = 0,
) -> ComparisonResult | None:
    """Train what is not finished yet, gather the runs of each recipe, and note that they were
    looked at.

    See :func:`compare` for the arguments; ``max_seeds`` is 0 where no looks were planned.
    """
    numbers = _numbers(seeds)
    if not isinstance(margin, int | float) or not 0 < margin <= 100:
        raise ExperimentError(
            f"margin: points of {METRIC_NAMES[options.metric]}, above 0 and at most 100; found"
            f" {margin!r}"
        )
    store, command = options.store, options.command
    experiment = run_trials(plan_trials(recipes, numbers, store), options)
    if not experiment.complete:
        return None
    _refuse_missing(experiment, recipes, store.path)
    groups = tuple(
        RunGroup.of(recipe.name, experiment.of(recipe), options.metric) for recipe in recipes
    )
    result = ComparisonResult(
        title,
        groups,
        baseline,
        tuple(experiment.errors),
        command,
        store.path,
        margin=margin,
        max_seeds=max_seeds,
    )
    comparisons = len(groups) - 1 if baseline else math.comb(len(groups), 2)
    remember(store.path, groups, margin, max_seeds, comparisons)
    return result


def _refuse_missing(experiment: ExperimentRuns, recipes: Sequence[Recipe], store: Path) -> None:
    """Refuse to compare with a recipe of which no run could be finished."""
    for recipe in recipes:
        if experiment.of(recipe):
            continue
        errors = (error for error in experiment.errors if error.startswith(f"{recipe.name}, "))
        reason = next(errors, experiment.errors[0])
        if not experiment.records:
            raise ExperimentError(f"not one run could be finished; {reason}")
        kept = len(experiment.records)
        raise ExperimentError(
            f"no run of {recipe.name} could be finished, so that it cannot be compared; {reason};"
            f" {'a finished run is' if kept == 1 else f'{kept} finished runs are'} kept in {store}"
        )


def _refuse_others(changes: dict[str, Any], *names: str) -> None:
    """Refuse arguments of :func:`compare`, which are no fields of a recipe."""
    for name in names:
        if name in changes:
            raise ExperimentError(f"{name}: is for comparing recipes; leave it out")
