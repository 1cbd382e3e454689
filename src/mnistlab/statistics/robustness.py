"""Robustness: how many images models misread once these are corrupted, against how many before."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import DataError
from mnistlab.statistics.proportion import wilson_interval
from mnistlab.statistics.summary import CONFIDENCE, Interval

CLEAN = "none"
"""The corruption that leaves images as they are."""


@dataclass(frozen=True)
class Score:
    """How many images of one kind a model misreads.

    Attributes:
        errors: misread images.
        error: their share, 0 to 1.
        interval: its 95 % Wilson score interval (Wilson, 1927).
    """

    errors: int
    error: float
    interval: Interval


@dataclass(frozen=True, eq=False)
class Robustness:
    """How one model reads corrupted images.

    Attributes:
        model: what people call it.
        clean: of the images as they are.
        corrupted: by corruption, in their order.
        mean_error: mean of the corruptions' errors, 0 to 1.
        interval: its 95 % interval, by Student's t over the images, each with its share of the corruptions; ``None``
            for one image, or if all have the same share.
        relative: the mean error divided by the first model's; ``None`` if that is 0.
    """

    model: str
    clean: Score
    corrupted: dict[str, Score]
    mean_error: float
    interval: Interval | None
    relative: float | None

    @property
    def hardest(self) -> str:
        """The corruption with the most errors, the first one among equals."""
        return max(self.corrupted, key=lambda name: self.corrupted[name].errors)

    def as_dict(self) -> dict[str, Any]:
        """Return every figure as JSON has it, intervals as ``[low, high]``."""
        return {
            "model": self.model,
            "clean": _plain(self.clean),
            "corrupted": {name: _plain(score) for name, score in self.corrupted.items()},
            "mean_error": self.mean_error,
            "mean_interval": self.interval and [self.interval.low, self.interval.high],
            "relative_to_first": self.relative,
        }


def measure_robustness(misread: Mapping[str, Mapping[str, NDArray[np.bool_]]]) -> tuple[Robustness, ...]:
    """Work out how robust models are.

    Args:
        misread: by model, and then by corruption, :data:`CLEAN` first: bool, ``(n,)``, whether each image is misread.
            All models were shown the same.

    Raises:
        DataError: no model, no images, no corruption, or models that were shown different ones.
    """
    shown = {(*marks, *sorted({len(of_images) for of_images in marks.values()})) for marks in misread.values()}
    if len(shown) != 1:
        raise DataError("models are held against each other on the same corruptions of the same images")
    names = list(next(iter(misread.values())))
    sizes = {len(of_images) for of_images in next(iter(misread.values())).values()}
    if names[:1] != [CLEAN] or len(names) < 2 or len(sizes) != 1 or sizes == {0}:
        raise DataError(f"robustness is of images as they are ({CLEAN!r}) and corrupted, the same number of each")
    found: list[Robustness] = []
    for model, marks in misread.items():
        scores = {name: _score(of_images) for name, of_images in marks.items()}
        clean = scores.pop(CLEAN)
        shares = np.mean([marks[name] for name in scores], axis=0)
        mean, first = float(shares.mean()), found[0].mean_error if found else float(shares.mean())
        relative = mean / first if first else None
        found.append(Robustness(model, clean, scores, mean, _mean_interval(shares), relative))
    return tuple(found)


def _score(misread: NDArray[np.bool_]) -> Score:
    errors, images = int(misread.sum()), len(misread)
    return Score(errors, errors / images, wilson_interval(errors, images))


def _mean_interval(shares: NDArray[np.float64]) -> Interval | None:
    from scipy import stats

    if len(shares) < 2 or shares.min() == shares.max():
        return None
    mean, spread = float(shares.mean()), float(shares.std(ddof=1)) / math.sqrt(len(shares))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(shares) - 1)) * spread
    return Interval(low=max(0.0, mean - reach), high=min(1.0, mean + reach))


def _plain(score: Score) -> dict[str, Any]:
    return {"errors": score.errors, "error": score.error, "interval": [score.interval.low, score.interval.high]}
