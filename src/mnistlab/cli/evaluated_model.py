"""EvaluatedModel: a run, an ONNX file or a shipped model, and what it makes of a data set's
images.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnistlab.cli.session import load_with_progress
from mnistlab.data import CATALOGUE, Dataset, Split, take_subset
from mnistlab.errors import DataError, ModelError, did_you_mean
from mnistlab.recipe import DISPLAY_NAMES
from mnistlab.runs import RunFolder, RunRecord
from mnistlab.text import listed, shorten

if TYPE_CHECKING:
    from mnistlab.training import TrainedModel

Read = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Returns logits, float32 ``(n, classes)``, of images, uint8 ``(n, height, width)``."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model, and the images that it is to read.

    Attributes:
        title: what people call the model.
        dataset: whose images they are.
        part: the images, their labels numbered as the model's classes are.
        classes: the model's, in the order of its logits.
        read: how it reads.
        shifts: of a run's recipe, see there; 0 if it reads each image once.
        read_once: how it reads if that is left out.
        record: of a run; ``None`` for a file.
    """

    title: str
    dataset: Dataset
    part: Split
    classes: tuple[str, ...]
    read: Read
    shifts: int
    read_once: Read
    record: RunRecord | None

    def facts(self, split: str) -> list[str]:
        """Return what stands above a report: the data's name, how many images, and its note."""
        kind = "test" if split == "test" else "training"
        said = f"{self.dataset.name}, {len(self.part):,} {kind} images"
        return [said, *([self.dataset.note] if self.dataset.note else [])]


@dataclass(frozen=True, eq=False)
class EvaluatedModel(Candidate):
    """A model's answers.

    Attributes:
        temperature: by which its logits are to be divided.
        logits: float32, ``(n, classes)``.
    """

    temperature: float
    logits: NDArray[np.float32]


def examine(name: str, data: str | None, split: str) -> EvaluatedModel:
    """Let a model read a split of a data set.

    Args:
        name: a run's folder, an ``.onnx`` file, or a shipped model's name.
        data: a known data set's name, a folder or a file; ``None`` takes what the model was trained
            on.
        split: ``train`` or ``test``.

    Raises:
        ModelError: no such model.
        RunError: a folder without a finished run, or with a damaged one.
        DataError: no such data, or images or classes that are not the model's.
    """
    if Path(name).is_dir():
        folder = RunFolder(Path(name))
        candidate, record = _meet_run(folder, data, split)
        temperature, logits = _answers(candidate, folder, record, split)
    else:
        candidate, temperature = _meet_file(_find_file(name), data, split)
        logits = candidate.read(candidate.part.images)
    return EvaluatedModel(**vars(candidate), temperature=temperature, logits=logits)


def meet(name: str, data: str | None, split: str) -> Candidate:
    """Find a model and its images, as :func:`examine` does, but let it read nothing yet."""
    if Path(name).is_dir():
        return _meet_run(RunFolder(Path(name)), data, split)[0]
    return _meet_file(_find_file(name), data, split)[0]


def _meet_run(folder: RunFolder, data: str | None, split: str) -> tuple[Candidate, RunRecord]:
    record = folder.read_record()
    recipe, classes = record.recipe, record.data.classes
    source = data or recipe.data
    dataset = load_with_progress(source)
    part = _fit(dataset, split, source, record.data.image_size, classes)
    title = f"{DISPLAY_NAMES.get(recipe.name, recipe.name)}, seed {record.seed}"

    @cache
    def trained() -> "TrainedModel":
        from mnistlab.training import load_trained

        return load_trained(folder)

    candidate = Candidate(
        title,
        dataset,
        part,
        classes,
        read=lambda images: trained().logits(images),
        shifts=recipe.shifts,
        read_once=lambda images: trained().single_view_logits(images),
        record=record,
    )
    return candidate, record


def _answers(
    candidate: Candidate, folder: RunFolder, record: RunRecord, split: str
) -> tuple[float, NDArray[np.float32]]:
    """Return a run's temperature and logits."""
    from mnistlab.export import calibrate

    recipe, own = record.recipe, _is_own(record, candidate.dataset)
    temperature = 1.0
    if recipe.validation:
        home = candidate.dataset if own else load_with_progress(recipe.data)
        temperature = calibrate(record, folder.read_logits(), home).temperature
    # What the run itself measured stays as it is, so that its record says the same.
    measured = own and split == "test" and not recipe.validation
    return temperature, folder.read_logits() if measured else candidate.read(candidate.part.images)


def _meet_file(file: Path, data: str | None, split: str) -> tuple[Candidate, float]:
    from mnistlab.recogniser.network import Network

    network = Network(file)
    about = network.metadata
    home = about.get("data", {})
    source = data or home.get("name", "mnist")
    if not data and source not in CATALOGUE:
        raise DataError(
            f"{file}: was trained on {source}, no data set known by name; say where it is with"
            " --data"
        )
    dataset = load_with_progress(source)
    if not data and home.get("fingerprint", dataset.fingerprint) != dataset.fingerprint:
        raise DataError(
            f"{file}: was trained on another {source} than the known one; say where it is with"
            " --data"
        )
    part = _fit(dataset, split, source, network.image_size, network.classes)
    title = about.get("title", network.name) + (
        f", seed {about['seed']}" if "seed" in about else ""
    )
    candidate = Candidate(
        title,
        dataset,
        part,
        network.classes,
        read=network.logits,
        shifts=0,
        read_once=network.logits,
        record=None,
    )
    return candidate, about.get("temperature", 1.0)


def _find_file(name: str) -> Path:
    from mnistlab.recogniser import shipped_models

    shipped = shipped_models()
    if name in shipped:
        return shipped[name]
    if Path(name).is_file():
        return Path(name)
    hint = did_you_mean(name, shipped)
    known = ", ".join(shipped)
    raise ModelError(
        f"{name}: no such run, file or model; {hint}name a run's folder, an .onnx file, or one of"
        f" {known}"
    )


def _is_own(record: RunRecord, dataset: Dataset) -> bool:
    """Whether a run was trained on this data set."""
    recipe = record.recipe
    if recipe.validation > len(dataset.train) - 2:
        return False
    part = take_subset(dataset, validation=recipe.validation, limit=recipe.train_limit)
    return part.fingerprint == record.data.fingerprint


def _fit(
    dataset: Dataset, split: str, source: str, size: tuple[int, int], classes: tuple[str, ...]
) -> Split:
    """Return a split with labels numbered as the model's classes are, which may be more than the
    data set's.

    Raises:
        DataError: images of another size, or a class that the model does not know.
    """
    if dataset.image_size != size:
        found, wanted = (f"{height}x{width}" for height, width in (dataset.image_size, size))
        raise DataError(f"{source}: images of {found} pixels; the model reads {wanted}")
    strange = [name for name in dataset.classes if name not in classes]
    if strange:
        raise DataError(
            f"{source}: class {shorten(strange[0])!r} is none of the model's ({listed(classes)})"
        )
    part = dataset.train if split == "train" else dataset.test
    numbers = np.array([classes.index(name) for name in dataset.classes])
    return Split(part.images, numbers[part.labels])
