"""Inference: logits of many images, and their loss and accuracy."""

import numpy as np
import torch
from torch import Tensor, nn

from mnistlab.elementary import fold, log_softmax
from mnistlab.recipe import ModelInput
from mnistlab.training.input import normalise, to_float

_BATCH_SIZE = 500


def images_at_once(batch_size: int) -> int:
    """Return how many images are given to a model at once, at most, in training and in tests."""
    return max(batch_size, _BATCH_SIZE)


def compute_logits(model: nn.Module, images: Tensor, model_input: ModelInput) -> Tensor:
    """Run the model in evaluation mode, and restore the mode that it was in.

    Args:
        model: from float32 ``(n, c, h, w)`` to logits ``(n, classes)``, on the images' device.
        images: uint8, ``(n, c, h, w)``, at the size of the model's input.
        model_input: its ``mean`` and ``std`` are used.

    Returns:
        float32, ``(n, classes)``.
    """
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        parts = [model(normalise(to_float(batch), model_input)) for batch in _batches(images)]
    model.train(was_training)
    return torch.cat(parts)


def _batches(images: Tensor) -> list[Tensor]:
    """Split images into batches; a single image left over joins the batch before it.

    Some models reject a batch of one.
    """
    batches = list(torch.split(images, _BATCH_SIZE))
    return (
        [*batches[:-2], torch.cat(batches[-2:])]
        if len(images) > 1 and len(batches[-1]) == 1
        else batches
    )


def score(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the mean cross-entropy in nats, and the accuracy from 0 to 1.

    Args:
        logits: float32, ``(n, classes)``.
        labels: int64, ``(n,)``.
    """
    accuracy = (logits.argmax(dim=1) == labels).sum().item() / len(labels)
    classes, loss = labels.cpu().numpy()[:, None], 0.0
    for start in range(0, len(logits), _BATCH_SIZE):
        part = slice(start, start + _BATCH_SIZE)
        losses = -np.take_along_axis(log_softmax(logits[part].cpu().numpy()), classes[part], axis=1)
        loss += float(fold(losses)[0])
    return loss / len(labels), accuracy
