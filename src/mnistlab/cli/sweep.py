"""``mnistlab sweep``: try many recipes on held-out training images, and score the chosen one."""

from pathlib import Path
from typing import Any

import click

from mnistlab.cli.experiment import experiment, show, show_table
from mnistlab.cli.log_options import log_options
from mnistlab.cli.options import experiment_options, metric_option, out_option
from mnistlab.cli.output import json_option
from mnistlab.cli.path_types import Place


@click.command(short_help="Search fields of a recipe on held-out images.")
@click.argument("file", type=Place(dir_okay=False))
@metric_option
@out_option("sweep")
@experiment_options
@log_options
@json_option
def sweep(file: Path, out: Path, **options: Any) -> None:
    """Try the recipes of FILE, a .toml with a [grid] or [random] table, and score the best one.

    Candidates are chosen by their accuracy, or another --metric, on held-out training images; the
    test set is scored once, for the chosen one. Writes report.html, sweep.json and best.toml into
    OUT, and each run into RUNS.
    """
    from mnistlab.experiments import sweep as run_sweep
    from mnistlab.experiments.grid import read_grid

    grid = read_grid(file)
    with experiment(out, options, grid.candidates()) as arguments:
        result = run_sweep(grid, **arguments)
    if result:
        files = result.write(out)
        show_table(result.candidates)
        show(result, files, "sweep.json")
