"""``mnistlab runs``: list the runs of a folder, and remove what is no longer needed."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mnistlab.cli.output import echo, echo_json, json_option, json_wanted, write
from mnistlab.cli.path_types import Place
from mnistlab.errors import BusyError, RunError
from mnistlab.text import printable, shorten

if TYPE_CHECKING:
    from mnistlab.runs import RunFolder, RunSummary

Read = TypeVar("Read")

_MOST_DAMAGED = 5


@click.command(short_help="List finished runs, or remove some.")
@click.argument("folder", type=Place(), default="runs")
@click.option("--csv", is_flag=True, help="Print comma-separated values, best first.")
@click.option("--markdown", is_flag=True, help="Print a table in Markdown, best first.")
@click.option(
    "--prune",
    type=click.Choice(["checkpoints", "logits"]),
    multiple=True,
    help="Remove checkpoints, or finished runs' test logits; repeatable.",
)
@click.option("--remove", is_flag=True, help="Remove every run in FOLDER.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before --prune and --remove.")
@json_option
def runs(
    folder: Path, *, csv: bool, markdown: bool, prune: tuple[str, ...], remove: bool, yes: bool
) -> None:
    """List the finished runs in FOLDER, however deep: recipe, seed, final accuracy, time, and when
    each was begun.

    The accuracy is on the test images; on the held-out training images, `validation`, where the
    recipe has those. --csv and --markdown make it the log of a search: what sets each recipe apart,
    its size, and its figures. --json has every field of every record. A damaged run does not keep
    the others from being listed; it is named at the end.

    FOLDER may be a single run's. --remove and --prune ask first, leave runs alone in which another
    process is training, and remove no files but those that mnistlab wrote.
    """
    from mnistlab.runs import find_runs

    if csv + markdown + json_wanted() > 1:
        raise click.UsageError(
            "--csv, --markdown and --json are forms of the same list: give one of them"
        )
    if (prune or remove) and (csv or markdown or json_wanted() or (prune and remove)):
        raise click.UsageError("--prune, --remove and the forms of the list exclude each other")
    if remove:
        _remove(folder, find_runs(folder), yes=yes)
    elif prune:
        _prune(folder, find_runs(folder), prune, yes=yes)
    else:
        _list(folder, csv=csv, markdown=markdown)


def _list(folder: Path, *, csv: bool, markdown: bool) -> None:
    from mnistlab.experiments.listing import run_listing
    from mnistlab.runs import RunFolder, find_runs, read_content, read_summary

    damaged: list[RunError] = []
    found = find_runs(folder, damaged.append)
    finished = [run for run in found if run.finished]
    if csv or markdown:
        table = run_listing(_read(RunFolder.read_record, finished, damaged))
        write(table.csv() if csv else table.markdown())
    elif json_wanted():
        records = [
            {"path": str(run.path)} | content
            for run in finished
            for content in _read(read_content, [run], damaged)
        ]
        _show(folder, [], len(records), len(found) - len(finished))
        echo_json(records)
    else:
        summaries = [s for s in _read(read_summary, finished, damaged) if s]
        _show(folder, summaries, len(summaries), len(found) - len(finished))
    if damaged:
        others = (
            f"; and {len(damaged) - _MOST_DAMAGED:,} more" if len(damaged) > _MOST_DAMAGED else ""
        )
        raise RunError(
            "; ".join(shorten(str(error), 300) for error in damaged[:_MOST_DAMAGED]) + others
        )


def _read(
    read: "Callable[[RunFolder], Read]", found: "Sequence[RunFolder]", damaged: list[RunError]
) -> Iterable[Read]:
    for run in found:
        try:
            yield read(run)
        except RunError as error:
            damaged.append(error)


def _show(folder: Path, summaries: "Sequence[RunSummary]", finished: int, unfinished: int) -> None:
    """Print a line for each run, and how many there are."""
    from mnistlab.report import duration, percent

    several = len({run.data.name for run in summaries}) > 1
    for run in summaries:
        accuracy = f"{run.recipe.tested_on:>10} {percent(run.final.test_accuracy):>8}"
        figures = f"{accuracy}  {duration(run.seconds):>12}  {run.started:%Y-%m-%d %H:%M}"
        place = run.path.relative_to(folder).as_posix()
        if several:
            place = f"{shorten(printable(run.data.name)):<16} {place}"
        echo(f"{shorten(printable(run.recipe.title)):<32} seed {run.seed:<6} {figures}  {place}")
    others = f", {unfinished} unfinished" if unfinished else ""
    if finished:
        echo(f"{_count(finished, 'finished run')}{others}; --markdown says what sets them apart")
    else:
        echo(f"{folder}: no finished runs{others}")


def _remove(folder: Path, found: "Sequence[RunFolder]", *, yes: bool) -> None:
    if not found:
        echo(f"{folder}: no runs")
        return
    _confirm(f"Remove {_count(len(found), 'run')} in {folder}?", yes=yes)
    removed = 0
    for run in found:
        try:
            gone = run.remove()
        except BusyError as error:
            echo(f"kept: {error}")
            continue
        removed += 1
        if not gone:
            echo(f"{run.path}: the folder holds other files, which are kept")
    echo(f"removed {_count(removed, 'run')}")


def _prune(
    folder: Path, found: "Sequence[RunFolder]", kinds: tuple[str, ...], *, yes: bool
) -> None:
    chosen = [
        run
        for run in found
        if ("checkpoints" in kinds and run.has_checkpoint)
        or ("logits" in kinds and run.finished and run.logits_file.exists())
    ]
    if not chosen:
        echo(f"{folder}: nothing to prune")
        return
    effects = {
        "checkpoints": "unfinished runs then begin anew, and finished ones take no more epochs",
        "logits": "evaluating a run then needs its data",
    }
    told = "; ".join(effects[kind] for kind in dict.fromkeys(kinds))
    what = " and ".join(dict.fromkeys(kinds))
    _confirm(f"Remove the {what} of {_count(len(chosen), 'run')} in {folder}? ({told})", yes=yes)
    freed = 0
    for run in chosen:
        try:
            freed += run.prune(checkpoint="checkpoints" in kinds, logits="logits" in kinds)
        except BusyError as error:
            echo(f"kept: {error}")
    echo(f"freed {freed:,} bytes")


def _confirm(question: str, *, yes: bool) -> None:
    try:
        if yes or click.confirm(printable(question), err=True):
            return
    except click.Abort:
        if sys.stdin and sys.stdin.isatty():
            raise
        raise click.UsageError("there is no answer: give --yes to go ahead unasked") from None
    echo("nothing removed")
    raise SystemExit(1)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
