"""Site: a model as a page that reads digits in the browser, without a server."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.data import Dataset
from mnistlab.errors import ExportError, ModelError
from mnistlab.exporting.onnx_export import ExportReport, export_run
from mnistlab.exporting.onnx_graph import need_packages
from mnistlab.exporting.onnx_layers import find_layers
from mnistlab.files import read_file
from mnistlab.page import standalone
from mnistlab.recogniser import Recogniser, shipped_models
from mnistlab.runs import RunFolder, write_atomically

PAGE = "index.html"
LARGEST = 1_000_000
"""Bytes of a page that a phone loads at once."""


@dataclass(frozen=True)
class SiteReport:
    """What was exported.

    Attributes:
        file: the page.
        size: its bytes; there is nothing else to load.
        metadata: what the model says of itself, see ``docs/export.md``.
        run: of the run's ONNX file, which is not kept; ``None`` if there is no run.
    """

    file: Path
    size: int
    metadata: dict[str, Any]
    run: ExportReport | None


def export_site(
    source: RunFolder | Path | str, target: Path | str, dataset: Dataset | None = None
) -> SiteReport:
    """Write a model as a page that reads by itself, replacing what is there.

    Args:
        source: a finished run's folder, which is first exported and checked by
            :func:`~mnistlab.exporting.export_run`; or a file that was exported; or the name of a
            shipped model.
        target: the folder for ``index.html``; it is made if it is not there.
        dataset: the whole data that the run was trained on; ``None`` loads what its recipe names.

    Raises:
        RunError, ModelError: those of :func:`~mnistlab.exporting.export_run`, or no such model.
        ExportError: likewise, or the model reads no digits, has layers that are not run in a page,
        or is too large.
    """
    need_packages()
    file = source if isinstance(source, RunFolder) else find_model(source)
    if isinstance(file, Path):
        return _write(file, Path(target), str(source), None)
    with tempfile.TemporaryDirectory() as place:
        model = Path(place) / "model.onnx"
        report = export_run(file, model, dataset)
        return _write(model, Path(target), str(file.path), report)


def find_model(source: Path | str) -> RunFolder | Path:
    """Return what a name stands for: a folder is a run, else a shipped model's name goes before an
    ``.onnx`` file.
    """
    path, shipped = Path(source), shipped_models()
    if path.is_dir() or (str(source) not in shipped and path.suffix != ".onnx"):
        return RunFolder(path)
    return shipped.get(str(source), path)


def _write(file: Path, target: Path, name: str, run: ExportReport | None) -> SiteReport:
    try:
        network = Recogniser(file).network
    except ModelError as error:
        if run is None:
            raise
        raise ExportError(
            f"{name}: reads no grey digits of 28x28 pixels, and a page reads nothing else"
        ) from error
    found = find_layers(read_file(file), name)
    model = {
        "image": network.image_size,
        "layers": found.layers,
        "temperature": network.metadata.get("temperature", 1.0),
        "classes": network.classes,
        "about": {"name": network.name} | network.metadata,
    }
    content = standalone(model, found.weights.astype("<f4").tobytes()).encode()
    if len(content) >= LARGEST:
        raise ExportError(
            f"{name}: the page would have {len(content):,} bytes, over {LARGEST:,}; train a smaller"
            " network"
        )
    try:
        target.mkdir(exist_ok=True)
        write_atomically(target / PAGE, content)
    except OSError as error:
        raise ExportError(f"{target}: cannot be written: {error.strerror or error}") from error
    return SiteReport(target / PAGE, len(content), network.metadata, run)
