"""EvaluatedModel: a run, an ONNX file or a shipped model, and the labelled images that it reads."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mnistlab.colour import to_channels
from mnistlab.data import CATALOGUE, Dataset, Split, load_dataset
from mnistlab.data.download import OnProgress
from mnistlab.data.loading import reading, take_for
from mnistlab.errors import DataError, ModelError
from mnistlab.recipe import DISPLAY_NAMES, Recipe
from mnistlab.report.data_lines import input_lines, input_notes, shape
from mnistlab.runs import RunFolder, RunRecord
from mnistlab.statistics import calibrate
from mnistlab.text import listed, shorten

if TYPE_CHECKING:
    from mnistlab.training import TrainedModel

Read = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Returns logits, float32 ``(n, classes)``, of images, uint8 ``(n, channels, height, width)``."""
Part = Literal["test", "train"]


@dataclass(frozen=True)
class Images:
    """Which images models are to read.

    Attributes:
        data: a known data set's name, a folder or a file, or a data set; ``None`` takes what each
            model was trained on.
        split: ``test`` or ``train``.
        on_download: called with a download's progress.
        skip_damaged: leave damaged pictures out, as a recipe may say, too.

    Raises:
        DataError: no such split.
    """

    data: Dataset | Path | str | None = None
    split: Part = "test"
    on_download: OnProgress | None = None
    skip_damaged: bool = False

    def __post_init__(self) -> None:
        if self.split not in ("test", "train"):
            raise DataError(f"split: test or train; found {self.split!r}")

    def load(self, own: str, recipe: Recipe | None = None) -> Dataset:
        """Load the data; ``own`` is what the model was trained on, ``recipe`` how that is read."""
        if isinstance(self.data, Dataset):
            return self.data
        return self.load_from(own if self.data is None else str(self.data), recipe)

    def load_from(self, source: str, recipe: Recipe | None) -> Dataset:
        """Load other data as these are read."""
        return load_dataset(source, self.on_download, **self.reading(recipe))

    def reading(self, recipe: Recipe | None) -> dict[str, Any]:
        """Return how the data are read that ``recipe`` was trained on, if any, as
        :func:`mnistlab.load_dataset` takes it.
        """
        own = reading(recipe) if recipe else {}
        return own | ({"skip_damaged": True} if self.skip_damaged else {})

    def name(self, own: str) -> str:
        """What the user calls the data."""
        if self.data is None:
            return own
        return self.data.name if isinstance(self.data, Dataset) else str(self.data)


@dataclass(frozen=True, eq=False)
class EvaluatedModel:
    """A model, and the images that it is to read.

    Attributes:
        title: what people call the model.
        dataset: the one that the images are from.
        source: what the user, or the run's recipe, calls it: a known name, a folder or a file.
        part: the images, their labels numbered as the model's classes are.
        split: ``test`` or ``train``.
        classes: the model's, in the order of its logits.
        read: returns its logits.
        shifts: of a run's recipe; 0 if it reads each image once.
        read_once: returns its logits where each image is read once.
        record: of a run; ``None`` for a file.
        answers: returns the temperature, by which logits are divided, and the logits of the images.
        notes: what has to be said of the model.
    """

    title: str
    dataset: Dataset
    source: str
    part: Split
    split: Part
    classes: tuple[str, ...]
    read: Read
    shifts: int
    read_once: Read
    record: RunRecord | None
    answers: Callable[[], tuple[float, NDArray[np.float32]]]
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> list[str]:
        """What stands above a report: the data's name, and how many images of what shape."""
        return describe_images(self.dataset, self.split)

    @property
    def training(self) -> Hashable:
        """What runs of one recipe have in common; ``None`` for a file."""
        record = self.record
        return record and (record.recipe.digest, record.source, record.data.fingerprint)


def describe_images(dataset: Dataset, split: Part) -> list[str]:
    """Return a data set's name, and how many images of what shape a split has."""
    kind, part = ("test", dataset.test) if split == "test" else ("training", dataset.train)
    shown = shape(dataset.image_size, dataset.channels)
    return [f"{dataset.name}, {len(part):,} {kind} images of {shown}"]


