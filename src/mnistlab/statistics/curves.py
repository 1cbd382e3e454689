"""Curves: a measure over the epochs, with a band over seeds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.statistics.run_group import RunGroup

_QUANTILES = (0.1, 0.9)
MEASURES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")


@dataclass(frozen=True)
class Band:
    """One measure over the epochs.

    Attributes:
        epochs: from 1, ``(epochs,)``.
        mean: over seeds, ``(epochs,)``.
        low: the 10 % quantile over seeds, ``(epochs,)``.
        high: the 90 % quantile over seeds, ``(epochs,)``.
    """

    epochs: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def band(group: RunGroup, measure: str) -> Band:
    """Return the band of one of :data:`MEASURES`, in the unit of
    :class:`mnistlab.runs.EpochMetrics`.

    A run that early stopping has ended counts in later epochs with the weights that it kept.
    """
    epochs = range(1, max(len(record.history) for record in group.records) + 1)
    values = np.array(
        [[getattr(record.at(epoch), measure) for epoch in epochs] for record in group.records]
    )
    low, high = np.quantile(values, _QUANTILES, axis=0)
    return Band(np.arange(1, values.shape[1] + 1), values.mean(axis=0), low, high)
