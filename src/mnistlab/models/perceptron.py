"""A true multi-layer perceptron about as large as LeNet-5, as a third point of reference."""

import math
from collections import OrderedDict

from torch import nn

_HIDDEN = 60


def perceptron(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    batch_norm: bool = False,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Build pixels -> 60 -> ReLU -> classes: 62,110 parameters for ``(1, 32, 32)`` and ten classes.

    Args:
        image_shape: ``(channels, height, width)`` of the input.
        classes: number of outputs.
        batch_norm: normalise the hidden layer (Ioffe and Szegedy, 2015).
        dropout: share of hidden units dropped in training (Srivastava et al., 2014); 0 leaves the
            layer out.

    Returns:
        A network from ``(n, *image_shape)`` float32 to logits ``(n, classes)``.
    """
    layers: dict[str, nn.Module | None] = {
        "flatten": nn.Flatten(),  # (n, 1024)
        "hidden": nn.Linear(math.prod(image_shape), _HIDDEN),  # (n, 60)
        "norm": nn.BatchNorm1d(_HIDDEN) if batch_norm else None,
        "relu": nn.ReLU(),
        "dropout": nn.Dropout(dropout) if dropout else None,
        "output": nn.Linear(_HIDDEN, classes),  # (n, classes)
    }
    return nn.Sequential(
        OrderedDict((name, layer) for name, layer in layers.items() if layer is not None)
    )
