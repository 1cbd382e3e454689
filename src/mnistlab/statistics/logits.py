"""Logits: a network's raw output for many images, checked and turned into probabilities."""

import math

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import DataError


def check_logits(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
    """Check that logits and labels fit together.

    Args:
        logits: float32, ``(n, classes)``.
        labels: int64, ``(n,)``.

    Raises:
        DataError: of another shape, no images, a label outside the classes, or a logit that is not
            finite.
    """
    if logits.ndim != 2 or labels.ndim != 1:
        raise DataError(
            f"logits of shape {logits.shape}, labels {labels.shape}: (n, classes) and (n,) are"
            " needed"
        )
    if len(logits) != len(labels):
        raise DataError(f"logits of {len(logits):,} images, but labels of {len(labels):,}")
    if logits.size == 0:
        raise DataError("no images or no classes to evaluate")
    outside = (labels < 0) | (labels >= logits.shape[1])
    if outside.any():
        image = int(outside.argmax())
        raise DataError(
            f"image {image}: label {labels[image]} is outside the {logits.shape[1]} classes, 0 to"
            f" {logits.shape[1] - 1}"
        )
    damaged = ~np.isfinite(logits).all(axis=1)
    if damaged.any():
        raise DataError(f"image {int(damaged.argmax())}: its logits are not all finite numbers")


def log_probabilities(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the natural logarithms of the softmax of logits over a temperature, float64, ``(n,
    classes)``.

    Args:
        logits: float32, ``(n, classes)``, finite.
        temperature: above 0; above 1 makes the probabilities more equal, below 1 less.

    Raises:
        DataError: the temperature is not a finite number above 0.
    """
    if not (math.isfinite(temperature) and temperature > 0):
        raise DataError(f"temperature {temperature}: a finite number above 0 is needed")
    # The difference to the highest comes first, since what it leaves of two large logits is exact.
    scaled = logits.astype(np.float64)
    scaled -= scaled.max(axis=1, keepdims=True)
    scaled /= temperature
    scaled -= np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return scaled
