"""Evaluation: logits of many images, and what follows from them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.recipe import Recipe
from mnistlab.training.input import normalise, to_unit

_BATCH = 500


def compute_logits(model: nn.Module, images: Tensor, recipe: Recipe) -> Tensor:
    """Run the model in evaluation mode, and leave it in the mode it was in.

    Args:
        model: from ``(n, c, h, w)`` to ``(n, classes)``, on the images' device.
        images: uint8, ``(n, c, h, w)``, brought to size.
        recipe: its ``mean`` and ``std`` count.

    Returns:
        float32, ``(n, classes)``.
    """
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        parts = [model(normalise(to_unit(batch), recipe)) for batch in _batches(images)]
    model.train(was_training)
    return torch.cat(parts)


def _batches(images: Tensor) -> list[Tensor]:
    """Cut images into batches; one left over joins the batch before it, since some models cannot
    read one alone.
    """
    batches = list(torch.split(images, _BATCH))
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
    # Summed in float64, which Apple's GPUs lack.
    losses = functional.cross_entropy(logits, labels, reduction="none")
    accuracy = (logits.argmax(dim=1) == labels).sum().item() / len(labels)
    return losses.cpu().double().mean().item(), accuracy
