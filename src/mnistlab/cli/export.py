"""``mnistlab export``: a finished run's model as one ONNX file, or as a page that reads by
itself.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnistlab.cli.output import echo
from mnistlab.cli.path_types import NAME, Place

if TYPE_CHECKING:
    from mnistlab.export import ExportReport


@click.command(short_help="A run as an ONNX file, or as a web page.")
@click.argument("run", type=Place())
@click.argument("model", type=Place(path_type=str))
@click.option(
    "--web", is_flag=True, help="Write a page that reads in the browser; MODEL is a folder for it."
)
@click.option(
    "--data",
    type=NAME,
    help="The data that the run was trained on, if it lies elsewhere now.  [the recipe's]",
)
@click.option("--overwrite", is_flag=True, help="Replace MODEL, or the page in it, if it is there.")
def export(run: Path, model: str, data: str | None, *, web: bool, overwrite: bool) -> None:
    """Write the model of RUN, a finished run's folder, to MODEL, one .onnx file that needs nothing
    else.

    It takes images as the data set holds them, and gives logits and calibrated probabilities. ONNX
    Runtime must read every test image as PyTorch does, or no file is written.

    With --web, MODEL/index.html is a page that reads drawings and pictures without a server; RUN
    may then be an .onnx file or a shipped model's name as well.
    """
    from mnistlab.errors import ExportError

    place, folder = Path(model), model.endswith(("/", os.sep))
    if (place.is_dir() != web and place.exists()) or (folder and not web):
        wanted = (
            "a file; name a folder for the page"
            if web
            else "a directory; name a file, or give --web for a page"
        )
        raise ExportError(f"{model}: is {wanted}")
    target = place / "index.html" if web else place
    if target.exists() and not overwrite:
        other = "another folder" if web else "another file"
        raise ExportError(
            f"{target}: is there already; give --overwrite to replace it, or name {other}"
        )
    if web:
        _export_page(run, place, data)
    else:
        _export_file(run, place, data)


def _export_file(run: Path, model: Path, data: str | None) -> None:
    from mnistlab.cli.session import load_with_progress
    from mnistlab.errors import ExportError
    from mnistlab.export import export_run
    from mnistlab.recogniser import shipped_models
    from mnistlab.runs import RunFolder

    if not run.exists() and str(run) in shipped_models():
        raise ExportError(
            f"{run}: is a shipped model and no run: it is an ONNX file already; --web makes a page"
            " of it"
        )
    folder = RunFolder(run)
    made = export_run(folder, model, load_with_progress(data or folder.read_record().recipe.data))
    echo(f"wrote {model}, {made.size:,} bytes: {_checked(made)}")
    echo(_accuracy(made))


def _export_page(source: Path, folder: Path, data: str | None) -> None:
    from mnistlab.cli.session import load_with_progress
    from mnistlab.export import export_site, find_model
    from mnistlab.runs import RunFolder

    found = find_model(source)
    dataset = (
        load_with_progress(data or found.read_record().recipe.data)
        if isinstance(found, RunFolder)
        else None
    )
    made = export_site(source, folder, dataset)
    echo(f"wrote {made.file}, {made.size:,} bytes{f': {_checked(made.run)}' if made.run else ''}")
    if made.run:
        echo(_accuracy(made.run))


def _checked(made: "ExportReport") -> str:
    return f"{made.images:,} test labels equal, logits within {made.largest_difference:.1e}"


def _accuracy(made: "ExportReport") -> str:
    from mnistlab.report import percent

    fitted_on, temperature = made.calibration.fitted_on, made.calibration.temperature
    calibrated = (
        f"temperature {temperature:g}, fitted on {fitted_on}"
        if fitted_on
        else "not calibrated (temperature 1)"
    )
    return f"accuracy {percent(made.accuracy)}, {calibrated}"
