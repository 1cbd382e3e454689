"""A dry run: whether a user's own model can be trained, checked before training starts."""

import contextlib
import copy

import torch
from torch import nn
from torch.nn import functional

from mnistlab.errors import ModelError, told


def check_trainable(
    model: nn.Module, name: str, image_shape: tuple[int, int, int], size: int
) -> None:
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
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return
    try:
        _step(model, image_shape, size)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        remedy = ""
        if size == 1:
            with contextlib.suppress(Exception, SystemExit):
                _step(model, image_shape, 2)
                remedy = "; it can on two: give a batch_size of at least 2"
        images = "one image" if size == 1 else f"{size} images"
        raise ModelError(
            f"{name}: cannot be trained on a batch of {images}: {told(error)}{remedy}"
        ) from error


def _step(model: nn.Module, image_shape: tuple[int, int, int], size: int) -> None:
    # What cannot be kept need not be trained.
    model.state_dict()
    logits = model(torch.zeros(size, *image_shape))
    functional.cross_entropy(logits, torch.zeros(size, dtype=torch.int64)).backward()  # type: ignore[no-untyped-call]
