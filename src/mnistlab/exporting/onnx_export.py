"""Export: a finished run's model as one file that needs nothing of mnistlab's, checked before it is
kept.
"""

import json
import tempfile
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data import Dataset
from mnistlab.data.loading import load_for, take_for
from mnistlab.errors import ExportError, ModelError
from mnistlab.exporting.onnx_graph import (
    DEFAULT_OPSET,
    OPSETS,
    make_graph,
    need_packages,
    pack,
)
from mnistlab.exporting.quantisation import FIRST_OPSET, quantise
from mnistlab.recipe import DISPLAY_NAMES
from mnistlab.recogniser.models import NONE
from mnistlab.recogniser.network import METADATA_KEY, Network
from mnistlab.runs import RunFolder, RunRecord, write_atomically
from mnistlab.statistics import Calibration, calibrate
from mnistlab.training import TrainedModel, load_trained
from mnistlab.training.randomness import derive_seed

TOLERANCE = 1e-4
"""Largest difference allowed between a logit of PyTorch's and one of ONNX Runtime's."""
MOST_LOST = 0.5
"""Percentage points of accuracy that int8 may lose unless told otherwise: more than chance on
10,000 test images, and less than what is lost where quantising goes wrong."""
_FORMAT = 1
_CALIBRATION_IMAGES = 512


@dataclass(frozen=True)
class Int8Report:
    """What quantising changed, on the same test images.

    Attributes:
        images: training images from which the ranges of activations were measured.
        accuracy_before: PyTorch's, which ONNX Runtime's in floating point equals, 0 to 1.
        size_before: bytes of the file in floating point.
        images_a_second: that the file classifies, on one thread in batches of 16.
        images_a_second_before: the same of the file in floating point.
    """

    images: int
    accuracy_before: float
    size_before: int
    images_a_second: float
    images_a_second_before: float


@dataclass(frozen=True)
class ExportReport:
    """What was exported.

    Attributes:
        file: the ONNX file.
        size: its bytes.
        images: test images on which it was compared with PyTorch; every label was equal.
        largest_difference: the largest difference of a logit; both were found before quantising.
        accuracy: share of those images classified correctly, 0 to 1; of a model that knows
            negatives, the likeliest class counts that is not ``none``, as in a reading.
        calibration: the temperature, and where it comes from.
        metadata: what the file says of itself, see ``docs/export.md``.
        int8: what quantising changed; ``None`` if the file is in floating point.
    """

    file: Path
    size: int
    images: int
    largest_difference: float
    accuracy: float
    calibration: Calibration
    metadata: dict[str, Any]
    int8: Int8Report | None = None


def export_run(
    run: RunFolder | Path | str,
    target: Path | str,
    dataset: Dataset | None = None,
    *,
    opset: int = DEFAULT_OPSET,
    int8: bool = False,
    tolerance: float = MOST_LOST,
) -> ExportReport:
    """Write a finished run's model as one ONNX file, replacing what is there.

    The file takes images as the data set holds them; all that the recipe does to them is inside.
    All test images of the data are read by PyTorch and by ONNX Runtime first, also those that a run
    with validation images never looked at.

    Args:
        run: the run's folder.
        target: the file.
        dataset: the whole data that the run was trained on; ``None`` loads what its recipe names.
        opset: version of ONNX's operators, 9 to 25.
        int8: quantise weights and activations, by the ranges found on training images.
        tolerance: percentage points of accuracy on the test images that ``int8`` may lose.

    Raises:
        RunError: no finished run, a damaged one, or one of other images.
        ModelError: a model of the user's own cannot be built, or ONNX cannot express it.
        ExportError: an extra is not installed, the recipe has ``shifts``, no such opset, ONNX
            Runtime reads an image otherwise than PyTorch, ``int8`` loses too much, or the file
            cannot be written. No file is left.
    """
    _refuse_settings(opset, tolerance, int8=int8)
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
    proto = make_graph(trained.model, record, calibration.temperature, opset)
    plain, name = pack(proto, {}), str(folder.path)
    found, speed = _read(plain, dataset.test.images, opset)
    largest_difference = _check(found, logits, name)
    accuracy, quantised = _accuracy(logits, record, dataset), None
    if int8:
        proto, calibration = _quantise(trained, dataset, proto, opset, name)
        after, faster = _read(pack(proto, {}), dataset.test.images, opset)
        before, accuracy = accuracy, _accuracy(after, record, dataset)
        _refuse_loss(before, accuracy, tolerance, len(logits), name)
        images = len(_calibration_images(record, dataset))
        quantised = Int8Report(images, before, len(plain), faster, speed)
    metadata = _describe(record, dataset, calibration, accuracy) | {"opset": opset}
    if quantised:
        metadata["int8"] = {
            "calibration_images": quantised.images,
            "accuracy_before": quantised.accuracy_before,
        }
    notes = json.dumps(metadata, ensure_ascii=False, allow_nan=False)
    content = pack(proto, {METADATA_KEY: notes})
    if quantised:
        quantised = replace(quantised, size_before=len(plain) + len(notes.encode()))
    try:
        write_atomically(target, content)
    except OSError as error:
        raise ExportError(f"{target}: cannot be written: {error.strerror or error}") from error
    return ExportReport(
        target,
        len(content),
        len(logits),
        largest_difference,
        accuracy,
        calibration,
        metadata,
        quantised,
    )


