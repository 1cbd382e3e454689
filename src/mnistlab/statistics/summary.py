"""Summary: the figures of all runs of one recipe."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mnistlab.recipe import TestedOn
from mnistlab.statistics.calibration import expected_calibration_error
from mnistlab.statistics.interval import (
    Interval,
    interquartile_mean,
    mean_interval,
    outliers,
    standard_deviation,
)
from mnistlab.statistics.run_group import RunGroup

_ODD, _LEAST = 6.0, 4.0
"""Robust standard deviations from the median beyond which a run is odd, and binomial ones that it
must be beyond as well."""
_FEWEST = 6
"""Runs among which one can be odd: of fewer, several lie close together by chance too often."""


class DisputedFigures(BaseModel):
    """Predictions for the test images whose labels are disputed, and figures without them.

    Attributes:
        images: places of the disputed ones in the test set, from 0.
        as_labelled: for each of them, how many runs predict its label.
        accuracies: of each run on all other images, percent.
        accuracy: their mean, percent.
        interval: 95 % interval of that mean, as :attr:`Summary.interval`, percent.
        read_as_labelled: for how many of the disputed images a run predicts the label, mean over
            runs.
    """

    model_config = ConfigDict(frozen=True)

    images: tuple[int, ...]
    as_labelled: tuple[int, ...]
    accuracies: tuple[float, ...]
    accuracy: float
    interval: Interval | None
    read_as_labelled: float


class Summary(BaseModel):
    """One recipe over its seeds.

    Figures are of the weights that were kept, those of the final epoch unless early stopping chose
    others; figures per run are in the order of the seeds.

    Attributes:
        label: the recipe's name.
        tested_on: ``test``, or ``validation`` if the runs were tested on held-out training images.
        test_images: how many images the runs were tested on.
        folds: of a cross-validation, each of whose seeds counts as one run; 0 for other runs.
        parameters: trainable ones.
        epochs: of each run; with early stopping, the most of any run.
        seeds: ascending.
        accuracies: of each run, percent.
        errors: images that each run misclassifies.
        losses: mean negative log-likelihood of each run, nats.
        training_seconds: of each run, without the tests between epochs.
        accuracy: mean of the accuracies, percent.
        interquartile_mean: mean of the middle half of the accuracies, which one odd run does not
            change, percent.
        std: their standard deviation, with n - 1; ``None`` for a single run.
        interval: 95 % interval of their mean over seeds, by Student's t distribution; ``None`` for
            fewer than three runs.
        median: of the accuracies, percent.
        lowest: of them, percent.
        highest: of them, percent.
        odd_seeds: seeds of runs whose accuracy is far from that of all others, see
            :func:`odd_runs`.
        loss: mean of the losses, nats.
        loss_std: their standard deviation; ``None`` for a single run.
        lowest_loss: mean over runs of the lowest loss of any epoch, nats; that epoch is chosen on
            the images tested on.
        train_loss: mean loss of the final weights on unchanged training images, nats.
        gap: mean of training less test accuracy of the final weights, points.
        calibration_error: mean expected calibration error, points.
        seconds: median of the training times.
        disputed: ``None`` where no labels are known to be disputed.
        stops_early: whether early stopping chose the weights, on images that are not tested on.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    tested_on: TestedOn
    test_images: int
    folds: int = 0
    parameters: int
    epochs: int
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    errors: tuple[int, ...]
    losses: tuple[float, ...]
    training_seconds: tuple[float, ...]
    accuracy: float
    interquartile_mean: float
    std: float | None
    interval: Interval | None
    median: float
    lowest: float
    highest: float
    odd_seeds: tuple[int, ...]
    loss: float
    loss_std: float | None
    lowest_loss: float
    train_loss: float
    gap: float
    calibration_error: float
    seconds: float
    disputed: DisputedFigures | None = None
    stops_early: bool = Field(default=False, exclude=True)


def summarise(group: RunGroup, disputed: Sequence[int] = ()) -> Summary:
    """Return every figure of a recipe's runs.

    Args:
        group: the runs.
        disputed: places of the test images whose labels are disputed, from 0.
    """
    accuracies, predictions_of_runs, first = (
        100 * group.accuracies,
        group.predictions,
        group.records[0],
    )
    trained = np.array([100 * predictions.train_accuracy for predictions in predictions_of_runs])
    seconds = [record.training_seconds for record in group.records]
    return Summary(
        label=group.label,
        tested_on=group.tested_on,
        test_images=group.test_images,
        folds=group.folds,
        parameters=first.parameters,
        epochs=max(len(record.history) for record in group.records),
        seeds=group.seeds,
        accuracies=tuple(np.round(accuracies, 6).tolist()),
        errors=tuple(record.final.test_errors for record in group.records),
        losses=tuple(group.losses.tolist()),
        training_seconds=tuple(np.round(seconds, 3).tolist()),
        accuracy=float(accuracies.mean()),
        interquartile_mean=interquartile_mean(accuracies),
        std=standard_deviation(accuracies),
        interval=mean_interval(accuracies),
        median=float(np.median(accuracies)),
        lowest=float(accuracies.min()),
        highest=float(accuracies.max()),
        odd_seeds=odd_runs(group),
        loss=float(group.losses.mean()),
        loss_std=standard_deviation(group.losses),
        lowest_loss=float(
            np.mean([min(epoch.test_loss for epoch in run.history) for run in group.records])
        ),
        train_loss=float(np.mean([predictions.train_loss for predictions in predictions_of_runs])),
        gap=float((trained - accuracies).mean()),
        calibration_error=float(
            np.mean(
                [
                    100 * expected_calibration_error(predictions)
                    for predictions in predictions_of_runs
                ]
            )
        ),
        seconds=float(np.median(seconds)),
        disputed=_without(group, disputed) if disputed else None,
        stops_early=bool(group.recipe.patience),
    )


def odd_runs(group: RunGroup) -> tuple[int, ...]:
    """Return the seeds of runs that collapsed or are otherwise far from all others.

    Far is more than six robust standard deviations from the median, see
    :func:`mnistlab.statistics.interval.outliers`, and more than four binomial ones. Among fewer
    than six runs none is called odd.
    """
    if len(group.seeds) < _FEWEST:
        return ()
    least = _LEAST * math.sqrt(binomial_variance(group.right, group.test_images))
    far = outliers(group.right, _ODD, max(least, 1.0))
    return tuple(seed for seed, odd in zip(group.seeds, far, strict=True) if odd)


def binomial_variance(right: NDArray[np.int64], images: int) -> float:
    """Return the variance, in images, that chance alone gives the number of correct ones.

    Args:
        right: how many each run classifies correctly, ``(runs,)``; their median counts.
        images: how many there are.
    """
    middle = float(np.median(right))
    return middle * (1 - middle / images)


def _without(group: RunGroup, disputed: Sequence[int]) -> DisputedFigures:
    chosen = sorted(disputed)
    accuracies = 100 * np.delete(group.correct, chosen, axis=1).mean(axis=1)
    as_labelled = group.correct[:, chosen].sum(axis=0)
    return DisputedFigures(
        images=tuple(chosen),
        as_labelled=tuple(as_labelled.tolist()),
        accuracies=tuple(np.round(accuracies, 6).tolist()),
        accuracy=float(accuracies.mean()),
        interval=mean_interval(accuracies),
        read_as_labelled=float(as_labelled.sum()) / len(accuracies),
    )
