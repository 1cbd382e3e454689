"""``mnistlab runs``: list what a folder of runs holds."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnistlab.cli.output import echo, echo_json, json_option, json_wanted, write
from mnistlab.cli.path_types import Place
from mnistlab.errors import RunError
from mnistlab.text import printable, shorten

if TYPE_CHECKING:
    from mnistlab.runs import RunStore, RunSummary

_MOST_DAMAGED = 5


@click.command(short_help="List finished runs.")
@click.argument("folder", type=Place(), default="runs")
@click.option("--csv", is_flag=True, help="As a table of comma-separated values, best first.")
@click.option("--markdown", is_flag=True, help="As a table in Markdown, best first.")
@json_option
def runs(folder: Path, *, csv: bool, markdown: bool) -> None:
    """List the finished runs in FOLDER: recipe, seed, final accuracy, time, and when each was
    begun.

    The accuracy is that on the test images; on the held-out training images, `validation`, where
    the recipe has those.

    As a table it is the log of a search: what sets each recipe apart, its size, and its figures.
    Runs in the folders of FOLDER are listed too. A damaged run does not keep the others from being
    listed; it is named in the end.
    """
    from mnistlab.experiments.listing import find_stores, run_listing

    if csv + markdown + json_wanted() > 1:
        raise click.UsageError(
            "--csv, --markdown and --json are forms of the same list: give one of them"
        )
    stores, damaged = find_stores(folder), list[RunError]()
    if csv or markdown:
        table = run_listing(record for store in stores for record in store.records(damaged.append))
        write(table.csv() if csv else table.markdown())
    else:
        found = [summary for store in stores for summary in store.summaries(damaged.append)]
        _show(folder, stores[0], found)
    if damaged:
        others = (
            f"; and {len(damaged) - _MOST_DAMAGED:,} more" if len(damaged) > _MOST_DAMAGED else ""
        )
        raise RunError(
            "; ".join(shorten(str(error), 300) for error in damaged[:_MOST_DAMAGED]) + others
        )


def _show(folder: Path, home: "RunStore", found: "list[RunSummary]") -> None:
    """Tell a line for each run, and how many there are; give their figures."""
    from mnistlab.recipe import tested_on
    from mnistlab.report import duration, percent

    for run in found:
        accuracy = f"{tested_on(run.recipe.validation):>10} {percent(run.final.test_accuracy):>8}"
        figures = f"{accuracy}  {duration(run.seconds):>12}  {run.started:%Y-%m-%d %H:%M}"
        place = run.path.relative_to(home.path).as_posix()
        echo(f"{shorten(printable(run.recipe.name)):<32} seed {run.seed:<6} {figures}  {place}")
    echo(
        f"{len(found)} finished runs; --markdown says what sets them apart"
        if found
        else f"{folder}: no finished runs"
    )
    echo_json([run.model_dump(mode="json") for run in found])
