"""``mnistlab sweep``: try many recipes on held-out training images, and score the chosen one."""

from pathlib import Path
from typing import Any

import click

from mnistlab.cli.experiment import chosen_executor, chosen_settings, run_options, show, watched
from mnistlab.cli.options import resolve_recipe
from mnistlab.cli.output import json_option
from mnistlab.cli.path_types import Place
from mnistlab.errors import RecipeError


@click.command(short_help="Search fields of a recipe on held-out images.")
@click.argument("file", type=Place(dir_okay=False))
@click.option("--out", type=Place(file_okay=False), default="sweep", show_default=True)
@run_options
@json_option
def sweep(file: Path, out: Path, **options: Any) -> None:
    """Try the recipes of FILE, a .toml with a [grid] or [random] table, and score the best one.

    Candidates are chosen by validation on held-out training images; the test set is scored once,
    for the chosen one. Leaves report.html, sweep.json and best.toml in OUT; a run each in RUNS.
    """
    from mnistlab.experiments.grid import read_grid
    from mnistlab.experiments.sweep import sweep as run_sweep

    grid = read_grid(file)
    try:
        grid.candidates(resolve_recipe)
    except RecipeError as error:
        raise RecipeError(f"{file}: {error}") from None
    with watched(out, quiet=options["quiet"]) as watching:
        found = run_sweep(
            grid,
            resolve_recipe,
            runs=options["runs"] or out / "runs",
            executor=chosen_executor(options),
            settings=chosen_settings(options),
            **watching,
        )
    if found:
        show(found.candidates, found.write(out), "sweep.json")
