"""Calibration: the temperature that makes a run's confidence true, and the images that tell it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.data import Dataset
from mnistlab.data.loading import take_for
from mnistlab.errors import RunError
from mnistlab.runs import RunRecord
from mnistlab.statistics.temperature import fit_temperature

_DECIMALS = 4


@dataclass(frozen=True)
class Calibration:
    """A temperature.

    Attributes:
        temperature: divides the logits.
        fitted_on: the images that it was fitted on, in words; ``None`` if on none, and then it is
            1.
    """

    temperature: float = 1.0
    fitted_on: str | None = None


def calibrate(
    record: RunRecord, logits: NDArray[np.float32], dataset: Dataset | None = None
) -> Calibration:
    """Fit a run's temperature on the training images that it held out, if it did.

    Images that were trained on would call the model surer than it is, and the test set is for
    testing.

    Args:
        record: the run's.
        logits: float32, ``(n, classes)``, those in its folder; of the held-out images, if there are
            any.
        dataset: the whole of which the run took its part; ``None`` takes the labels from what the
            record says was misclassified, and does not calibrate where it does not say that.

    Raises:
        RunError: the run was trained on other images.
        DataError: the logits are not those of the held-out images.
    """
    labels = _labels(record, logits) if dataset is None else _labels_of(dataset, record)
    if labels is None or record.recipe.tested_on == "test":
        return Calibration()
    temperature = round(fit_temperature(logits, labels), _DECIMALS)
    if (logits.argmax(axis=1) == labels).all():
        # The best temperature is then the lowest there is, which means nothing.
        return Calibration()
    name = record.data.name if dataset is None else dataset.name
    return Calibration(temperature, f"{len(labels):,} held-out training images of {name}")


def _labels(record: RunRecord, logits: NDArray[np.float32]) -> NDArray[np.int64] | None:
    """Return what follows from the record: the logits' own labels, but for the mistakes."""
    if record.predictions is None or len(logits) != record.data.test_images:
        return None
    labels: NDArray[np.int64] = logits.argmax(axis=1).astype(np.int64)
    for image, label, _ in record.predictions.mistakes:
        labels[image] = label
    return labels


def _labels_of(dataset: Dataset, record: RunRecord) -> NDArray[np.int64]:
    part = take_for(record.recipe, dataset)
    if part.fingerprint != record.data.fingerprint:
        raise RunError(
            f"{dataset.name}: other images than this run was trained on (fingerprint"
            f" {part.fingerprint}, not {record.data.fingerprint}); name those with `data=`"
        )
    return part.test.labels
