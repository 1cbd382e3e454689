"""Summary: what the runs of one recipe come to."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from mnistlab.statistics.calibration import expected_calibration_error
from mnistlab.statistics.sample import Sample

CONFIDENCE = 0.95
_RESAMPLES = 9_999
FEWEST = 3
"""Runs from which an interval says anything."""


class Interval(BaseModel):
    """A 95 % interval, in the unit of what it belongs to."""

    model_config = ConfigDict(frozen=True)

    low: float
    high: float


class Summary(BaseModel):
    """One recipe over its seeds.

    Attributes:
        label: its name.
        parameters: trainable ones.
        epochs: of each run.
        seeds: of the runs.
        accuracies: final test accuracies in percent, in the order of the seeds.
        accuracy: their mean.
        deviation: their standard deviation, with n - 1; 0 for a single run.
        interval: of the mean, over seeds: BCa bootstrap (Efron, 1987); ``None`` for fewer than three runs.
        loss: mean final test loss (negative log-likelihood), nats.
        loss_deviation: its standard deviation.
        lowest_loss: mean over runs of the lowest test loss of any epoch, nats; it was picked on the test set.
        train_loss: mean loss of the final weights on the training images as they are, nats.
        gap: mean of training less test accuracy of the final weights, points.
        calibration_error: mean expected calibration error, points.
        seconds: median time of a run.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    parameters: int
    epochs: int
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    accuracy: float
    deviation: float
    interval: Interval | None
    loss: float
    loss_deviation: float
    lowest_loss: float
    train_loss: float
    gap: float
    calibration_error: float
    seconds: float


def summarise(sample: Sample, random: np.random.Generator) -> Summary:
    """Summarise a sample.

    Args:
        sample: the runs.
        random: for the bootstrap.
    """
    accuracies, outcomes = 100 * sample.accuracies, sample.outcomes
    trained = np.array([100 * outcome.train_accuracy for outcome in outcomes])
    return Summary(
        label=sample.label,
        parameters=sample.records[0].parameters,
        epochs=len(sample.records[0].history),
        seeds=sample.seeds,
        accuracies=tuple(np.round(accuracies, 6).tolist()),
        accuracy=float(accuracies.mean()),
        deviation=deviation(accuracies),
        interval=bootstrap_interval(accuracies, random),
        loss=float(sample.losses.mean()),
        loss_deviation=deviation(sample.losses),
        lowest_loss=float(np.mean([min(epoch.test_loss for epoch in run.history) for run in sample.records])),
        train_loss=float(np.mean([outcome.train_loss for outcome in outcomes])),
        gap=float((trained - accuracies).mean()),
        calibration_error=float(np.mean([100 * expected_calibration_error(outcome) for outcome in outcomes])),
        seconds=float(np.median([record.seconds for record in sample.records])),
    )


def deviation(values: NDArray[np.float64]) -> float:
    """Return the standard deviation with n - 1; 0 for a single value."""
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def bootstrap_interval(values: NDArray[np.float64], random: np.random.Generator) -> Interval | None:
    """Return the BCa bootstrap interval of the mean; ``None`` for fewer than three values.

    Args:
        values: ``(n,)``.
        random: draws the resamples.
    """
    from scipy.stats import bootstrap

    if len(values) < FEWEST:
        return None
    if np.ptp(values) == 0:
        return Interval(low=float(values[0]), high=float(values[0]))
    found = bootstrap(
        (values,), np.mean, confidence_level=CONFIDENCE, n_resamples=_RESAMPLES, method="BCa", rng=random
    ).confidence_interval
    return Interval(low=float(found.low), high=float(found.high))
