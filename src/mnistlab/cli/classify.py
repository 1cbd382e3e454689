"""``mnistlab classify``: any model's classes for pictures and tables of images."""

from typing import Any

import click

from mnistlab.cli.completion import classifiers
from mnistlab.cli.options import probability, quiet_option
from mnistlab.cli.path_types import NAME, Place


@click.command(no_args_is_help=True, short_help="Classify pictures with any model.")
@click.argument("model", type=NAME, shell_complete=classifiers)
@click.argument("pictures", type=NAME, nargs=-1, required=True, metavar="PICTURE...")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table of comma-separated values.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the model and all probabilities as JSON."
)
@click.option(
    "--top", type=click.IntRange(min=1), default=1, show_default=True, help="Classes to show."
)
@click.option(
    "--threshold",
    type=float,
    metavar="P",
    callback=probability,
    help="Probability below which a class is marked as unsure.  [0.5]",
)
@click.option(
    "--invert",
    is_flag=True,
    help="Exchange black and white first, as for a model of MNIST's digits.",
)
@click.option(
    "--submission",
    type=Place(dir_okay=False),
    metavar="FILE",
    help="Write a competition's table too: ImageId,Label.",
)
@click.option("--columns", metavar="ID,LABEL", help="Names of its columns.  [ImageId,Label]")
@click.option(
    "--like",
    type=Place(dir_okay=False),
    metavar="SAMPLE",
    help="Make it like this sample_submission.csv: its columns, ids and order.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 65536),
    default=256,
    show_default=True,
    help="Pictures to classify at once.",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(min=1),
    help="Processes that decode.  [one a core if there are many]",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="cpu",
    show_default=True,
    help="Device that a run's model is run on.",
)
@click.option(
    "--threads", type=click.IntRange(1, 1024), help="CPU threads of a run's model.  [one per core]"
)
@quiet_option
def classify(
    *,
    model: str,
    pictures: tuple[str, ...],
    as_csv: bool,
    as_json: bool,
    columns: str | None,
    **options: Any,
) -> int:
    """Classify each PICTURE with MODEL: a run's folder, an .onnx file, or a shipped model's name.

    A PICTURE is a file, a folder, an archive (zip, tar), a pattern such as "new/*.jpg", - for
    standard input, or a table of pixels, a NumPy, Parquet, IDX, HDF5, MATLAB, pickle or CIFAR
    file, with or without labels. Each is prepared as the training images were.

    An unsure class is marked with ?. The exit status is 1 if a picture could not be read.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two formats: give one of them")
    if pictures.count("-") > 1:
        raise click.UsageError("- is one picture, from standard input: give it once")
    if (columns or options["like"]) and options["submission"] is None:
        raise click.UsageError("--columns and --like say how --submission FILE is written")
    if columns and options["like"]:
        raise click.UsageError("--like says the columns: leave out --columns")
    names = _names(columns) if columns else None
    from mnistlab.cli.classification import Wanted, classify_pictures

    style = "csv" if as_csv else "json" if as_json else "text"
    return classify_pictures(model, Wanted(pictures, style, columns=names, **options))


def _names(columns: str) -> tuple[str, str]:
    first, _, second = columns.partition(",")
    if not first.strip() or not second.strip() or "," in second:
        raise click.UsageError("--columns: two names with a comma between, such as id,label")
    return first.strip(), second.strip()
