"""Summary: the figures of all runs of one recipe."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from mnistlab.recipe import TestedOn
from mnistlab.runs import unequal
from mnistlab.runs.confusion import recall
from mnistlab.statistics.calibration import expected_calibration_error
from mnistlab.statistics.interval import (
    Interval,
    interquartile_mean,
    outliers,
    share_interval,
    standard_deviation,
)
from mnistlab.statistics.metric import Metric
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


class MetricSummary(BaseModel):
    """One metric over the seeds of a recipe, in percent.

    Attributes:
        values: of each run, in the order of the seeds.
        mean: of them.
        interquartile_mean: mean of their middle half, which one odd run does not change.
        std: their standard deviation, with n - 1, in points; ``None`` for a single run.
        interval: 95 % interval of their mean over seeds, by Student's t distribution; ``None`` for
            fewer than three runs.
        median: of them.
        lowest: of them.
        highest: of them.
    """

    model_config = ConfigDict(frozen=True)

    values: tuple[float, ...]
    mean: float
    interquartile_mean: float
    std: float | None
    interval: Interval | None
    median: float
    lowest: float
    highest: float


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
        odd_seeds: seeds of runs whose accuracy, or the metric that they are judged by, is far from
            that of all others, see :func:`odd_runs`.
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
        metric: by which the recipe is judged.
        macro_f1: mean of the classes' F1; ``None`` where accuracy says enough: it is the metric,
            and classes are about equal in size, see :func:`mnistlab.runs.unequal`.
        balanced_accuracy: mean of the classes' recalls; ``None`` likewise.
        spread: variance that chance alone gives the metric of a run, in images, see
            :func:`chance_variance`; ``None`` where it is accuracy.
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
    stops_early: bool = False
    metric: Metric = "accuracy"
    macro_f1: MetricSummary | None = None
    balanced_accuracy: MetricSummary | None = None
    spread: float | None = None

    @model_serializer(mode="wrap")
    def _leave_out_nothing(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What earlier versions wrote stays what a later one works out.
        content: dict[str, Any] = serialise(self)
        defaults = {
            name: field.default
            for name, field in type(self).model_fields.items()
            if name in ("stops_early", "metric", "macro_f1", "balanced_accuracy", "spread")
        }
        return {
            name: value
            for name, value in content.items()
            if name not in defaults or value != defaults[name]
        }

    def by(self, metric: Metric) -> MetricSummary:
        """Return the figures of a metric.

        Raises:
            KeyError: they were not worked out.
        """
        if metric != "accuracy":
            found = self.macro_f1 if metric == "macro_f1" else self.balanced_accuracy
            if found is None:
                raise KeyError(metric)
            return found
        return MetricSummary(
            values=self.accuracies,
            mean=self.accuracy,
            interquartile_mean=self.interquartile_mean,
            std=self.std,
            interval=self.interval,
            median=self.median,
            lowest=self.lowest,
            highest=self.highest,
        )

    @property
    def chance(self) -> float:
        """Variance that chance alone gives the metric of a run, in images."""
        if self.spread is not None:
            return self.spread
        return _binomial_variance(self.test_images - np.array(self.errors), self.test_images)

    @property
    def judged(self) -> MetricSummary:
        """The figures of the metric that the recipe is judged by."""
        return self.by(self.metric)


def summarise(
    group: RunGroup, disputed: Sequence[int] = (), *, every_metric: bool = False
) -> Summary:
    """Return every figure of a recipe's runs.

    Args:
        group: the runs.
        disputed: places of the test images whose labels are disputed, from 0.
        every_metric: work out macro F1 and balanced accuracy where accuracy says enough, too.
    """
    wanted = every_metric or group.metric != "accuracy" or unequal(group.predictions[0].test_labels)
    accuracies, predictions_of_runs, first = (
        100 * group.accuracies,
        group.predictions,
        group.records[0],
    )
    accuracy = summarise_metric(group, "accuracy")
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
        accuracies=accuracy.values,
        errors=tuple(record.final.test_errors for record in group.records),
        losses=tuple(group.losses.tolist()),
        training_seconds=tuple(np.round(seconds, 3).tolist()),
        accuracy=accuracy.mean,
        interquartile_mean=accuracy.interquartile_mean,
        std=accuracy.std,
        interval=accuracy.interval,
        median=accuracy.median,
        lowest=accuracy.lowest,
        highest=accuracy.highest,
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
        metric=group.metric,
        macro_f1=summarise_metric(group, "macro_f1") if wanted else None,
        balanced_accuracy=summarise_metric(group, "balanced_accuracy") if wanted else None,
        spread=None if group.metric == "accuracy" else chance_variance(group),
    )


def summarise_metric(group: RunGroup, metric: Metric) -> MetricSummary:
    """Return a metric over the runs of a recipe."""
    values = 100 * group.values_of(metric)
    return MetricSummary(
        values=tuple(np.round(values, 6).tolist()),
        mean=float(values.mean()),
        interquartile_mean=interquartile_mean(values),
        std=standard_deviation(values),
        interval=share_interval(values),
        median=float(np.median(values)),
        lowest=float(values.min()),
        highest=float(values.max()),
    )


def odd_runs(group: RunGroup) -> tuple[int, ...]:
    """Return the seeds of runs that collapsed or are otherwise far from all others.

    Far is more than six robust standard deviations from the median, see
    :func:`mnistlab.statistics.interval.outliers`, and more than four binomial ones. Among fewer
    than six runs none is called odd.
    """
    if len(group.seeds) < _FEWEST:
        return ()
    least = _LEAST * math.sqrt(chance_variance(group))
    by_accuracy = group.metric == "accuracy"
    far = outliers(
        group.right if by_accuracy else group.values * group.test_images, _ODD, max(least, 1.0)
    )
    return tuple(seed for seed, odd in zip(group.seeds, far, strict=True) if odd)


def chance_variance(group: RunGroup) -> float:
    """Return the variance that chance alone gives the metric of a run, in images.

    Of the number of correct images it is binomial. Of a mean over classes it is the sum of the
    binomial ones of the recalls, which are taken for those of F1 as well. Medians over runs stand
    for the true shares.
    """
    images = group.test_images
    if group.metric == "accuracy":
        return _binomial_variance(group.right, images)
    recalls = np.median([recall(matrix) for matrix in group.confusions], axis=0)
    sizes = np.array(group.predictions[0].test_labels)
    held = sizes > 0
    shares = recalls[held]
    variance = (shares * (1 - shares) / sizes[held]).sum() / held.sum() ** 2
    return float(images**2 * variance)


def _binomial_variance(right: NDArray[np.int64], images: int) -> float:
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
        interval=share_interval(accuracies),
        read_as_labelled=float(as_labelled.sum()) / len(accuracies),
    )
