"""Evaluate: how well one model classifies labelled images, and where it fails."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.arguments import whole_number
from mnistlab.data import Dataset, read_views
from mnistlab.data.download import OnProgress
from mnistlab.errors import DataError
from mnistlab.evaluation.model import EvaluatedModel, Images, Part, describe_inputs, find_model
from mnistlab.report import evaluation_report as tables
from mnistlab.report.result import Plots, Result, Tables
from mnistlab.runs import RunFolder
from mnistlab.statistics import Evaluation
from mnistlab.statistics import evaluate as measure

if TYPE_CHECKING:
    from mnistlab.training import TrainedModel

_MOST_SHIFTS = 4


@dataclass(frozen=True)
class Views:
    """What averaging over shifted copies of each image changes.

    Attributes:
        pixels: by which copies are shifted at most.
        copies: of each image.
        accuracy: of the averages, 0 to 1.
        accuracy_once: of the images as they are, 0 to 1.
    """

    pixels: int
    copies: int
    accuracy: float
    accuracy_once: float


@dataclass(frozen=True, eq=False, repr=False)
class EvaluationResult(Result):
    """What :func:`mnistlab.evaluate` returns.

    In a notebook it shows its verdict and its figures. :meth:`table` takes ``figures``, ``classes``
    or ``coverage``; :meth:`plot` ``confusion``, ``calibration`` or, if an image is misclassified,
    ``worst``.

    Attributes:
        title: the model's.
        facts: the data's name, and how many images of what shape.
        evaluation: every figure.
        images: uint8, ``(n, channels, height, width)``, those that were read.
        inputs: what the model was given, if it is a run.
        notes: what has to be said of the data, and of what the model makes of them.
        views: what averaging over shifted copies changes; ``None`` if that was not asked for.
        command: the command that makes it again; empty if none made it.
    """

    title: str
    facts: tuple[str, ...]
    evaluation: Evaluation
    images: NDArray[np.uint8]
    inputs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    views: Views | None = None
    command: str = ""

    @property
    def verdict(self) -> str:
        """One plain sentence: the accuracy, and how certain it is."""
        return tables.headline(self.evaluation)

    @property
    def remarks(self) -> list[str]:
        """What else has to be said beside the verdict."""
        return list(tables.remarks(self.evaluation))

    def as_dict(self) -> dict[str, Any]:
        """Return every figure as JSON has it."""
        return self.evaluation.as_dict() | ({"views": vars(self.views)} if self.views else {})

    def _tables(self) -> Tables:
        return {
            "figures": partial(tables.figure_table, self.evaluation),
            "classes": partial(tables.class_table, self.evaluation),
            "coverage": partial(tables.coverage_table, self.evaluation),
        }

    def _plots(self) -> Plots:
        from mnistlab.report.evaluation_report import draw_plots, worst_errors

        plots = draw_plots(self.evaluation)
        if self.evaluation.worst:
            plots["worst"] = worst_errors(self.evaluation, self.images)
        return plots

    def _write(self, folder: Path) -> list[Path]:
        from mnistlab.report.evaluation_report import write_evaluation_report

        return write_evaluation_report(
            self.evaluation,
            folder,
            title=self.title,
            facts=self.facts,
            notes=[*self.inputs, *self.notes],
            images=self.images,
            command=self.command,
        )


def evaluate(
    model: "TrainedModel | RunFolder | Path | str",
    data: Dataset | Path | str | None = None,
    *,
    split: Part = "test",
    shifts: int = 0,
    skip_damaged: bool = False,
    on_download: OnProgress | None = None,
    command: str = "",
) -> EvaluationResult:
    """Let a model classify labelled images, and report how well it does.

    A run that held out images is still tested on the test set, which it never looked at.

    Args:
        model: a trained model, a finished run's folder, an ``.onnx`` file that ``mnistlab export``
            wrote, or a shipped model: ``lenet5``, ``custom_mlp``.
        data: a data set, or a known one's name, a folder or a file; ``None`` takes what the model
            was trained on.
        split: ``test`` or ``train``.
        shifts: 1 to 4 compares with averaging over copies shifted by up to this many pixels, too; 0
            does not. A recipe with ``shifts`` always compares.
        skip_damaged: leave damaged pictures out, and say so, rather than refuse all.
        on_download: called with a download's progress.
        command: what the report says made it.

    Raises:
        MnistlabError: no such model or data, or data that are not of the model's size and classes.
    """
    whole_number("shifts", shifts, 0, _MOST_SHIFTS, DataError)
    found = find_model(model, Images(data, split, on_download, skip_damaged))
    if shifts and found.shifts:
        name = model if isinstance(model, str | Path) else found.title
        raise DataError(
            f"{name} reads shifted copies as it is: its recipe has shifts = {found.shifts}"
        )
    temperature, logits = found.answers()
    evaluation = measure(logits, found.part.labels, found.classes, temperature)
    return EvaluationResult(
        found.title,
        tuple(found.facts),
        evaluation,
        found.part.images,
        *describe_inputs({found.title: [found]}),
        _compare_views(found, evaluation.accuracy, shifts or found.shifts),
        command,
    )


def _compare_views(found: EvaluatedModel, accuracy: float, pixels: int) -> Views | None:
    if not pixels:
        return None
    # The recipe's own shifts were part of reading; what is missing then is reading each image once.
    other = (
        found.read_once(found.part.images)
        if found.shifts
        else read_views(found.read, found.part.images, pixels)
    )
    right = float((other.argmax(axis=1) == found.part.labels).mean())
    averaged, once = (accuracy, right) if found.shifts else (right, accuracy)
    return Views(pixels, (2 * pixels + 1) ** 2, averaged, once)
