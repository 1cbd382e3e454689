"""``mnistlab predict``: read the digits in pictures."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from mnistlab.cli.completion import models
from mnistlab.cli.options import quiet_option, threshold_option
from mnistlab.cli.output import warn
from mnistlab.cli.path_types import NAME

_MANY = 64
"""Pictures above which several processes read them, unless told otherwise."""


@click.command(no_args_is_help=True, short_help="Read the digits in pictures.")
@click.argument("images", type=NAME, nargs=-1, required=True, metavar="IMAGE...")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table of comma-separated values.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print a JSON array, with the probabilities of every digit.",
)
@threshold_option
@click.option(
    "--model",
    type=NAME,
    default="reader",
    metavar="NAME_OR_FILE",
    shell_complete=models,
    help="A shipped model's name, or an .onnx file.  [reader]",
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
    threshold: float | None,
    model: str,
    annotate: str | None,
    jobs: int | None,
    quiet: bool,
) -> int:
    """Read the digits in each IMAGE: a file, a folder, a pattern such as "scans/*.png", or - for
    standard input.

    An unsure digit is shown as ?, followed by the guesses. The exit status is 1 if a picture could
    not be read.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two formats: give one of them")
    if images.count("-") > 1:
        raise click.UsageError("- is one picture, from standard input: give it once")
    from mnistlab.cli.annotation_targets import choose_targets
    from mnistlab.cli.answers import CsvWriter, JsonWriter, Result, TextWriter
    from mnistlab.cli.classification import Wanted, classify_pictures, progress
    from mnistlab.cli.picture_sources import find_sources
    from mnistlab.cli.reader import Reader, ReadJob, ReadOptions
    from mnistlab.cli.stopping import listening_for_stop
    from mnistlab.cli.worker_pool import WorkerPool
    from mnistlab.data.unlabelled import holds_rows
    from mnistlab.errors import OtherClassesError
    from mnistlab.runs import available_cores

    style = "csv" if as_csv else "json" if as_json else "text"
    wanted = Wanted(images, style, threshold=threshold, jobs=jobs, quiet=quiet)
    if rows := [image for image in images if holds_rows(Path(image))]:
        _hand_over(f"{rows[0]} holds images as models are trained on", annotate)
        return classify_pictures(model, wanted)
    options = ReadOptions(model, threshold)
    try:
        reader = Reader(options)
    except OtherClassesError:
        _hand_over(f"the classes or the images of {model} are not those of digits", annotate)
        return classify_pictures(model, wanted)
    warn(*(f"note: {note}" for note in reader.notes))
    sources = find_sources(images)
    targets = choose_targets(annotate, sources) if annotate else {}
    given = sys.stdin.buffer.read() if "-" in images else b""
    pictures = [
        ReadJob(source.path, b"" if source.path else given, targets.get(source))
        for source in sources
        if source.fault is None
    ]
    processes = min(jobs or (available_cores() if len(pictures) > _MANY else 1), len(pictures))
    writer = (
        CsvWriter()
        if as_csv
        else JsonWriter()
        if as_json
        else TextWriter([source.name for source in sources])
    )
    done = failed = 0
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(listening_for_stop())
        stack.enter_context(writer)
        advance = stack.enter_context(progress(len(sources), "reading", hidden=quiet))
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
            writer.write(source.name, result)
            advance(1)
            done += 1
            failed += result.error is not None
    if done < len(sources):
        warn(f"stopped after {done} of {len(sources)}")
        return stop.exit_status
    return 1 if failed else 0


def _hand_over(why: str, annotate: str | None) -> None:
    """Say that pictures are classified and not read.

    Raises:
        UsageError: what was read is to be drawn.
    """
    if annotate:
        raise click.UsageError(f"{why}, so there are no digits to draw: leave out --annotate")
    warn(f"{why}: whole pictures are classified, as mnistlab classify does")
