"""``mnistlab compare`` and ``mnistlab ablate``: which recipe is better, and what each regulariser
is worth.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.experiment import (
    changed_recipe,
    chosen_executor,
    chosen_settings,
    parse_seeds,
    recipe_options,
    run_options,
    show,
    watched,
)
from mnistlab.cli.output import json_option, warn
from mnistlab.cli.path_types import Place
from mnistlab.errors import ExperimentError
from mnistlab.files import read_file
from mnistlab.text import shorten

if TYPE_CHECKING:
    from mnistlab.recipe import Recipe


_SEEDS = 20
_margin = click.option(
    "--margin",
    type=click.FloatRange(0, 100, min_open=True),
    help=(
        "Points of accuracy within which recipes count as equivalent; fix it before you look. "
        " [0.1]"
    ),
)


@click.command(short_help="Recipes with the same seeds: which is better.")
@click.argument("recipes", nargs=-1, required=True, shell_complete=recipes)
@click.option("--seeds", help="How many, from 0; or which: 20-39, or 1,4,7.  [20]")
@_margin
@click.option(
    "--until-settled",
    is_flag=True,
    help="End as soon as the verdict is settled, at 5 % false alarms in all.",
)
@click.option(
    "--max-seeds",
    type=click.IntRange(6, 1000),
    help="Where --until-settled ends at the latest.  [20]",
)
@click.option("--out", type=Place(file_okay=False), default="comparison", show_default=True)
@recipe_options
@run_options
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
    path/to/file.py:build. Finished runs are used as they are. Leaves report.html, table.md,
    summary.json, comparison.json, tables and plots in OUT; a run each in RUNS.
    """
    from mnistlab.experiments import compare as compare_recipes

    if until_settled and seeds:
        raise ExperimentError(
            "--until-settled finds out how many seeds it takes: give --max-seeds instead of --seeds"
        )
    if max_seeds and not until_settled:
        raise ExperimentError(
            "--max-seeds is for --until-settled; --seeds says how many are trained without it"
        )
    changed = [changed_recipe(name, options) for name in recipes]
    plan = {"max_seeds": max_seeds or _SEEDS} if until_settled else {}
    _run(compare_recipes, changed, seeds or str(_SEEDS), out, options, **plan)


@click.command(short_help="What each regulariser of a recipe is worth.")
@click.argument("recipe", shell_complete=recipes)
@click.option(
    "--seeds", default="10", show_default=True, help="How many, from 0; or which: 20-39, or 1,4,7."
)
@_margin
@click.option("--out", type=Place(file_okay=False), default="ablation", show_default=True)
@recipe_options
@run_options
@json_option
def ablate(recipe: str, seeds: str, out: Path, **options: Any) -> None:
    """Say what each regulariser of RECIPE is worth: train it whole, without each, with each alone,
    and bare.

    Regularisers are found from the recipe's fields: augmentation, dropout, batch normalisation,
    weight decay, label smoothing, averaging of weights. Each variant is held against the whole
    recipe.
    """
    from mnistlab.experiments import ablation

    _run(ablation, [changed_recipe(recipe, options)], seeds, out, options)


def _run(
    experiment: Any,
    recipes: "list[Recipe]",
    seeds: str,
    out: Path,
    options: dict[str, Any],
    **plan: Any,
) -> None:
    chosen = plan if options["margin"] is None else {"margin": options["margin"], **plan}
    with watched(out, quiet=options["quiet"]) as watching:
        result = experiment(
            *recipes,
            seeds=parse_seeds(seeds),
            **chosen,
            runs=options["runs"] or out / "runs",
            executor=chosen_executor(options),
            settings=chosen_settings(options),
            **watching,
        )
    if result:
        before = _title(out / "comparison.json")
        if before and before != result.title:
            warn(
                f"note: {out} held the report {shorten(before)!r}, which this one replaces; its"
                " runs stay"
            )
        show(result, result.write(out))


def _title(archive: Path) -> str:
    """Return the title of the report that is there, or nothing."""
    try:
        return str(json.loads(read_file(archive))["title"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
