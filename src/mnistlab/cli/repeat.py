"""``mnistlab repeat``: one recipe over many seeds, and its mean accuracy."""

from pathlib import Path
from typing import Any

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.experiment import experiment, show
from mnistlab.cli.log_options import log_options
from mnistlab.cli.options import (
    changed_recipe,
    experiment_options,
    folds_option,
    metric_option,
    out_option,
    parse_seeds,
    recipe_options,
    seeds_option,
    weight_options,
)
from mnistlab.cli.output import echo, json_option
from mnistlab.cli.path_types import NAME


@click.command(short_help="The mean accuracy of one recipe over many seeds.")
@click.argument("recipe", type=NAME, shell_complete=recipes)
@seeds_option(20)
@metric_option
@out_option("repetition")
@folds_option
@recipe_options
@weight_options
@experiment_options
@log_options
@json_option
def repeat(recipe: str, seeds: str, out: Path, **options: Any) -> None:
    """Train RECIPE with many seeds, and report the mean accuracy of the final epochs, with its
    confidence interval.

    RECIPE is what `mnistlab compare` takes. Finished runs are used as they are. Writes report.html,
    table.md, summary.json, tables, a plot and every run's record into OUT, and each run into RUNS.
    """
    from mnistlab.experiments import repeat as repeat_recipe

    chosen, numbers = changed_recipe(recipe, options), parse_seeds(seeds)
    with experiment(out, options, [chosen]) as arguments:
        result = repeat_recipe(chosen, seeds=numbers, **arguments)
    if result:
        echo()
        show(result, result.write(out))
