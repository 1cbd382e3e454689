"""Trial: whether a model of the user's own can be trained, found out before, and named when it raises later."""

import contextlib
import copy
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from mnistlab.errors import MnistlabError, ModelError, TrainingError


def is_foreign(model: str) -> bool:
    """Whether a recipe's ``model`` names the user's own code."""
    return ":" in model


def try_training(model: nn.Module, name: str, image_shape: tuple[int, int, int], size: int) -> None:
    """Take one step on a copy of a model, with black images.

    Args:
        model: from ``(n, *image_shape)`` float32 to logits.
        name: the recipe's ``model``, for messages.
        image_shape: ``(channels, height, width)``.
        size: images of the smallest batch to come.

    Raises:
        ModelError: the model cannot be trained on such a batch.
    """
    try:
        # A copy, since it may keep more than its state_dict says.
        model = copy.deepcopy(model).train()
    # Not everything can be copied; then training itself will show.
    except Exception:
        return
    try:
        _step(model, image_shape, size)
    except (Exception, SystemExit) as error:
        remedy = ""
        if size == 1:
            with contextlib.suppress(Exception, SystemExit):
                _step(model, image_shape, 2)
                remedy = "; it can on two: give a batch_size of at least 2"
        images = "one image" if size == 1 else f"{size} images"
        raise ModelError(
            f"{name}: cannot be trained on a batch of {images}: {type(error).__name__}: {error}{remedy}"
        ) from error


def _step(model: nn.Module, image_shape: tuple[int, int, int], size: int) -> None:
    logits = model(torch.zeros(size, *image_shape))
    functional.cross_entropy(logits, torch.zeros(size, dtype=torch.int64)).backward()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def blaming(model: str, where: str) -> Iterator[None]:
    """Turn what a model of the user's own raises inside into one line that names it.

    Args:
        model: the recipe's ``model``; what a built-in one raises is our fault, and stays as it is.
        where: how far training has come.

    Raises:
        TrainingError: it raised.
    """
    try:
        yield
    except MnistlabError:
        raise
    except (Exception, SystemExit) as error:
        if not is_foreign(model):
            raise
        raise TrainingError(f"{model}: failed in {where}: {type(error).__name__}: {error}") from error
