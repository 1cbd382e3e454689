"""A multi-layer perceptron with about as many parameters as LeNet-5, for comparison."""

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
    """Build a perceptron with one hidden layer of 60 units and ReLU.

    For images of ``(1, 32, 32)`` and ten classes it has 62,110 parameters.

    Args:
        image_shape: ``(channels, height, width)`` of the input.
        classes: number of outputs.
        batch_norm: batch normalisation of the hidden layer (Ioffe and Szegedy, 2015,
            arXiv:1502.03167).
        dropout: probability of dropping a hidden unit in training (Srivastava et al., 2014); 0
            leaves the layer out.

    Returns:
        A network from float32 ``(n, *image_shape)`` to logits ``(n, classes)``.
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
