"""TrainedModel: the result of a finished run, in memory or read from the run's folder."""

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistlab.arguments import as_path
from mnistlab.data import read_views
from mnistlab.data.loading import load_for, take_for
from mnistlab.data.preparation import Preparation
from mnistlab.errors import ModelError, RunError
from mnistlab.models import build_model, count_parameters
from mnistlab.models.user_model import TRUST, is_user_model, user_errors
from mnistlab.prediction import Classifier
from mnistlab.recipe import DISPLAY_NAMES, read_source
from mnistlab.runs import RunFolder, RunRecord
from mnistlab.statistics import calibrate
from mnistlab.statistics.logits import log_probabilities
from mnistlab.training.checkpoint import load_weights
from mnistlab.training.code_trust import is_trusted, is_trusted_path, trusts_all
from mnistlab.training.device import choose_device
from mnistlab.training.inference import compute_logits
from mnistlab.training.input import to_size
from mnistlab.training.randomness import fork_rng

_LARGEST_SIDE = 4096
_GREY = 3
"""Dimensions of images without channels."""


@dataclass(frozen=True)
class TrainedModel:
    """The result of a finished run.

    Attributes:
        record: the recipe, the seed and everything that was measured.
        model: with its final weights, in evaluation mode; on the CPU, unless it is moved.
        test_logits: float32, ``(test images, classes)``.

    Example:
        >>> from mnistlab import Recipe, load_dataset, train
        >>> images = load_dataset("mnist").test.images
        >>> trained = train(Recipe(model="mlp", epochs=1, train_limit=600))
        >>> trained.logits(images[:5]).shape
        (5, 10)
    """

    record: RunRecord
    model: nn.Module
    test_logits: NDArray[np.float32]

    def __repr__(self) -> str:
        record = self.record
        return (
            f"TrainedModel({record.recipe.title}, seed {record.seed},"
            f" {record.parameters:,} parameters, trained on {record.data.name}:"
            f" accuracy {record.final.test_accuracy:.2%})"
        )

    def _repr_html_(self) -> str:
        return self.record._repr_html_()

    @cached_property
    def classifier(self) -> Classifier:
        """The model with its calibration, ready for pictures of any kind and size.

        Where the run held out training images, the temperature is fitted on those, as that of an
        exported file is.
        """
        record = self.record
        calibration = calibrate(record, self.test_logits)
        temperature = calibration.temperature

        def read(images: NDArray[np.uint8]) -> NDArray[np.float64]:
            return np.exp(log_probabilities(self.logits(images), temperature))

        data, name = record.data, record.recipe.name
        return Classifier(
            title=record.recipe.title.replace(name, DISPLAY_NAMES.get(name, name), 1),
            classes=data.classes,
            preparation=Preparation(data.channels, data.image_size, record.model_input.fit),
            read=read,
            temperature=temperature,
            calibrated_on=calibration.fitted_on,
            brightness=record.brightness,
        )

    def on(self, device: str) -> "TrainedModel":
        """Move the model to a device, which may compute other last digits, and return this.

        Args:
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

        Raises:
            DeviceError: it is not available.
        """
        self.model.to(choose_device(device))
        return self

    def predict(self, pictures: Any, **options: Any) -> Any:
        """Classify one picture, or several, of any kind and size.

        Args:
            pictures: see :meth:`mnistlab.prediction.Classifier.predict`.
            options: see there.

        Returns:
            A :class:`mnistlab.prediction.Prediction`, or a list of them.

        Raises:
            PictureError: something is no picture, or damaged.
            ModelError: an option is out of range, or a user model fails.
        """
        return self.classifier.predict(pictures, **options)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits of images, computed as those of the run's test images were.

        With the recipe's ``shifts`` (test-time augmentation), they are the logarithms of the mean
        probabilities over all shifted copies of an image.

        Args:
            images: uint8, ``(n, channels, height, width)``, or ``(n, height, width)`` if grey, of
                the run's size; those of other channels, 1 or 3, are brought to the run's.

        Returns:
            float32, ``(n, classes)``.

        Raises:
            ModelError: the images are of another type or size, or a user model fails or returns
                logits of another shape.
        """
        shifts = self.record.recipe.shifts
        return (
            read_views(self.single_view_logits, images, shifts)
            if shifts
            else self.single_view_logits(images)
        )

    def _checked(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return images with an axis of channels.

        Raises:
            ModelError: they are not bytes, or not of the run's size.
        """
        images = np.asarray(images)
        given = images[:, np.newaxis] if images.ndim == _GREY else images
        height, width = self.record.data.image_size
        fits = given.ndim == _GREY + 1 and given.shape[1] in (1, 3)
        if given.dtype != np.uint8 or not fits or given.shape[2:] != (height, width):
            raise ModelError(
                f"images: must be uint8, (n, {self.record.data.channels}, {height}, {width}), as"
                f" the run's images are; found {images.dtype}, {images.shape}; `predict` takes"
                " pictures of any size"
            )
        return given

    def single_view_logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits of images as they are, ignoring the recipe's ``shifts``.

        Args:
            images: uint8, as for :meth:`logits`.

        Returns:
            float32, ``(n, classes)``.

        Raises:
            ModelError: see :meth:`logits`.
        """
        recipe, model_input = self.record.recipe, self.record.model_input
        images = self._checked(images)
        with user_errors(recipe.model, f"its forward pass on {len(images):,} images", ModelError):
            sized = to_size(images, model_input)
            # Some models have no parameters of their own.
            tensors = itertools.chain(self.model.parameters(), self.model.buffers(), [sized])
            sized = sized.to(next(tensors).device)
            logits = compute_logits(self.model, sized, model_input).cpu().numpy()
        expected = (len(images), len(self.record.data.classes))
        if logits.shape != expected:
            raise ModelError(
                f"{recipe.model}: returns {logits.shape} for {len(images):,} images; it must return"
                f" {expected}"
            )
        return logits


def load(run: RunFolder | Path | str) -> TrainedModel:
    """Return a finished run's model with its final weights, ready to classify images.

    A model of the user's own is code. Since a run's folder may come from somebody else, it is only
    run if it was trained with on this machine, or ``MNISTLAB_TRUST_CODE`` is 1.

    Args:
        run: the run's folder.

    Raises:
        RunError: not a finished run, damaged, or a model whose file has changed since.
        ModelError: the model cannot be built, or may not be run.
    """
    if not isinstance(run, RunFolder):
        run = RunFolder(as_path("run", run, "a finished run's folder"))
    return load_trained(run)


def load_trained(
    folder: RunFolder, *, trusted: bool = False, needs_logits: bool = True
) -> TrainedModel:
    """Read a finished run, and build its model with its final weights.

    Args:
        folder: the run's.
        trusted: whether the user has named the recipe. If not, a user model is built only if its
            code :func:`~mnistlab.training.code_trust.is_trusted`, since a run's folder may come
            from a stranger.
        needs_logits: whether logits that were pruned are computed again, from the run's data;
            otherwise there are none then.

    Raises:
        RunError: not a finished run, damaged, or the code of a user model has changed since.
        ModelError: a user model cannot be built, or its code is not trusted.
    """
    record = folder.read_record()
    if max(record.data.image_size) > _LARGEST_SIDE or min(record.data.image_size) < 1:
        raise RunError(
            f"{folder.record_file}: images of {record.data.image_size} pixels are not supported"
        )
    source = read_source(record.recipe.model, follow=False)
    # The imports of untrusted code are not followed, since reading them can take long.
    known = trusted or is_trusted_path(source)
    if known and record.source in ("", source.digest):
        source = read_source(record.recipe.model)
    if source.fault:
        raise RunError(
            f"{folder.path}: the code of its model, {record.recipe.model}: {source.fault}"
        )
    if difference := source.difference(record.source, record.imports if known else None):
        raise RunError(
            f"{folder.path}: {difference} since this run was trained; restore the file as it was,"
            " or train it again"
        )
    if is_user_model(record.recipe.model) and not (trusted or is_trusted(source)):
        raise ModelError(
            f"{folder.path}: reading this run would run the code of {record.recipe.model}, which"
            " (with the files it imports, as they are now) you have not trained with on this"
            f" machine; set {TRUST}=1 if you trust it"
        )
    shape, strict = record.model_input.shape, not (trusted or trusts_all())
    own = is_user_model(record.recipe.model)
    # A built-in model is described, not allocated: a record may promise more than any memory holds.
    with fork_rng(torch.device("cpu")), torch.device("cpu" if own else "meta"):
        model = build_model(
            record.recipe, shape, len(record.data.classes), source, strict=strict, check=own
        )
    parameters = record.parameters + (record.frozen.parameters if record.frozen else 0)
    if not own and count_parameters(model) != parameters:
        raise RunError(
            f"{folder.record_file}: {parameters:,} parameters, but its recipe has"
            f" {count_parameters(model):,}"
        )
    weights = folder.read_model()
    with user_errors(record.recipe.model, "load_state_dict", ModelError):
        load_weights(model, weights, str(folder.model_file), assign=not own)
        model = model.eval()
    if folder.logits_file.exists():
        return TrainedModel(record, model, folder.read_logits())
    trained = TrainedModel(record, model, np.empty((0, 0), np.float32))
    return _with_logits(trained, folder) if needs_logits else trained


def _with_logits(trained: TrainedModel, folder: RunFolder) -> TrainedModel:
    """Return the same with the logits that ``mnistlab runs --prune logits`` removed.

    Raises:
        RunError: the test images are not those of the run.
    """
    record, recipe = trained.record, trained.record.recipe
    dataset = take_for(recipe, load_for(recipe))
    if dataset.fingerprint != record.data.fingerprint:
        raise RunError(
            f"{folder.path}: its logits were pruned, and {recipe.data} holds other images now than"
            " it was tested on; train it again"
        )
    return replace(trained, test_logits=trained.logits(dataset.test.images))
