"""TrainedModel: what a finished run leaves, and how it is read from the run's folder."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistlab.data import read_views
from mnistlab.errors import ModelError, RunError
from mnistlab.models import build_model, count_parameters
from mnistlab.models.user_errors import is_user_model, user_errors
from mnistlab.models.user_model import TRUST
from mnistlab.recipe import read_source
from mnistlab.runs import RunFolder, RunRecord
from mnistlab.training.checkpoint import load_weights
from mnistlab.training.code_trust import is_place_known, is_trusted, trusts_all
from mnistlab.training.inference import compute_logits
from mnistlab.training.input import fit_images
from mnistlab.training.randomness import isolated

_LARGEST_SIDE = 4096


@dataclass(frozen=True)
class TrainedModel:
    """What a finished run leaves.

    Attributes:
        record: the recipe and every figure.
        model: with its final weights, on the CPU, in evaluation mode.
        test_logits: float32, ``(test images, classes)``.
    """

    record: RunRecord
    model: nn.Module
    test_logits: NDArray[np.float32]

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Read images, uint8 ``(n, height, width)``, of the size of the run's own, as its test
        images were read.

        Returns:
            float32, ``(n, classes)``.
        """
        shifts = self.record.recipe.shifts
        return read_views(self.read_once, images, shifts) if shifts else self.read_once(images)

    def read_once(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Read images, uint8 ``(n, height, width)``, as they are, whatever the recipe's ``shifts``:
        the same.
        """
        recipe = self.record.recipe
        with user_errors(recipe.model, f"reading {len(images):,} images", ModelError):
            logits = compute_logits(self.model, fit_images(images, recipe), recipe).numpy()
        expected = (len(images), len(self.record.data.classes))
        if logits.shape != expected:
            raise ModelError(
                f"{recipe.model}: gives {logits.shape} for {len(images):,} images; it must give"
                f" {expected}"
            )
        return logits


def load_trained(folder: RunFolder, *, trusted: bool = False) -> TrainedModel:
    """Read a finished run, and build its model with its final weights.

    Args:
        folder: the run's.
        trusted: whether the user has named the recipe himself; else a model that is somebody's code
            is only built if it :func:`~mnistlab.training.code_trust.is_trusted`, since a run's
            folder may come from a stranger.

    Raises:
        RunError: not a finished run, damaged, or a model of the user's own whose file has changed
            since.
        ModelError: a model of the user's own cannot be built, or may not be run.
    """
    record = folder.read_record()
    if max(record.data.image_size) > _LARGEST_SIDE or min(record.data.image_size) < 1:
        raise RunError(
            f"{folder.record_file}: images of {record.data.image_size} pixels cannot be read"
        )
    source = read_source(record.recipe.model, follow=False)
    # What a stranger's code imports can take long to read.
    known = trusted or is_place_known(source)
    if known and record.source in ("", source.digest):
        source = read_source(record.recipe.model)
    if source.fault:
        raise RunError(
            f"{folder.path}: {record.recipe.model}, with which it was trained: {source.fault}"
        )
    if difference := source.difference(record.source, record.imports if known else None):
        raise RunError(f"{folder.path}: {difference} since this run was trained; train it again")
    if ":" in record.recipe.model and not (trusted or is_trusted(source)):
        raise ModelError(
            f"{folder.path}: reading this run would run the code of {record.recipe.model}, with"
            " which you have trained nothing on this machine as it, and what it imports, are now;"
            f" set {TRUST}=1 if you trust it"
        )
    blank = np.zeros((1, *record.data.image_size), np.uint8)
    _, channels, height, width = fit_images(blank, record.recipe).shape
    shape, strict = (channels, height, width), not (trusted or trusts_all())
    own = is_user_model(record.recipe.model)
    # A built-in model is described, not allocated: a record may promise more than any memory holds.
    with isolated(torch.device("cpu")), torch.device("cpu" if own else "meta"):
        model = build_model(record.recipe, shape, len(record.data.classes), source, strict=strict)
    if not own and count_parameters(model) != record.parameters:
        raise RunError(
            f"{folder.record_file}: {record.parameters:,} parameters, but its recipe has"
            f" {count_parameters(model):,}"
        )
    weights = folder.read_model()
    with user_errors(record.recipe.model, "taking its weights", ModelError):
        load_weights(model, weights, str(folder.model_file), assign=not own)
        model = model.eval()
    return TrainedModel(record, model, folder.read_logits())