def _refuse_settings(opset: int, tolerance: float, *, int8: bool) -> None:
    lowest = FIRST_OPSET if int8 else OPSETS[0]
    if not lowest <= opset <= OPSETS[-1]:
        what = "an int8 file" if int8 else "a file"
        raise ExportError(f"opset {opset}: {what} has one from {lowest} to {OPSETS[-1]}")
    if not 0 <= tolerance <= 100:
        raise ExportError(f"tolerance {tolerance:g}: percentage points, from 0 to 100")


def _quantise(
    trained: TrainedModel, dataset: Dataset, plain: Any, opset: int, name: str
) -> tuple[Any, Calibration]:
    """Return the quantised model, with a temperature of its own; ``plain`` is the model before,
    whose temperature changes no logit.
    """
    record = trained.record
    images = _as_taken(_calibration_images(record, dataset))
    held_out = take_for(record.recipe, dataset).test.images
    proto = quantise(plain, images, name)
    logits, _ = _read(pack(proto, {}), held_out, opset)
    calibration = calibrate(record, logits, dataset)
    if calibration.fitted_on:
        whole = make_graph(trained.model, record, calibration.temperature, opset)
        proto = quantise(whole, images, name)
    return proto, calibration


def _calibration_images(record: RunRecord, dataset: Dataset) -> NDArray[np.uint8]:
    """Draw some of the images that the run was trained on."""
    images = take_for(record.recipe, dataset).train.images
    order = np.random.default_rng(derive_seed(record.seed, "int8")).permutation(len(images))
    return images[np.sort(order[:_CALIBRATION_IMAGES])]


def _refuse_loss(before: float, after: float, tolerance: float, images: int, name: str) -> None:
    # In whole images, of which shares are not exact.
    lost = round((before - after) * images)
    if 100 * lost > tolerance * images:
        raise ExportError(
            f"{name}: int8 classifies {100 * after:.2f} % of {images:,} test images correctly,"
            f" {100 * before:.2f} % before: it loses {100 * lost / images:.2f} percentage points,"
            f" over {tolerance:g}; nothing was written; allow it with `tolerance=`"
        )


def _accuracy(logits: NDArray[np.float32], record: RunRecord, dataset: Dataset) -> float:
    classes = record.data.classes
    named = logits[:, : classes.index(NONE)] if NONE in classes else logits
    return float(np.mean(named.argmax(axis=1) == dataset.test.labels))


def _as_taken(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images as the file takes them: without the channel if they are grey."""
    return images if images.shape[1] == 3 else images[:, 0]


def _read(
    content: bytes, images: NDArray[np.uint8], opset: int
) -> tuple[NDArray[np.float32], float]:
    """Return ONNX Runtime's logits, and how many images a second it read.

    Raises:
        ExportError: ONNX Runtime cannot run the file.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        file.write_bytes(content)
        try:
            network = Network(file)
            start = time.perf_counter()
            logits = network.logits(_as_taken(images))
        except ModelError as error:
            reason = str(error).removeprefix(f"{file}: ")
            raise ExportError(
                f"opset {opset}: the installed ONNX Runtime cannot run the file: {reason}"
            ) from error
        return logits, len(images) / (time.perf_counter() - start)


def _check(found: NDArray[np.float32], expected: NDArray[np.float32], name: str) -> float:
    """Return the largest difference between ONNX Runtime's logits and PyTorch's; refuse one that is
    too large.
    """
    others = int((found.argmax(axis=1) != expected.argmax(axis=1)).sum())
    if others:
        raise ExportError(
            f"{name}: ONNX Runtime reads {others:,} of {len(found):,} test images otherwise than"
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
            | {key: _without_folder(getattr(recipe, key)) for key in ("model", "loss", "optimizer")}
            | {"init": Path(recipe.init).name, "data": dataset.name}
        ),
        "seed": record.seed,
        "parameters": record.parameters,
        "mean": list(record.model_input.mean),
        "temperature": calibration.temperature,
        "calibrated_on": calibration.fitted_on,
        "brightness": record.brightness,
        "test": {"accuracy": accuracy, "images": len(dataset.test), "of": "test"},
        "data": {"name": dataset.name, "fingerprint": dataset.fingerprint},
        "version": version("mnistlab"),
    }


def _without_folder(reference: str) -> str:
    """Return code of the user's own without the place on the user's disk that it may name."""
    module, colon, name = reference.rpartition(":")
    return f"{Path(module).name.removesuffix('.py')}{colon}{name}"
