"""``mnistlab predict``: read the numbers in pictures."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.completion import models
from mnistlab.cli.options import quiet_option, threshold_option
from mnistlab.cli.output import warn
from mnistlab.cli.path_types import NAME, Place
from mnistlab.text import counted

if TYPE_CHECKING:
    from mnistlab.answer import Answer
    from mnistlab.cli.answers import Result
    from mnistlab.cli.classification import Wanted
    from mnistlab.cli.picture_sources import Source
    from mnistlab.cli.reader import Reader, ReadOptions

_MANY = 64
"""Pictures above which several processes read them, unless told otherwise."""


def _as_grid(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    if value is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,3})[x\u00d7]([1-9]\d{0,3})", value.strip().lower())
    if not found:
        raise click.BadParameter(f"{value} is no grid; 9x9 is: rows x columns")
    return int(found[1]), int(found[2])


@click.command(no_args_is_help=True, short_help="Read the numbers in pictures.")
@click.argument("images", type=NAME, nargs=-1, required=True, metavar="IMAGE...")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table of comma-separated values.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print a JSON array, with the probabilities of every character.",
)
@click.option(
    "--table",
    type=Place(dir_okay=False),
    metavar="FILE",
    help="Write the tables found: a .csv, .json, .html or .xlsx file.",
)
@click.option(
    "--grid",
    metavar="RxC",
    callback=_as_grid,
    help="Each picture is one grid of so many rows and columns, such as 9x9.",
)
@click.option(
    "--pattern",
    "patterns",
    multiple=True,
    metavar="P",
    help=(
        "What a number may be, such as 0-100, \\d{4} or dd/mm/yyyy, or a number of a table's"
        " column: 2=0-100; repeatable."
    ),
)
@threshold_option
@click.option(
    "--model",
    type=NAME,
    default="reader",
    metavar="NAME_OR_FILE",
    shell_complete=models,
    help="A shipped model's name, an .onnx file or a reader.bin.  [reader]",
)
@click.option(
    "--annotate",
    type=NAME,
    metavar="OUT",
    help="Draw what was read: a .png file, or a folder (with / at its end).",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(min=1),
    help="Processes that read.  [one a core if there are many]",
)
@quiet_option
def predict(
    *,
    images: tuple[str, ...],
    as_csv: bool,
    as_json: bool,
    model: str,
    threshold: float | None,
    jobs: int | None,
    quiet: bool,
    **wanted: Any,
) -> int:
    """Read the numbers in each IMAGE: a file, a folder, a pattern such as "scans/*.png", or - for
    standard input.

    An unsure character is shown as ?, followed by the guesses. The exit status is 1 if a picture
    could not be read.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two formats: give one of them")
    if images.count("-") > 1:
        raise click.UsageError("- is one picture, from standard input: give it once")
    from mnistlab.cli.classification import Wanted, classify_pictures
    from mnistlab.cli.reader import Reader, ReadOptions
    from mnistlab.data.unlabelled import holds_rows
    from mnistlab.errors import OtherClassesError
    from mnistlab.recogniser.models import READER

    style = "csv" if as_csv else "json" if as_json else "text"
    classified = Wanted(images, style, threshold=threshold, jobs=jobs, quiet=quiet)
    rows = [image for image in images if holds_rows(Path(image))]
    # Beside pictures it is one that cannot be read, which keeps nobody from reading the others.
    if rows and (model != READER or len(rows) == len(images)):
        if model == READER:
            raise click.UsageError(
                f"{rows[0]} is no picture but a table or an array: to classify the images in it,"
                " name a model, such as --model lenet5"
            )
        _hand_over(f"{rows[0]} is no picture but a table or an array", wanted)
        return classify_pictures(model, classified)
    options = ReadOptions(model, threshold, wanted["patterns"], wanted["grid"])
    try:
        reader = Reader(options)
    except OtherClassesError:
        _hand_over(f"the classes or the images of {model} are not those of digits", wanted)
        return classify_pictures(model, classified)
    warn(*(f"note: {note}" for note in reader.notes))
    return _read(reader, options, classified, wanted["annotate"], wanted["table"])


