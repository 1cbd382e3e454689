"""RunGroup: the runs of one recipe over several seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import RunError
from mnistlab.recipe import Recipe, TestedOn
from mnistlab.runs import Predictions, RunRecord, confusion_matrix, have_one_model
from mnistlab.runs.confusion import balanced_accuracy, macro_f1
from mnistlab.statistics.metric import Metric

_DECIMALS = 12
"""Of means over classes, so that equal ones are equal whatever the order of their sums."""


@dataclass(frozen=True, eq=False)
class RunGroup:
    """Finished runs of one recipe on the same images, one per seed, ascending; made by
    :meth:`of`.

    Attributes:
        label: the recipe's name in tables and plots.
        records: the runs'.
        metric: by which they are judged.
    """

    label: str
    records: tuple[RunRecord, ...]
    metric: Metric = "accuracy"

    @classmethod
    def of(
        cls, label: str, records: Iterable[RunRecord], metric: Metric = "accuracy"
    ) -> "RunGroup":
        """Check that the runs belong together, and group them.

        Raises:
            RunError: no runs, runs of different recipes, images, initial weights, models, losses or
                optimisers, a seed twice, or a record without an outcome.
        """
        chosen = tuple(sorted(records, key=lambda record: record.seed))
        if not chosen:
            raise RunError(f"{label}: no finished runs")
        _refuse_mixed(label, chosen)
        seeds = [record.seed for record in chosen]
        for seed, following in pairwise(seeds):
            if seed == following:
                raise RunError(f"{label}: seed {seed} is there twice")
        for record in chosen:
            if record.predictions is None:
                raise RunError(
                    f"{label}: the record of seed {record.seed} lacks the outcome by image; train"
                    " it again"
                )
        return cls(label, chosen, metric)

    @property
    def recipe(self) -> Recipe:
        """The first run's recipe; its name may be another than the label."""
        return self.records[0].recipe

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """Ascending."""
        return tuple(record.seed for record in self.records)

    @property
    def predictions(self) -> tuple[Predictions, ...]:
        """How each run's final weights read each image."""
        return tuple(record.predictions for record in self.records if record.predictions)

    @property
    def tested_on(self) -> TestedOn:
        """``validation`` if the runs were tested on held-out training images."""
        return self.recipe.tested_on

    @property
    def folds(self) -> int:
        """Of a cross-validation, each of whose seeds is one pooled record; 0 for other runs."""
        return 0 if self.recipe.fold else self.recipe.folds

    @property
    def test_images(self) -> int:
        """How many images the runs were tested on."""
        return self.records[0].data.test_images

    @cached_property
    def right(self) -> NDArray[np.int64]:
        """How many of them each run classifies correctly, ``(runs,)``."""
        return self.test_images - np.array([record.final.test_errors for record in self.records])

    @cached_property
    def accuracies(self) -> NDArray[np.float64]:
        """Final test accuracies, 0 to 1, ``(runs,)``."""
        return np.array([record.final.test_accuracy for record in self.records])

    @cached_property
    def confusions(self) -> NDArray[np.int64]:
        """Each run's confusion matrix, true classes in rows, ``(runs, classes, classes)``."""
        return np.array([confusion_matrix(predictions) for predictions in self.predictions])

    def values_of(self, metric: Metric) -> NDArray[np.float64]:
        """Return a metric of each run's final weights, 0 to 1, ``(runs,)``."""
        if metric == "accuracy":
            return self.accuracies
        mean = macro_f1 if metric == "macro_f1" else balanced_accuracy
        return np.round([mean(matrix) for matrix in self.confusions], _DECIMALS)

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The metric that the runs are judged by, 0 to 1, ``(runs,)``."""
        return self.values_of(self.metric)

    @cached_property
    def losses(self) -> NDArray[np.float64]:
        """Final test losses, nats, ``(runs,)``."""
        return np.array([record.final.test_loss for record in self.records])

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Which test images each run classifies correctly, ``(runs, images)``."""
        right = np.ones((len(self.records), self.test_images), bool)
        for row, predictions in zip(right, self.predictions, strict=True):
            row[[image for image, _, _ in predictions.mistakes]] = False
        return right

    def on(self, seeds: Iterable[int]) -> "RunGroup":
        """Return the runs with these seeds alone."""
        wanted = set(seeds)
        return replace(
            self, records=tuple(record for record in self.records if record.seed in wanted)
        )


def _refuse_mixed(label: str, chosen: Sequence[RunRecord]) -> None:
    """Refuse runs of which some were made otherwise than the others."""
    if len({record.recipe.digest for record in chosen}) > 1:
        raise RunError(f"{label}: runs of different recipes under one name; name them apart")
    if len({record.data.fingerprint for record in chosen}) > 1:
        raise RunError(f"{label}: runs on different images; train again those on the older ones")
    if len({record.init_digest for record in chosen}) > 1:
        raise RunError(
            f"{label}: runs that started from different weights; train again those from the"
            " older ones"
        )
    if not have_one_model(chosen):
        raise RunError(
            f"{label}: runs of a model whose code has changed in between; train again those of"
            " the older one"
        )
    if any(record.code != chosen[0].code for record in chosen):
        raise RunError(
            f"{label}: runs whose loss or optimiser has changed in between; train again those"
            " with the older one"
        )
