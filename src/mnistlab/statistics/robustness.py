"""Robustness: how many images models misclassify after corruption, and how many before."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import DataError
from mnistlab.statistics.interval import (
    CONFIDENCE,
    FEWEST,
    Interval,
    share_interval,
    wilson_interval,
)

CLEAN = "none"
"""The corruption that leaves images as they are."""


@dataclass(frozen=True)
class Score:
    """How many images of one kind a model misclassifies, or the runs of a recipe on average.

    Attributes:
        errors: misclassified images.
        error: their share, 0 to 1.
        interval: its 95 % interval. Of one model, over images: Wilson's score interval (1927). Of
            several runs, over seeds: Student's t, ``None`` for fewer runs than
            :data:`mnistlab.statistics.interval.FEWEST` or equal ones.
    """

    errors: float
    error: float
    interval: Interval | None


@dataclass(frozen=True, eq=False)
class Robustness:
    """How one model reads corrupted images, or the runs of one recipe on average.

    Attributes:
        model: what people call it.
        runs: 1 for one model.
        clean: of the images as they are.
        corrupted: by corruption, in their order.
        mean_error: mean of the corruptions' errors, 0 to 1.
        interval: its 95 % interval, by Student's t. Of one model, over the images, each with its
            share of the corruptions; of several runs, over seeds, each with its mean error.
            ``None`` for one image, for fewer runs than :data:`mnistlab.statistics.interval.FEWEST`,
            or if all have the same share.
        relative: the mean error divided by the first model's; ``None`` if that is 0.
        relative_interval: 95 % interval of that ratio over the seeds of both, of the logarithm of
            the ratio (Hedges, Gurevitch and Curtis, 1999) with Welch's (1947) degrees of freedom;
            ``None`` for the first model, and unless both are several runs.
    """

    model: str
    runs: int
    clean: Score
    corrupted: dict[str, Score]
    mean_error: float
    interval: Interval | None
    relative: float | None
    relative_interval: Interval | None

    @property
    def hardest(self) -> str:
        """The corruption with the most errors, the first one among equals."""
        return max(self.corrupted, key=lambda name: self.corrupted[name].errors)

    def as_dict(self) -> dict[str, Any]:
        """Return every figure as JSON has it, intervals as ``[low, high]``."""
        return {
            "model": self.model,
            "runs": self.runs,
            "clean": _plain(self.clean),
            "corrupted": {name: _plain(score) for name, score in self.corrupted.items()},
            "mean_error": self.mean_error,
            "mean_interval": self.interval and self.interval.ends(),
            "relative_to_first": self.relative,
            "relative_interval": self.relative_interval and self.relative_interval.ends(),
        }

    @classmethod
    def from_dict(cls, figures: Mapping[str, Any]) -> "Robustness":
        """Return what :meth:`as_dict` was made of.

        Raises:
            KeyError, TypeError, ValueError: something is missing, or of another type.
        """
        return cls(
            model=str(figures["model"]),
            runs=int(figures["runs"]),
            clean=_read_score(figures["clean"]),
            corrupted={
                str(name): _read_score(score) for name, score in figures["corrupted"].items()
            },
            mean_error=float(figures["mean_error"]),
            interval=_read_interval(figures["mean_interval"]),
            relative=figures["relative_to_first"] and float(figures["relative_to_first"]),
            relative_interval=_read_interval(figures["relative_interval"]),
        )


def measure_robustness(
    misclassified: Mapping[str, Mapping[str, NDArray[np.bool_]]],
) -> tuple[Robustness, ...]:
    """Work out how robust models are, or recipes over several seeds.

    Args:
        misclassified: by model, and then by corruption, :data:`CLEAN` first: bool, ``(n,)``,
            whether each image is misclassified; of a recipe's runs ``(runs, n)``. All were shown
            the same.

    Raises:
        DataError: no model, no images, no corruption, or models that were shown different ones.
    """
    shown = {
        (*marks, *sorted({mark.shape[-1] for mark in marks.values()}))
        for marks in misclassified.values()
    }
    if len(shown) != 1:
        raise DataError("models are compared on the same corruptions of the same images")
    names = list(next(iter(misclassified.values())))
    sizes = {mark.shape[-1] for mark in next(iter(misclassified.values())).values()}
    if names[:1] != [CLEAN] or len(names) < 2 or len(sizes) != 1 or sizes == {0}:
        raise DataError(
            f"robustness is of images as they are ({CLEAN!r}) and corrupted, the same number of"
            " each"
        )
    # (runs, images) and (runs,): each image's share of the corruptions, and each run's mean error.
    shares = {model: _shares(marks) for model, marks in misclassified.items()}
    means = {model: found.mean(axis=1) for model, found in shares.items()}
    first = next(iter(misclassified))
    return tuple(
        Robustness(
            model=model,
            runs=len(means[model]),
            clean=_score(marks[CLEAN]),
            corrupted={name: _score(mark) for name, mark in marks.items() if name != CLEAN},
            mean_error=float(means[model].mean()),
            interval=_interval(means[model] if len(means[model]) > 1 else shares[model][0]),
            relative=(
                float(means[model].mean() / means[first].mean()) if means[first].any() else None
            ),
            relative_interval=(
                None if model == first else _ratio_interval(means[model], means[first])
            ),
        )
        for model, marks in misclassified.items()
    )


def _shares(marks: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.float64]:
    corrupted = [np.atleast_2d(mark) for name, mark in marks.items() if name != CLEAN]
    shares: NDArray[np.float64] = np.mean(corrupted, axis=0, dtype=np.float64)
    return shares


def _score(misclassified: NDArray[np.bool_]) -> Score:
    runs = np.atleast_2d(misclassified)
    errors, images = runs.sum(axis=1), runs.shape[1]
    if len(runs) == 1:
        return Score(
            int(errors[0]), int(errors[0]) / images, wilson_interval(int(errors[0]), images)
        )
    return Score(float(errors.mean()), float(errors.mean()) / images, _interval(errors / images))


def _interval(shares: NDArray[np.float64]) -> Interval | None:
    """Return the interval of the mean of shares, 0 to 1, ``(n,)``; ``None`` for too few, or equal
    ones.
    """
    if len(shares) < FEWEST or shares.min() == shares.max():
        return None
    return share_interval(shares, 1.0)


def _ratio_interval(own: NDArray[np.float64], first: NDArray[np.float64]) -> Interval | None:
    from scipy.stats import t

    if min(len(own), len(first)) < FEWEST or not own.mean() or not first.mean():
        return None
    # Variances of the logarithms of both means.
    variances = [
        float(shares.var(ddof=1)) / len(shares) / float(shares.mean()) ** 2
        for shares in (own, first)
    ]
    if not sum(variances):
        return None
    spread = sum(
        v**2 / (len(shares) - 1) for v, shares in zip(variances, (own, first), strict=True)
    )
    reach = float(t.ppf((1 + CONFIDENCE) / 2, sum(variances) ** 2 / spread)) * math.sqrt(
        sum(variances)
    )
    ratio = float(own.mean() / first.mean())
    return Interval(low=ratio * math.exp(-reach), high=ratio * math.exp(reach))


def _read_score(score: Mapping[str, Any]) -> Score:
    errors = score["errors"]
    return Score(
        errors if isinstance(errors, int) else float(errors),
        float(score["error"]),
        _read_interval(score["interval"]),
    )


def _read_interval(ends: Sequence[float] | None) -> Interval | None:
    if ends is None:
        return None
    low, high = ends
    return Interval(low=low, high=high)


def _plain(score: Score) -> dict[str, Any]:
    return {
        "errors": score.errors,
        "error": score.error,
        "interval": score.interval and score.interval.ends(),
    }
