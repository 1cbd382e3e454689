"""``mnistlab report``: tables, plots and page made again from records."""

from pathlib import Path

import click

from mnistlab.cli.experiment import show, show_table
from mnistlab.cli.output import echo, json_option
from mnistlab.cli.path_types import Place


@click.command(short_help="Write a report again from records.")
@click.argument("source", type=Place())
@click.option(
    "--out", type=Place(file_okay=False), help="Folder to write the report to.  [SOURCE's own]"
)
@json_option
def report(source: Path, out: Path | None) -> None:
    """Make a report again from SOURCE: a comparison.json, a folder that holds one, a folder that
    `mnistlab repeat` wrote, or a folder of runs.

    This needs only the records of the runs, neither weights nor PyTorch. In a folder of runs all
    recipes are compared.
    """
    from mnistlab.experiments import read_comparison, read_repetition
    from mnistlab.experiments.archive import FILE
    from mnistlab.experiments.reload import record_files

    if record_files(source) and not (source / FILE).exists():
        repetition = read_repetition(source)
        echo()
        show(repetition, repetition.write(out or source))
        return
    result = read_comparison(source)
    files = result.write(out or (source if source.is_dir() else source.parent))
    show_table(result)
    show(result, files)
