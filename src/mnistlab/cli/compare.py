"""``mnistlab compare`` and ``mnistlab ablate``: which recipe is better, and what each regulariser
is worth.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.experiment import experiment, show, show_table
from mnistlab.cli.log_options import log_options
from mnistlab.cli.options import (
    changed_recipe,
    experiment_options,
    folds_option,
    margin_option,
    metric_option,
    out_option,
    parse_seeds,
    recipe_options,
    seeds_option,
)
from mnistlab.cli.output import json_option
from mnistlab.cli.path_types import NAME
from mnistlab.errors import ExperimentError

if TYPE_CHECKING:
    from mnistlab.experiments import ComparisonResult
    from mnistlab.recipe import Recipe


_SEEDS = 20


@click.command(short_help="Which recipe is better, over many seeds.")
@click.argument("recipes", type=NAME, nargs=-1, required=True, shell_complete=recipes)
@seeds_option(_SEEDS, shown=False)
@margin_option
@metric_option
@click.option(
    "--until-settled",
    is_flag=True,
    help="Stop as soon as the verdict is settled; the error rate stays 5 % in all.",
)
@click.option(
    "--max-seeds",
    type=click.IntRange(6, 1000),
    help="Seeds after which --until-settled stops at the latest.  [20]",
)
@out_option("comparison")
@folds_option
@recipe_options
@experiment_options
@log_options
@json_option
def compare(
    recipes: tuple[str, ...],
    seeds: str | None,
    out: Path,
    *,
    until_settled: bool,
    max_seeds: int | None,
    **options: Any,
) -> None:
    """Train RECIPES with the same seeds, and say which is better, or whether they are equivalent.

    Each is a built-in one (`mnistlab recipe list`), a .toml file, or your own model as
    path/to/file.py:build. Finished runs are used as they are. Writes report.html, table.md,
    summary.json, comparison.json, tables and plots into OUT, and each run into RUNS.
    """
    from mnistlab.experiments import compare as compare_recipes
    from mnistlab.experiments.compare import check_recipes

    if until_settled and seeds:
        raise ExperimentError(
            "--until-settled decides the number of seeds: give --max-seeds instead of --seeds"
        )
    if max_seeds and not until_settled:
        raise ExperimentError("--max-seeds belongs to --until-settled: give both, or --seeds alone")
    changed = [changed_recipe(name, options) for name in recipes]
    check_recipes(changed)
    plan = {"max_seeds": max_seeds or _SEEDS} if until_settled else {}
    _run(compare_recipes, changed, changed, seeds or str(_SEEDS), out, options, **plan)


@click.command(short_help="What each regulariser of a recipe is worth.")
@click.argument("recipe", type=NAME, shell_complete=recipes)
@seeds_option(10)
@margin_option
@metric_option
@out_option("ablation")
@folds_option
@recipe_options
@experiment_options
@log_options
@json_option
def ablate(recipe: str, seeds: str, out: Path, **options: Any) -> None:
    """Measure what each regulariser of RECIPE is worth: train it whole, without each, with each
    alone, and with none.

    Regularisers are found from the recipe's fields: augmentation, dropout, batch normalisation,
    weight decay, label smoothing, averaging of weights. Each variant is compared with the whole
    recipe.
    """
    from mnistlab.experiments import ablation
    from mnistlab.recipe import ablate as variants

    whole = changed_recipe(recipe, options)
    _run(ablation, [whole], variants(whole), seeds, out, options)


def _run(
    function: "Callable[..., ComparisonResult | None]",
    recipes: "list[Recipe]",
    trained: "list[Recipe]",
    seeds: str,
    out: Path,
    options: dict[str, Any],
    **plan: Any,
) -> None:
    """Train and report; ``trained`` are the recipes that the function makes of its own."""
    if options["margin"] is not None:
        plan["margin"] = options["margin"]
    numbers = parse_seeds(seeds)
    with experiment(out, options, trained) as arguments:
        result = function(*recipes, seeds=numbers, **plan, **arguments)
    if result:
        files = result.write(out)
        show_table(result)
        show(result, files)
