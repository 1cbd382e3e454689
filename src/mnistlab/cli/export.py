"""``mnistlab export``: a finished run's model as one ONNX file, or as a web page."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.options import data_option
from mnistlab.cli.output import echo
from mnistlab.cli.path_types import Place

if TYPE_CHECKING:
    from mnistlab.exporting import ExportReport


@click.command(short_help="A run as an ONNX file, or as a web page.")
@click.argument("run", type=Place())
@click.argument("model", type=Place(path_type=str))
@click.option(
    "--web", is_flag=True, help="Write a page that works in the browser alone; MODEL is its folder."
)
@click.option(
    "--opset",
    type=int,
    metavar="N",
    help="Version of ONNX's operators, 9 to 25; with --int8 13 to 25.  [20]",
)
@click.option(
    "--int8",
    is_flag=True,
    help="Quantise weights and activations to eight bits, by the ranges found on training images.",
)
@click.option(
    "--tolerance",
    type=float,
    metavar="POINTS",
    help="Percentage points of accuracy that --int8 may lose on the test images.  [0.5]",
)
@data_option("the one that the run was trained on")
@click.option("--overwrite", is_flag=True, help="Replace MODEL, or the page in it, if it is there.")
def export(run: Path, model: str, **options: Any) -> None:
    """Write the model of RUN, a finished run's folder, to MODEL, one .onnx file that needs nothing
    else.

    It takes images as the data set holds them, and gives logits and calibrated probabilities. ONNX
    Runtime must read every test image as PyTorch does, or no file is written. With --int8 the
    accuracy, the size and the speed before and after are printed, and no file is written if the
    accuracy falls by more than --tolerance.

    With --web, MODEL/index.html is a page that reads digits, or classifies pictures, without a
    server; RUN may then be an .onnx file or a shipped model's name as well.
    """
    from mnistlab.cli.screen import download_bar
    from mnistlab.errors import ExportError
    from mnistlab.exporting import SiteReport
    from mnistlab.exporting import export as export_model

    if model.endswith(("/", os.sep)) and not options["web"]:
        raise ExportError(f"{model}: is a directory; name a file, or give --web for a page")
    with download_bar() as on_download:
        made = export_model(run, model, on_download=on_download, **options)
    checked = made.run if isinstance(made, SiteReport) else made
    echo(f"wrote {made.file}, {made.size:,} bytes{f': {_checked(checked)}' if checked else ''}")
    if checked:
        echo(_accuracy(checked), *_quantised(checked))


def _checked(made: "ExportReport") -> str:
    before = " before quantising" if made.int8 else ""
    return f"{made.images:,} test labels equal, logits within {made.largest_difference:.1e}{before}"


def _quantised(made: "ExportReport") -> Iterator[str]:
    """Yield lines on what quantising changed, if the file is quantised."""
    from mnistlab.report import percent

    if int8 := made.int8:
        before = percent(int8.accuracy_before)
        yield (
            f"int8, by the ranges on {int8.images:,} training images; on {made.images:,} test"
            " images:"
        )
        yield f"  PyTorch                   {before}"
        for name, share, size, speed in (
            ("ONNX in floating point", before, int8.size_before, int8.images_a_second_before),
            ("ONNX in int8", percent(made.accuracy), made.size, int8.images_a_second),
        ):
            yield f"  {name:24}  {share}, {size:,} bytes, {speed:,.0f} images/s on one thread"


def _accuracy(made: "ExportReport") -> str:
    from mnistlab.report import percent

    fitted_on, temperature = made.calibration.fitted_on, made.calibration.temperature
    calibrated = (
        f"temperature {temperature:g}, fitted on {fitted_on}"
        if fitted_on
        else "not calibrated (temperature 1)"
    )
    return f"accuracy {percent(made.accuracy)}, {calibrated}"