def describe_inputs(
    models: Mapping[str, Sequence[EvaluatedModel]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return sentences on what runs were given, and what has to be said of that and of the images.

    Args:
        models: by title; all read the same images.
    """
    dataset = next(iter(models.values()))[0].dataset
    inputs = {
        title: [model.record.model_input for model in members if model.record]
        for title, members in models.items()
    }
    told = [note for members in models.values() for member in members for note in member.notes]
    return tuple(input_lines(inputs)), (*dataset.notes, *input_notes(inputs), *told)


def find_model(model: "TrainedModel | RunFolder | Path | str", images: Images) -> EvaluatedModel:
    """Find a model and its images; nothing is read yet.

    Args:
        model: a trained model, a run's folder, an ``.onnx`` file, or a shipped model's name.
        images: which it is to read.

    Raises:
        ModelError: no such model.
        RunError: a folder without a finished run, or with a damaged one.
        DataError: no such data, or images or classes that are not the model's.
    """
    if isinstance(model, str | Path) and not Path(model).is_dir():
        from mnistlab.recogniser.models import find_classifier

        return _of_file(find_classifier(str(model)), images)
    if isinstance(model, str | Path | RunFolder):
        folder = model if isinstance(model, RunFolder) else RunFolder(Path(model))

        @cache
        def trained() -> "TrainedModel":
            from mnistlab.training import load_trained

            return load_trained(folder)

        def logits() -> NDArray[np.float32]:
            # They may have been pruned; then the model classifies the test images again.
            exist = folder.logits_file.exists()
            return folder.read_logits() if exist else trained().test_logits

        return _of_run(folder.read_record(), trained, logits, images)
    if not hasattr(model, "record"):
        raise ModelError(
            "model: must be a trained model, a finished run's folder, an .onnx file or a shipped"
            f" model's name; found {type(model).__name__}"
        )
    return _of_run(model.record, lambda: model, lambda: model.test_logits, images)


def _of_run(
    record: RunRecord,
    trained: Callable[[], "TrainedModel"],
    own_logits: Callable[[], NDArray[np.float32]],
    images: Images,
) -> EvaluatedModel:
    recipe, classes = record.recipe, record.data.classes
    dataset = whole = images.load(recipe.data, recipe)
    own = _is_own(record, whole)
    if images.data is None and not own:
        raise DataError(
            f"{recipe.data}: this run was trained on other images ({record.data.name}, fingerprint"
            f" {record.data.fingerprint}); say with `data=` which ones to test it on"
        )
    notes: tuple[str, ...] = ()
    if not own and whole.drawn is not None and images.name("") == recipe.data:
        notes = (
            f"{recipe.data} has changed since this run was trained on it, and its test images are"
            " drawn at random: the run may have seen some of them",
        )
    # A test set that was only drawn is divided into the folds, so the run was trained on it.
    folded = bool(recipe.fold) and whole.drawn is not None and own
    if folded:
        dataset = take_for(recipe, whole)
    part = _fit(dataset, images, images.name(recipe.data), record.data, classes)
    name = recipe.title.replace(recipe.name, DISPLAY_NAMES.get(recipe.name, recipe.name), 1)

    def read(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return trained().logits(pixels)

    def answers() -> tuple[float, NDArray[np.float32]]:
        temperature = 1.0
        held_out = recipe.tested_on == "validation"
        if held_out and not folded:
            home = whole if own else images.load_from(recipe.data, recipe)
            temperature = calibrate(record, own_logits(), home).temperature
        # What the run itself measured stays as it is, so that its record says the same.
        measured = own and images.split == "test" and (folded or not held_out)
        return temperature, own_logits() if measured else read(part.images)

    return EvaluatedModel(
        title=f"{name}, seed {record.seed}",
        dataset=dataset,
        source=images.name(recipe.data),
        part=part,
        split=images.split,
        classes=classes,
        read=read,
        shifts=recipe.shifts,
        read_once=lambda pixels: trained().single_view_logits(pixels),
        record=record,
        answers=answers,
        notes=notes,
    )


def _of_file(file: Path, images: Images) -> EvaluatedModel:
    from mnistlab.recogniser.network import Network

    network = Network(file)
    about = network.metadata
    home = about.get("data", {})
    source = home.get("name", "mnist")
    if images.data is None and source not in CATALOGUE:
        raise DataError(
            f"{file}: was trained on {source}, which is none of the known data sets; say where it"
            " is with `data=`"
        )
    dataset = images.load(source)
    if images.data is None and home.get("fingerprint", dataset.fingerprint) != dataset.fingerprint:
        raise DataError(
            f"{file}: was trained on another {source} than the known one; say where it is with"
            " `data=`"
        )
    part = _fit(dataset, images, images.name(source), network, network.classes)
    seed = f", seed {about['seed']}" if "seed" in about else ""
    return EvaluatedModel(
        title=about.get("title", network.name) + seed,
        dataset=dataset,
        source=images.name(source),
        part=part,
        split=images.split,
        classes=network.classes,
        read=network.logits,
        shifts=0,
        read_once=network.logits,
        record=None,
        answers=lambda: (about.get("temperature", 1.0), network.logits(part.images)),
        notes=network.notes,
    )


def _is_own(record: RunRecord, dataset: Dataset) -> bool:
    """Whether a run was trained on this data set."""
    recipe = record.recipe
    try:
        part = take_for(recipe, dataset)
    except DataError:
        return False
    return part.fingerprint == record.data.fingerprint


class _Shaped(Protocol):
    """What images of a size and a number of channels are for."""

    @property
    def image_size(self) -> tuple[int, int]: ...
    @property
    def channels(self) -> int: ...


def _fit(
    dataset: Dataset, images: Images, source: str, model: _Shaped, classes: tuple[str, ...]
) -> Split:
    """Return a split with the model's channels, and labels numbered as its classes are, which may
    be more than the data set's.

    Raises:
        DataError: images of another size, or a class that the model does not know.
    """
    if dataset.image_size != model.image_size:
        sizes = dataset.image_size, model.image_size
        found, wanted = (f"{height}x{width}" for height, width in sizes)
        raise DataError(f"{source}: images of {found} pixels; the model reads {wanted}")
    strange = [name for name in dataset.classes if name not in classes]
    if strange:
        raise DataError(
            f"{source}: class {shorten(strange[0])!r} is none of the model's ({listed(classes)})"
        )
    part = dataset.train if images.split == "train" else dataset.test
    numbers = np.array([classes.index(name) for name in dataset.classes])
    return Split(to_channels(part.images, model.channels), numbers[part.labels])
