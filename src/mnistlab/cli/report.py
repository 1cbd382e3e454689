"""``mnistlab report``: tables, plots and page again, from records alone."""

from pathlib import Path

import click

from mnistlab.cli.experiment import show
from mnistlab.cli.output import json_option
from mnistlab.cli.path_types import Place


@click.command(short_help="Make a report again from records.")
@click.argument("source", type=Place())
@click.option("--out", type=Place(file_okay=False), help="Folder for the report.  [SOURCE's own]")
@json_option
def report(source: Path, out: Path | None) -> None:
    """Make the report again from SOURCE: a comparison.json, a folder that holds one, or a folder of
    runs.

    Needs the runs' record.json alone, neither weights nor PyTorch. A folder of runs is compared
    recipe by recipe.
    """
    from mnistlab.experiments import read_comparison

    result = read_comparison(source)
    show(result, result.write(out or (source if source.is_dir() else source.parent)))
