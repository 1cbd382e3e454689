"""Calibration: the temperature that makes a run's confidence true, and the images that tell it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.data import Dataset
from mnistlab.data.loading import take_for
from mnistlab.errors import RunError
from mnistlab.runs import RunRecord
from mnistlab.statistics import fit_temperature

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


def calibrate(record: RunRecord, logits: NDArray[np.float32], dataset: Dataset) -> Calibration:
    """Fit a run's temperature on the training images that it held out, if it did.

    Images that were trained on would call the model surer than it is, and the test set is for
    testing.

    Args:
        record: the run's.
        logits: float32, ``(n, classes)``, those in its folder; of the held-out images, if there are
            any.
        dataset: the whole of which the run took its part.

    Raises:
        RunError: the run was trained on other images.
        DataError: the logits are not those of the held-out images.
    """
    recipe = record.recipe
    part = take_for(recipe, dataset)
    if part.fingerprint != record.data.fingerprint:
        raise RunError(
            f"{dataset.name}: other images than this run was trained on (fingerprint"
            f" {part.fingerprint}, not {record.data.fingerprint}); name those with `data=`"
        )
    if recipe.tested_on == "test":
        return Calibration()
    temperature = round(fit_temperature(logits, part.test.labels), _DECIMALS)
    if (logits.argmax(axis=1) == part.test.labels).all():
        # The best temperature is then the lowest there is, which means nothing.
        return Calibration()
    return Calibration(
        temperature, f"{len(part.test):,} held-out training images of {dataset.name}"
    )
