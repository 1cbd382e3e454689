"""``mnistlab evaluate``: how well one model classifies labelled images, and where it fails; or how
robust several are; or how many pictures of handwriting a reader reads without a mistake.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from mnistlab.cli.completion import classifiers
from mnistlab.cli.options import data_option, skip_damaged_option, split_option
from mnistlab.cli.output import command_line, echo, echo_json, json_option, terminal_width
from mnistlab.cli.path_types import NAME, Place
from mnistlab.text import counted

if TYPE_CHECKING:
    from mnistlab.report.result import Result


@click.command(short_help="How well a model classifies, and where it fails.")
@click.argument(
    "models", type=NAME, nargs=-1, required=True, metavar="MODEL...", shell_complete=classifiers
)
@data_option("what MODEL was trained on")
@split_option
@skip_damaged_option
@click.option(
    "--shifts",
    type=click.IntRange(1, 4),
    help="Compare with averaging over copies shifted by up to this many pixels.",
)
@click.option(
    "--corruptions",
    is_flag=True,
    help="Corrupt the images in fifteen ways and count the errors of each.",
)
@click.option(
    "--severity",
    type=click.Choice(["published", "1", "2", "3", "4", "5"]),
    help="How strong corruptions are.  [published: each as in MNIST-C]",
)
@click.option(
    "--corruption-seed",
    type=click.IntRange(0, 10**18),
    help="Seed of the corruptions' random draws.  [0]",
)
@click.option(
    "--pictures",
    type=Place(file_okay=False),
    metavar="DIR",
    help="Read a folder's pictures of handwriting, whose digits its labels.csv says.",
)
@click.option("--out", type=Place(file_okay=False), help="Folder to write a report to.")
@json_option
def evaluate(
    *,
    models: tuple[str, ...],
    corruptions: bool,
    shifts: int | None,
    severity: str | None,
    corruption_seed: int | None,
    pictures: Path | None,
    out: Path | None,
    **options: Any,
) -> None:
    """Let MODEL classify labelled images, and report how well it does.

    MODEL is a finished run's folder, an .onnx file that `mnistlab export` wrote, or a shipped
    model: reader, lenet5, custom_mlp. A run that held out images is still tested on the test set,
    which it never looked at. With --corruptions there may be several models, which classify the
    same images; runs of one recipe are reported as one, over their seeds.

    With --pictures, MODEL reads whole pictures. labels.csv has the columns file, digits and, if
    wanted, kind; with a column text, which has the signs as well, the whole text counts.
    """
    if shifts and corruptions:
        raise click.UsageError(
            "--shifts and --corruptions answer different questions: give one of them"
        )
    if not corruptions:
        _refuse(models, severity, corruption_seed)
    if pictures:
        _refuse_beside_pictures(corruptions=corruptions, shifts=shifts, **options)
        _evaluate_reader(models[0], pictures, out, skip_damaged=options["skip_damaged"])
        return
    options["command"] = command_line()
    from mnistlab.cli.screen import download_bar

    with download_bar() as on_download:
        options["on_download"] = on_download
        if corruptions:
            chosen = None if severity in (None, "published") else int(str(severity))
            _evaluate_robustness(models, out, options, severity=chosen, seed=corruption_seed or 0)
        else:
            _evaluate(models[0], out, options, shifts=shifts or 0)


def _refuse(models: tuple[str, ...], severity: str | None, corruption_seed: int | None) -> None:
    """Refuse what only corrupted images make sense of."""
    if severity or corruption_seed is not None:
        given = "--severity" if severity else "--corruption-seed"
        raise click.UsageError(f"{given} is for corrupted images: give --corruptions as well")
    if len(models) > 1:
        raise click.UsageError(
            f"{len(models)} models: several are compared on corrupted images only; give"
            " --corruptions as well, or one MODEL"
        )


def _refuse_beside_pictures(
    *, corruptions: bool, shifts: int | None, data: str | None, **_others: Any
) -> None:
    """Refuse what is for classifying images, not for reading pictures."""
    source = click.get_current_context().get_parameter_source("split")
    given = {
        "--corruptions": corruptions,
        "--shifts": shifts,
        "--data": data,
        "--split": source is ParameterSource.COMMANDLINE,
    }
    for option in (option for option, value in given.items() if value):
        raise click.UsageError(f"{option} is for labelled images, not for --pictures")


def _evaluate_reader(model: str, pictures: Path, out: Path | None, **options: Any) -> None:
    from mnistlab.cli.screen import reading_bar
    from mnistlab.evaluation import evaluate_reader

    with reading_bar() as on_picture:
        result = evaluate_reader(
            pictures, model, on_picture=on_picture, command=command_line(), **options
        )
    echo(f"{result.title}: {pictures}", *(f"note: {note}" for note in result.notes))
    _show(result, "scores", "pictures", "characters")
    _write(result, out)


def _evaluate(model: str, out: Path | None, options: dict[str, Any], **question: Any) -> None:
    from mnistlab.evaluation import evaluate as evaluate_model

    result = evaluate_model(model, **options, **question)
    echo(f"{result.title}: {'; '.join(result.facts)}", *(f"note: {note}" for note in result.notes))
    _show(result, "figures", "classes", "coverage")
    if views := result.views:
        furthest = f"{counted(views.pixels, 'pixel')}"
        averaged, once = (f"{100 * share:.2f} %" for share in (views.accuracy, views.accuracy_once))
        echo(
            "",
            f"Averaged over {views.copies} copies of each image, moved by up to {furthest}: "
            f"{averaged} instead of {once}, for {views.copies} times the work.",
        )
    _write(result, out)


def _evaluate_robustness(
    models: tuple[str, ...], out: Path | None, options: dict[str, Any], **question: Any
) -> None:
    from mnistlab.cli.screen import reading_bar
    from mnistlab.evaluation import evaluate_robustness

    with reading_bar() as on_read:
        result = evaluate_robustness(*models, on_read=on_read, **options, **question)
    echo("; ".join(result.facts), *(f"note: {note}" for note in result.notes))
    _show(result, "robustness")
    _write(result, out)


def _show(result: "Result", *tables: str) -> None:
    width = terminal_width()
    for sentence in (result.verdict, *result.remarks):
        echo(f"{sentence[0].upper()}{sentence[1:]}.")
    for kind in tables:
        echo("", *result.table(kind).text(width).splitlines())


def _write(result: "Result", out: Path | None) -> None:
    """Give the figures, and write a report if wanted."""
    echo_json(result.as_dict())
    if out:
        page, *others = result.write(out)
        echo(f"wrote {page} and {counted(len(others), 'more file')} beside it")
