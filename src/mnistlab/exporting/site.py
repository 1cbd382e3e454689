"""Site: a model as a page that reads digits, or classifies pictures, in the browser, without a
server.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.classifier import open_classifier
from mnistlab.data import Dataset
from mnistlab.errors import ExportError
from mnistlab.exporting.onnx_export import ExportReport, export_run
from mnistlab.exporting.onnx_graph import need_packages
from mnistlab.exporting.onnx_layers import find_layers
from mnistlab.files import read_file
from mnistlab.page import standalone
from mnistlab.recogniser import Recogniser, reads_digits, shipped_models
from mnistlab.recogniser import models as reading_models
from mnistlab.recogniser.engine import CORE
from mnistlab.recogniser.models import READER, is_own_form
from mnistlab.recogniser.network import Network
from mnistlab.recogniser.parts import FAINT
from mnistlab.recogniser.recogniser import LONGEST, THRESHOLD
from mnistlab.runs import RunFolder, write_atomically

PAGE = "index.html"
LARGEST = 1_500_000
"""Bytes of a page that reads with a network of one's own; a phone loads it at once."""
LARGEST_READER = 1_000_000
"""Bytes of a page that reads with the package's own reader alone."""
LARGEST_CLASSIFIER = 32_000_000
"""Bytes of a page that classifies; one of more takes a browser seconds for a picture."""


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
    """Write a model as a page that works by itself, replacing what is there: of a model of the ten
    digits one that reads pictures, in which that names the digits; of any other one that
    classifies pictures.

    Args:
        source: a finished run's folder, which is first exported and checked by
            :func:`~mnistlab.exporting.export_run`; or a file that was exported; or the name of a
            shipped model; or ``reader``, or another ``reader.bin``, for the reader alone.
        target: the folder for ``index.html``; it is made if it is not there.
        dataset: the whole data that the run was trained on; ``None`` loads what its recipe names.

    Raises:
        RunError, ModelError: those of :func:`~mnistlab.exporting.export_run`, or no such model.
        ExportError: likewise, or the model has layers that are not run in a page, or is too large.
    """
    file = source if isinstance(source, RunFolder) else find_model(source)
    if isinstance(file, Path) and is_own_form(file):
        return _write_reader(file, Path(target), str(source))
    need_packages()
    if isinstance(file, Path):
        return _write_network(file, Path(target), str(source), None)
    with tempfile.TemporaryDirectory() as place:
        model = Path(place) / "model.onnx"
        report = export_run(file, model, dataset)
        return _write_network(model, Path(target), str(file.path), report)


def find_model(source: Path | str) -> RunFolder | Path:
    """Return what a name stands for: a folder is a run, else a shipped model's name goes before an
    file.
    """
    path, shipped = Path(source), shipped_models() | {READER: reading_models.find_model(READER)}
    is_file = str(source) in shipped or path.suffix == ".onnx" or is_own_form(path)
    if path.is_dir() or not is_file:
        return RunFolder(path)
    return shipped.get(str(source), path)


def _write_reader(file: Path, target: Path, name: str) -> SiteReport:
    about = Recogniser(file).about
    told = {key: about[key] for key in ("name", "parameters") if key in about}
    model = {"about": told | {"title": "mnistlab's reader"}}
    return _write(model, _core(file), target, name, largest=LARGEST_READER)


def _write_network(file: Path, target: Path, name: str, run: ExportReport | None) -> SiteReport:
    classifier = open_classifier(file)
    network = Network(file)
    channels, height, width = classifier.input_shape
    classifies = not reads_digits(classifier.input_shape, classifier.classes)
    found = find_layers(read_file(file), name)
    model = {
        "channels": channels,
        "image": (height, width),
        "layers": found.layers,
        "temperature": classifier.temperature,
        "classes": classifier.classes,
        "about": {"name": network.name} | network.metadata,
    } | ({"fit": classifier.preparation.fit} if classifies else {})
    binaries = {"weights": found.weights.astype("<f4").tobytes()}
    if classifies:
        return _write(model, binaries, target, name, largest=LARGEST_CLASSIFIER, run=run)
    binaries |= _core(reading_models.find_model(READER))
    return _write(model, binaries, target, name, largest=LARGEST, run=run)


def _core(model: Path) -> dict[str, bytes]:
    return {"core": read_file(CORE), "reader": read_file(model)}


def _write(
    model: dict[str, Any],
    binaries: dict[str, bytes],
    target: Path,
    name: str,
    *,
    largest: int,
    run: ExportReport | None = None,
) -> SiteReport:
    classifies = "core" not in binaries
    if not classifies:
        model = model | {"limits": {"threshold": THRESHOLD, "faint": FAINT, "longest": LONGEST}}
    content = standalone(model, binaries, classifies=classifies).encode()
    if len(content) >= largest:
        raise ExportError(
            f"{name}: the page would have {len(content):,} bytes, over {largest:,}; train a smaller"
            " network"
        )
    try:
        target.mkdir(exist_ok=True)
        write_atomically(target / PAGE, content)
    except OSError as error:
        raise ExportError(f"{target}: cannot be written: {error.strerror or error}") from error
    return SiteReport(target / PAGE, len(content), model["about"], run)
