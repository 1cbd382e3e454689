"""Export: a model as one ONNX file, or as a page that works in the browser alone."""

from pathlib import Path

from mnistlab.arguments import as_path
from mnistlab.data import Dataset
from mnistlab.data.download import OnProgress
from mnistlab.data.loading import load_for
from mnistlab.errors import ExportError
from mnistlab.exporting.onnx_export import MOST_LOST, ExportReport, export_run
from mnistlab.exporting.onnx_graph import DEFAULT_OPSET
from mnistlab.exporting.site import PAGE, SiteReport, export_site, find_model
from mnistlab.recogniser import shipped_models
from mnistlab.recogniser.models import READER
from mnistlab.runs import RunFolder


def export(  # noqa: PLR0913 - each says what the file is to be
    run: RunFolder | Path | str,
    target: Path | str,
    *,
    web: bool = False,
    opset: int | None = None,
    int8: bool = False,
    tolerance: float | None = None,
    data: Dataset | Path | str | None = None,
    overwrite: bool = False,
    on_download: OnProgress | None = None,
) -> ExportReport | SiteReport:
    """Write a finished run's model as one ONNX file that needs nothing else, or as a web page.

    ONNX Runtime must read every test image as PyTorch does, or nothing is written.

    Args:
        run: a finished run's folder; for a page also an exported file or a shipped model's name.
        target: the file; for a page the folder for its ``index.html``.
        web: write a page that reads digits, or classifies pictures, without a server.
        opset: version of ONNX's operators in the file, 9 to 25, with ``int8`` 13 to 25; ``None`` is
            20.
        int8: quantise weights and activations to eight bits, by the ranges found on training
            images. The file is then compared with PyTorch before it is quantised, and tested after.
        tolerance: percentage points of accuracy on the test images that ``int8`` may lose; ``None``
            is 0.5.
        data: the data that the run was trained on, if they are elsewhere now; ``None`` loads what
            its recipe names.
        overwrite: replace what is there.
        on_download: called with a download's progress.

    Raises:
        MnistlabError: no such run or model, one that cannot be exported, or a target that is there
            already or cannot be written.
    """
    if web and (opset is not None or int8):
        raise ExportError("`opset=` and `int8=` are for a file; a page has layers of its own")
    if tolerance is not None and not int8:
        raise ExportError("`tolerance=` is for `int8=True`: give that as well")
    place = as_path("target", target, "the file or the folder to write", ExportError)
    _refuse_occupied(place, web=web, overwrite=overwrite)
    found = _find(run, web=web)
    if not web and place.suffix.lower() != ".onnx":
        raise ExportError(f"{place}: name an .onnx file, which is what is written")
    if isinstance(found, Path):
        if data is not None:
            raise ExportError(
                "`data=` is for a run: nothing is checked for a model by itself; leave it out"
            )
        return export_site(run, place)
    if not isinstance(data, Dataset):
        recipe = found.read_record().recipe
        data = load_for(recipe, on_download, None if data is None else str(data))
    if web:
        return export_site(found, place, data)
    return export_run(
        found,
        place,
        data,
        opset=DEFAULT_OPSET if opset is None else opset,
        int8=int8,
        tolerance=MOST_LOST if tolerance is None else tolerance,
    )


def _find(run: RunFolder | Path | str, *, web: bool) -> RunFolder | Path:
    """Return a run, or, for a page, the file of another model."""
    if isinstance(run, RunFolder):
        return run
    wanted = "a finished run's folder (train with `folder=` to keep one)"
    run = as_path("run", run, wanted, ExportError)
    if web:
        return find_model(run)
    name = "" if Path(run).exists() else str(run)
    if name == READER:
        raise ExportError(
            f"{run}: reads pictures and is no run: name a run's folder; `web=True` makes a page of"
            " it"
        )
    if name in shipped_models():
        raise ExportError(
            f"{run}: is a shipped model, an ONNX file already, and no run that could be exported;"
            " `web=True` makes a page of it"
        )
    return RunFolder(Path(run))


def _refuse_occupied(place: Path, *, web: bool, overwrite: bool) -> None:
    if place.exists() and place.is_dir() != web:
        wanted = (
            "a file; name a folder for the page"
            if web
            else "a directory; name a file, or give `web=True` for a page"
        )
        raise ExportError(f"{place}: is {wanted}")
    if web and place.suffix.lower() in (".html", ".htm"):
        raise ExportError(f"{place}: name a folder; the page is its {PAGE}")
    file = place / PAGE if web else place
    if file.exists() and not overwrite:
        other = "another folder" if web else "another file"
        raise ExportError(
            f"{file}: is there already; give `overwrite=True` to replace it, or name {other}"
        )
