"""Repetition: what one recipe comes to over its seeds, every figure that a claim about it needs."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from mnistlab.statistics.difference import t_interval
from mnistlab.statistics.sample import Sample
from mnistlab.statistics.summary import FEWEST, Interval, deviation


class DisputedFigures(BaseModel):
    """How runs read the test images whose labels are disputed, and what they come to without them.

    Attributes:
        images: places of the disputed ones in the test set, from 0.
        as_labelled: of each of them, how many runs read it as its label says.
        accuracies: of each run on all other images, percent.
        accuracy: their mean, percent.
        interval: 95 % interval of that mean, as :attr:`RepetitionFigures.interval`, percent.
        read_as_labelled: how many of the disputed images a run reads as labelled, mean over runs.
    """

    model_config = ConfigDict(frozen=True)

    images: tuple[int, ...]
    as_labelled: tuple[int, ...]
    accuracies: tuple[float, ...]
    accuracy: float
    interval: Interval | None
    read_as_labelled: float


class RepetitionFigures(BaseModel):
    """One recipe over its seeds. All figures are of the final epoch; what is one a run is in the order of the seeds.

    Attributes:
        label: the recipe's name.
        tested_on: ``test``, or ``validation`` if the runs were tested on held-out training images.
        test_images: how many that are.
        parameters: trainable ones.
        epochs: of each run.
        seeds: ascending.
        accuracies: of each run, percent.
        errors: images that each run misreads.
        losses: mean negative log-likelihood of each run, nats.
        seconds: training time of each run, tests between epochs not counted.
        accuracy: mean of the accuracies, percent.
        deviation: their standard deviation, with n - 1; ``None`` for a single run.
        interval: 95 % interval of their mean over seeds, by Student's t distribution; ``None`` for fewer runs
            than :data:`mnistlab.statistics.summary.FEWEST`.
        median: of the accuracies, percent.
        lowest: of them, percent.
        highest: of them, percent.
        loss: mean of the losses, nats.
        typical_seconds: median of the training times.
        disputed: ``None`` where no labels are known to be disputed.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    tested_on: Literal["test", "validation"]
    test_images: int
    parameters: int
    epochs: int
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    errors: tuple[int, ...]
    losses: tuple[float, ...]
    seconds: tuple[float, ...]
    accuracy: float
    deviation: float | None
    interval: Interval | None
    median: float
    lowest: float
    highest: float
    loss: float
    typical_seconds: float
    disputed: DisputedFigures | None = None


def describe_repetition(sample: Sample, disputed: Sequence[int] = ()) -> RepetitionFigures:
    """Work out every figure of a recipe's runs.

    Args:
        sample: the runs.
        disputed: places of the test images whose labels are disputed, from 0; none leaves them out of account.
    """
    accuracies, first = 100 * sample.accuracies, sample.records[0]
    seconds = [sum(epoch.train_seconds for epoch in record.history) for record in sample.records]
    return RepetitionFigures(
        label=sample.label,
        tested_on="validation" if sample.recipe.validation else "test",
        test_images=first.data.test_images,
        parameters=first.parameters,
        epochs=len(first.history),
        seeds=sample.seeds,
        accuracies=tuple(np.round(accuracies, 6).tolist()),
        errors=tuple(record.final.test_errors for record in sample.records),
        losses=tuple(sample.losses.tolist()),
        seconds=tuple(np.round(seconds, 3).tolist()),
        accuracy=float(accuracies.mean()),
        deviation=deviation(accuracies) if len(accuracies) > 1 else None,
        interval=_interval(accuracies),
        median=float(np.median(accuracies)),
        lowest=float(accuracies.min()),
        highest=float(accuracies.max()),
        loss=float(sample.losses.mean()),
        typical_seconds=float(np.median(seconds)),
        disputed=_without(sample, disputed) if disputed else None,
    )


def _without(sample: Sample, disputed: Sequence[int]) -> DisputedFigures:
    chosen = sorted(disputed)
    accuracies = 100 * np.delete(sample.correct, chosen, axis=1).mean(axis=1)
    as_labelled = sample.correct[:, chosen].sum(axis=0)
    return DisputedFigures(
        images=tuple(chosen),
        as_labelled=tuple(as_labelled.tolist()),
        accuracies=tuple(np.round(accuracies, 6).tolist()),
        accuracy=float(accuracies.mean()),
        interval=_interval(accuracies),
        read_as_labelled=float(as_labelled.sum()) / len(accuracies),
    )


def _interval(accuracies: NDArray[np.float64]) -> Interval | None:
    return t_interval(accuracies) if len(accuracies) >= FEWEST else None
