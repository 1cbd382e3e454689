"""Export: a finished run's model as one file that needs nothing of mnistlab's, checked before it is
kept.
"""

import json
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data import Dataset
from mnistlab.data.loading import load_for
from mnistlab.errors import ExportError
from mnistlab.exporting.calibrate import Calibration, calibrate
from mnistlab.exporting.onnx_graph import make_graph, need_packages
from mnistlab.recipe import DISPLAY_NAMES, Recipe
from mnistlab.recogniser.network import METADATA_KEY, NONE, Network
from mnistlab.runs import RunFolder, RunRecord, write_atomically
from mnistlab.training import load_trained

TOLERANCE = 1e-4
"""Largest difference allowed between a logit of PyTorch's and one of ONNX Runtime's."""
_FORMAT = 1


@dataclass(frozen=True)
class ExportReport:
    """What was exported.

    Attributes:
        file: the ONNX file.
        size: its bytes.
        images: test images on which it was compared with PyTorch; every label was equal.
        largest_difference: the largest difference of a logit.
        accuracy: share of those images classified correctly, 0 to 1; of a model that knows
            negatives, the likeliest class counts that is not ``none``, as in a reading.
        calibration: the temperature, and where it comes from.
        metadata: what the file says of itself, see ``docs/export.md``.
    """

    file: Path
    size: int
    images: int
    largest_difference: float
    accuracy: float
    calibration: Calibration
    metadata: dict[str, Any]


def export_run(
    run: RunFolder | Path | str, target: Path | str, dataset: Dataset | None = None
) -> ExportReport:
    """Write a finished run's model as one ONNX file, replacing what is there.

    The file takes images as the data set holds them; all that the recipe does to them is inside.
    All test images of the data are read by PyTorch and by ONNX Runtime first, also those that a run
    with validation images never looked at.

    Args:
        run: the run's folder.
        target: the file.
        dataset: the whole data that the run was trained on; ``None`` loads what its recipe names.

    Raises:
        RunError: no finished run, a damaged one, or one of other images.
        ModelError: a model of the user's own cannot be built, or ONNX cannot express it.
        ExportError: an extra is not installed, the recipe has ``shifts``, ONNX Runtime reads an
            image otherwise than PyTorch, or the file cannot be written. No file is left.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder(Path(run))
    target = Path(target)
    if not target.parent.is_dir():
        raise ExportError(f"{target}: cannot be written: there is no folder {target.parent}")
    need_packages()
    trained = load_trained(folder)
    record = trained.record
    if record.recipe.shifts:
        raise ExportError(
            f"{folder.path}: reads copies of each image (shifts = {record.recipe.shifts}), a file"
            " reads it once; train with shifts = 0, which gives the same weights"
        )
    dataset = dataset or load_for(record.recipe)
    calibration = calibrate(record, trained.test_logits, dataset)
    logits = trained.logits(dataset.test.images)
    named = logits[:, : record.data.classes.index(NONE)] if NONE in record.data.classes else logits
    accuracy = float(np.mean(named.argmax(axis=1) == dataset.test.labels))
    loudness = float(np.median(trained.test_logits.max(axis=1)))
    metadata = _describe(record, dataset, calibration, accuracy) | {
        "typical_logit": round(loudness, 2)
    }
    notes = {METADATA_KEY: json.dumps(metadata, ensure_ascii=False, allow_nan=False)}
    content = make_graph(trained.model, record, calibration.temperature, notes)
    largest_difference = _check(content, dataset.test.images, logits, str(folder.path))
    try:
        write_atomically(target, content)
    except OSError as error:
        raise ExportError(f"{target}: cannot be written: {error.strerror or error}") from error
    return ExportReport(
        target, len(content), len(logits), largest_difference, accuracy, calibration, metadata
    )


def _check(
    content: bytes, images: NDArray[np.uint8], expected: NDArray[np.float32], name: str
) -> float:
    """Return the largest difference between ONNX Runtime's logits and PyTorch's; refuse one that is
    too large.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        file.write_bytes(content)
        found = Network(file).logits(images if images.shape[1] == 3 else images[:, 0])
    others = int((found.argmax(axis=1) != expected.argmax(axis=1)).sum())
    if others:
        raise ExportError(
            f"{name}: ONNX Runtime reads {others:,} of {len(images):,} test images otherwise than"
            " PyTorch"
        )
    largest_difference = float(np.abs(found - expected).max())
    if not largest_difference <= TOLERANCE:
        raise ExportError(
            f"{name}: ONNX Runtime's logits differ from PyTorch's by {largest_difference:.1e}, over"
            f" {TOLERANCE:g}"
        )
    return largest_difference


def _describe(
    record: RunRecord, dataset: Dataset, calibration: Calibration, accuracy: float
) -> dict[str, Any]:
    recipe = record.recipe
    return {
        "format": _FORMAT,
        "name": recipe.name,
        "title": DISPLAY_NAMES.get(recipe.name, recipe.name),
        "classes": list(record.data.classes),
        "recipe": (
            recipe.model_dump(mode="json")
            | {
                "model": _without_folder(recipe),
                "init": Path(recipe.init).name,
                "data": dataset.name,
            }
        ),
        "seed": record.seed,
        "parameters": record.parameters,
        "temperature": calibration.temperature,
        "calibrated_on": calibration.fitted_on,
        "test": {"accuracy": accuracy, "images": len(dataset.test), "of": "test"},
        "data": {"name": dataset.name, "fingerprint": dataset.fingerprint},
        "version": version("mnistlab"),
    }


def _without_folder(recipe: Recipe) -> str:
    """Return the recipe's model without the place on the user's disk that it may name."""
    module, colon, function = recipe.model.rpartition(":")
    return f"{Path(module).name.removesuffix('.py')}{colon}{function}"
