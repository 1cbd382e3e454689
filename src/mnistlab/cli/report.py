"""``mnistlab report``: tables, plots and page made again from records."""

import json
from pathlib import Path

import click

from mnistlab.cli.experiment import show, show_table
from mnistlab.cli.output import echo, json_option, terminal_width
from mnistlab.cli.path_types import Place
from mnistlab.files import read_file


@click.command(short_help="Write a report again from records.")
@click.argument("source", type=Place())
@click.option(
    "--out", type=Place(file_okay=False), help="Folder to write the report to.  [SOURCE's own]"
)
@json_option
def report(source: Path, out: Path | None) -> None:
    """Make a report again from SOURCE: a comparison.json, a folder that holds one, a folder that
    `mnistlab repeat` or `mnistlab evaluate --corruptions` wrote, or a folder of runs.

    This needs only the records of the runs, neither weights nor PyTorch. In a folder of runs all
    recipes are compared.
    """
    from mnistlab.experiments import read_comparison, read_repetition
    from mnistlab.experiments.archive import FILE
    from mnistlab.experiments.reload import record_files

    archived = (source / FILE).exists()
    if record_files(source) and not archived:
        repetition = read_repetition(source)
        echo()
        show(repetition, repetition.write(out or source))
        return
    if not archived and _is_robustness(source / "summary.json"):
        from mnistlab.evaluation import read_robustness

        robustness = read_robustness(source)
        echo("", *robustness.table().text(terminal_width()).split("\n"))
        show(robustness, robustness.write(out or source))
        return
    result = read_comparison(source)
    files = result.write(out or (source if source.is_dir() else source.parent))
    show_table(result)
    show(result, files)


def _is_robustness(summary: Path) -> bool:
    """Whether a ``summary.json`` is that of an evaluation of robustness."""
    try:
        return "severities" in json.loads(read_file(summary))
    except (OSError, ValueError, TypeError, RecursionError):
        return False
