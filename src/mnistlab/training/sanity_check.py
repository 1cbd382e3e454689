"""A trial step that shows, before training starts, whether a user model can be trained."""

import contextlib
import copy

import torch
from torch import nn
from torch.nn import functional

from mnistlab.errors import ModelError, told


def check_trainable(
    model: nn.Module, name: str, image_shape: tuple[int, int, int], size: int
) -> None:
    """Run one forward and backward pass on a copy of the model, with black images.

    Args:
        model: from float32 ``(n, *image_shape)`` to logits.
        name: the recipe's ``model``, for messages.
        image_shape: ``(channels, height, width)``.
        size: number of images in the smallest batch of the run.

    Raises:
        ModelError: the model cannot be trained on such a batch.
    """
    try:
        # A copy, since a model may keep more state than its state_dict has.
        model = copy.deepcopy(model).train()
    # Some models cannot be copied; training itself then shows whether they work.
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
                remedy = "; two images work: set batch_size to at least 2"
        images = "one image" if size == 1 else f"{size} images"
        raise ModelError(
            f"{name}: cannot be trained on a batch of {images}: {told(error)}{remedy}"
        ) from error


def _step(model: nn.Module, image_shape: tuple[int, int, int], size: int) -> None:
    # A model that cannot be saved is found here too.
    model.state_dict()
    logits = model(torch.zeros(size, *image_shape))
    functional.cross_entropy(logits, torch.zeros(size, dtype=torch.int64)).backward()  # type: ignore[no-untyped-call]