def _read(
    reader: "Reader",
    options: "ReadOptions",
    wanted: "Wanted",
    annotate: str | None,
    table: Path | None,
) -> int:
    """Read pictures; return the exit status."""
    from mnistlab.cli.annotation_targets import check_file, choose_targets
    from mnistlab.cli.answers import CsvWriter, JsonWriter, Result, TextWriter
    from mnistlab.cli.classification import progress
    from mnistlab.cli.picture_sources import find_sources
    from mnistlab.cli.reader import ReadJob
    from mnistlab.cli.stopping import listening_for_stop
    from mnistlab.cli.worker_pool import WorkerPool
    from mnistlab.runs import available_cores

    sources = find_sources(wanted.pictures)
    targets = choose_targets(annotate, sources) if annotate else {}
    replaced = {target for target in targets.values() if target.exists()}
    if table:
        _check_table(table, len(sources))
        check_file(table, sources)
    given = sys.stdin.buffer.read() if "-" in wanted.pictures else b""
    pictures = [
        ReadJob(source.path, b"" if source.path else given, targets.get(source))
        for source in sources
        if source.fault is None
    ]
    processes = min(
        wanted.jobs or (available_cores() if len(pictures) > _MANY else 1), len(pictures)
    )
    writers = {"csv": CsvWriter, "json": JsonWriter}
    writer = (
        writers[wanted.style]()
        if wanted.style in writers
        else TextWriter([source.name for source in sources])
    )
    done = failed = 0
    answers: list[tuple[str, Answer]] = []
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(listening_for_stop())
        stack.enter_context(writer)
        advance = stack.enter_context(progress(len(sources), "reading", hidden=wanted.quiet))
        read: Iterator[Result] = map(reader.read, pictures)
        if processes > 1:
            read = stack.enter_context(
                contextlib.closing(WorkerPool(options, processes).read(pictures, stop))
            )
        for source in sources:
            result = (
                None if stop() else Result(error=source.fault) if source.fault else next(read, None)
            )
            if result is None:
                break
            if table and result.answer:
                answers.append((source.name, result.answer))
                result = _miss_tables(result)
            writer.write(source.name, result)
            advance(1)
            done += 1
            failed += result.error is not None
    if table:
        _write_tables(table, answers)
    _tell_annotated(sources[:done], targets, replaced)
    if done < len(sources):
        warn(f"stopped after {done} of {len(sources)}")
        return stop.exit_status
    return 1 if failed else 0


def _tell_annotated(
    sources: "Sequence[Source]", targets: "Mapping[Source, Path]", replaced: set[Path]
) -> None:
    """Say which pictures were annotated, and whether other files were there before."""
    written = [targets[source] for source in sources if source in targets]
    written = [target for target in written if target.exists()]
    before = len(replaced.intersection(written))
    if len(written) == 1:
        warn(f"wrote {written[0]}{', in place of another file' if before else ''}")
    elif written:
        place = os.path.commonpath(target.parent for target in written)
        others = f", {before} in place of other files" if before else ""
        warn(f"wrote {len(written)} annotated pictures into {place}{others}")


def _check_table(table: Path, pictures: int) -> None:
    """Refuse a file that cannot hold the tables of so many pictures.

    Raises:
        MnistlabError: it cannot.
    """
    from mnistlab.errors import MnistlabError
    from mnistlab.recogniser.table_files import find_form

    find_form(table)
    if pictures > 1 and table.suffix.lower() == ".csv":
        raise MnistlabError(
            f"{table}: CSV does not tell which of {pictures} pictures a table is from: write .json,"
            " .html or .xlsx, or read one picture at a time"
        )


def _miss_tables(result: "Result") -> "Result":
    """Return a result that says so if a picture has no table."""
    if result.error or not result.answer or result.answer.tables:
        return result
    return replace(result, error="no table found; if it is a grid, say which: --grid 9x9")


def _write_tables(table: Path, answers: "list[tuple[str, Answer]]") -> None:
    from mnistlab.recogniser.table_files import write_tables

    there = table.exists()
    if not write_tables(table, answers):
        warn(f"{table}: not written, since there is no table")
        return
    instead = ", in place of another file" if there else ""
    sizes = [f"{len(one.rows)} x {len(one.rows[0])}" for _, a in answers for one in a.tables]
    tables = f"{counted(len(sizes), 'table')} of {', '.join(sizes)}, rows x columns"
    warn(f"wrote {table}{instead}: {tables}")
    for name, answer in answers:
        if answer.tables and (outside := _outside(answer)):
            warn(
                f"{name}: {counted(outside, 'character')} in no cell of a table; if that is wrong,"
                " say how many cells there are: --grid 9x9"
            )


def _outside(answer: "Answer") -> int:
    """Return how many characters that were read are in no cell of a table."""
    inside = sum(
        len("".join(cell.text.split())) for one in answer.tables for row in one.rows for cell in row
    )
    return len("".join(answer.text.split())) - inside


def _hand_over(why: str, wanted: dict[str, Any]) -> None:
    """Say that pictures are classified and not read.

    Raises:
        UsageError: what was read is wanted in a form that classes do not have.
    """
    for name in ("annotate", "table", "grid", "patterns"):
        if wanted[name]:
            option = f"--{name.removesuffix('s')}"
            raise click.UsageError(f"{why}, so there are no numbers in them: leave out {option}")
    warn(f"{why}: whole pictures are classified, as mnistlab classify does")
