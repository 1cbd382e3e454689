"""``mnistlab report``: tables, plots and page again, from records alone."""

from pathlib import Path

import click

from mnistlab.cli.experiment import show, show_table
from mnistlab.cli.output import json_option
from mnistlab.cli.path_types import Place


@click.command(short_help="Write a report again from records.")
@click.argument("source", type=Place())
@click.option(
    "--out", type=Place(file_okay=False), help="Folder to write the report to.  [SOURCE's own]"
)
@json_option
def report(source: Path, out: Path | None) -> None:
    """Write the report of SOURCE again: a comparison.json, a folder that holds one, or a folder of
    runs.

    This needs only the record.json of each run, neither weights nor PyTorch. The runs of a folder
    are compared recipe by recipe.
    """
    from mnistlab.experiments import read_comparison

    result = read_comparison(source)
    files = result.write(out or (source if source.is_dir() else source.parent))
    show_table(result)
    show(result, files)
