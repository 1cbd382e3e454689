"""Examination: a run, an ONNX file or a shipped model, and what it makes of a data set's images."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistlab.cli.session import load_with_progress
from mnistlab.data import CATALOGUE, Dataset, Split, take_subset
from mnistlab.errors import DataError, ModelError
from mnistlab.recipe import DISPLAY_NAMES
from mnistlab.runs import RunFolder, RunRecord


@dataclass(frozen=True, eq=False)
class Examination:
    """A model's answers.

    Attributes:
        title: what people call the model.
        dataset: whose images it was shown.
        part: those images, their labels numbered as the model's classes are.
        classes: the model's, in the order of its logits.
        temperature: by which its logits are to be divided.
        logits: float32, ``(n, classes)``.
    """

    title: str
    dataset: Dataset
    part: Split
    classes: tuple[str, ...]
    temperature: float
    logits: NDArray[np.float32]


def examine(name: str, data: str | None, split: str) -> Examination:
    """Let a model read a split of a data set.

    Args:
        name: a run's folder, an ``.onnx`` file, or a shipped model's name.
        data: a known data set's name, a folder or a file; ``None`` takes what the model was trained on.
        split: ``train`` or ``test``.

    Raises:
        ModelError: no such model.
        RunError: a folder without a finished run, or with a damaged one.
        DataError: no such data, or images or classes that are not the model's.
    """
    if Path(name).is_dir():
        return _examine_run(RunFolder(Path(name)), data, split)
    return _examine_file(_find_file(name), data, split)


def _examine_run(folder: RunFolder, data: str | None, split: str) -> Examination:
    record = folder.read_record()
    recipe, classes = record.recipe, record.data.classes
    source = data or recipe.data
    dataset = load_with_progress(source)
    part = _fit(dataset, split, source, record.data.image_size, classes)
    own = _is_own(record, dataset)
    from mnistlab.export import calibrate
    from mnistlab.training import load_trained

    temperature = 1.0
    if recipe.validation:
        home = dataset if own else load_with_progress(recipe.data)
        temperature = calibrate(record, folder.read_logits(), home).temperature
    # What the run itself measured stays as it is, so that its record says the same.
    measured = own and split == "test" and not recipe.validation
    logits = folder.read_logits() if measured else load_trained(folder).logits(part.images)
    title = f"{DISPLAY_NAMES.get(recipe.name, recipe.name)}, seed {record.seed}"
    return Examination(title, dataset, part, classes, temperature, logits)


def _examine_file(file: Path, data: str | None, split: str) -> Examination:
    from mnistlab.recogniser.network import Network

    network = Network(file)
    about = network.metadata
    home = about.get("data", {})
    source = data or home.get("name", "mnist")
    if not data and source not in CATALOGUE:
        raise DataError(f"{file}: was trained on {source}, no data set known by name; say where it is with --data")
    dataset = load_with_progress(source)
    if not data and home.get("fingerprint", dataset.fingerprint) != dataset.fingerprint:
        raise DataError(f"{file}: was trained on another {source} than the known one; say where it is with --data")
    part = _fit(dataset, split, source, network.image_size, network.classes)
    title = about.get("title", network.name) + (f", seed {about['seed']}" if "seed" in about else "")
    return Examination(
        title, dataset, part, network.classes, about.get("temperature", 1.0), network.logits(part.images)
    )


def _find_file(name: str) -> Path:
    from mnistlab.recogniser import shipped_models

    shipped = shipped_models()
    if name in shipped:
        return shipped[name]
    if Path(name).is_file():
        return Path(name)
    near = get_close_matches(name, shipped, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    known = ", ".join(shipped)
    raise ModelError(f"{name}: no such run, file or model; {hint}name a run's folder, an .onnx file, or one of {known}")


def _is_own(record: RunRecord, dataset: Dataset) -> bool:
    """Whether a run was trained on this data set."""
    recipe = record.recipe
    if recipe.validation > len(dataset.train) - 2:
        return False
    part = take_subset(dataset, validation=recipe.validation, limit=recipe.train_limit)
    return part.fingerprint == record.data.fingerprint


def _fit(dataset: Dataset, split: str, source: str, size: tuple[int, int], classes: tuple[str, ...]) -> Split:
    """Return a split with labels numbered as the model's classes are, which may be more than the data set's.

    Raises:
        DataError: images of another size, or a class that the model does not know.
    """
    if dataset.image_size != size:
        found, wanted = (f"{height}x{width}" for height, width in (dataset.image_size, size))
        raise DataError(f"{source}: images of {found} pixels; the model reads {wanted}")
    strange = [name for name in dataset.classes if name not in classes]
    if strange:
        raise DataError(f"{source}: class {strange[0]!r} is none of the model's ({', '.join(classes)})")
    part = dataset.train if split == "train" else dataset.test
    numbers = np.array([classes.index(name) for name in dataset.classes])
    return Split(part.images, numbers[part.labels])
