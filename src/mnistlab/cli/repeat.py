"""``mnistlab repeat``: one recipe over many seeds, and an honest record of what it comes to."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.experiment import (
    changed_recipe,
    chosen_executor,
    chosen_settings,
    echo_summary,
    parse_seeds,
    recipe_options,
    run_options,
    watched,
)
from mnistlab.cli.output import echo, json_option, warn
from mnistlab.cli.path_types import Place

if TYPE_CHECKING:
    from mnistlab.experiments.repetition import Repetition


@click.command(short_help="One recipe over many seeds: what it comes to.")
@click.argument("recipe", shell_complete=recipes)
@click.option(
    "--seeds", default="20", show_default=True, help="How many, from 0; or which: 20-39, or 1,4,7."
)
@click.option("--out", type=Place(file_okay=False), default="repetition", show_default=True)
@recipe_options
@run_options
@json_option
def repeat(recipe: str, seeds: str, out: Path, **options: Any) -> None:
    """Train RECIPE with many seeds, and say what it comes to: the mean of all final epochs, and how
    sure it is.

    RECIPE is what `mnistlab compare` takes. Finished runs are used as they are. Leaves report.html,
    table.md, summary.json, tables, a plot and every run's record in OUT; a run each in RUNS.
    """
    from mnistlab.experiments import repeat as repeat_recipe

    with watched(out, quiet=options["quiet"]) as watching:
        found = repeat_recipe(
            changed_recipe(recipe, options),
            seeds=parse_seeds(seeds),
            runs=options["runs"] or out / "runs",
            executor=chosen_executor(options),
            settings=chosen_settings(options),
            **watching,
        )
    if found:
        show_repetition(found, found.write(out))


def show_repetition(found: "Repetition", files: list[Path]) -> None:
    """Print sentence, remarks and files, and give the summary; exit with status 1 if runs
    failed.
    """
    echo("", *(f"{sentence}." for sentence in (found.sentence, *found.remarks)))
    warn(*(f"failed: {failure}" for failure in found.failures))
    echo("", f"wrote {files[0]} and {len(files) - 1} more files beside it")
    echo_summary(files, "summary.json")
    if found.failures:
        raise SystemExit(1)
