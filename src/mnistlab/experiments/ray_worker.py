"""What a node of a Ray cluster does with trials: it keeps nothing and sends everything back."""

import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistlab.data import Dataset
from mnistlab.errors import ExperimentError
from mnistlab.experiments.trial import Trial
from mnistlab.experiments.trial_events import (
    Event,
    TrialFailed,
    TrialFinished,
    TrialStarted,
    TrialStopped,
)
from mnistlab.runs import RunFolder, RunOptions, RunRecord


@dataclass(frozen=True)
class Wanted:
    """A trial, and the checkpoint to resume from if there is one."""

    trial: Trial
    checkpoint: bytes | None


@dataclass(frozen=True)
class TrialBatch:
    """What a node is asked to train.

    Attributes:
        version: the driver's, of mnistlab.
        wanted: the trials, to be trained one after another.
        options: theirs.
        slice_seconds: time between two slices.
        sources: the names of the data sets that come with it.
        folder: the driver's current one, from which models of the user's own are named.
    """

    version: str
    wanted: Sequence[Wanted]
    options: RunOptions
    slice_seconds: float
    sources: Sequence[str]
    folder: str


@dataclass(frozen=True)
class Slice:
    """What a trial has come to since the last slice: a checkpoint, or the finished run's files,
    with a checkpoint if more epochs can follow.
    """

    trial: Trial
    events: tuple[Event, ...]
    checkpoint: bytes = b""
    record: RunRecord | None = None
    weights: bytes = b""
    logits: NDArray[np.float32] | None = None


def train_slices(batch: TrialBatch, *datasets: Dataset) -> Iterator[Slice]:
    """Train trials one after another.

    Args:
        batch: what to train.
        datasets: in the order of ``batch.sources``.

    Raises:
        ExperimentError: this node has another version of mnistlab.
    """
    if batch.version != version("mnistlab"):
        raise ExperimentError(
            f"a node has mnistlab {version('mnistlab')}, the driver {batch.version}; install the"
            " same"
        )
    images = dict(zip(batch.sources, datasets, strict=True))
    for wanted in batch.wanted:
        with tempfile.TemporaryDirectory() as place:
            yield from _train(
                wanted, batch, images[wanted.trial.recipe.data_key], RunFolder(Path(place) / "run")
            )


def _train(
    wanted: Wanted, batch: TrialBatch, dataset: Dataset, folder: RunFolder
) -> Iterator[Slice]:
    from mnistlab.experiments.worker import run_trial

    trial, begun_elsewhere = wanted.trial, wanted.checkpoint is not None
    if wanted.checkpoint is not None:
        folder.path.mkdir(parents=True)
        folder.write_checkpoint(wanted.checkpoint)
    while True:
        events: list[Event] = []
        clock = _Clock(batch.slice_seconds, events)
        run_trial(
            trial, batch.options, clock.listen, clock.over, folder=folder.path, dataset=dataset
        )
        last = events.pop()
        if isinstance(last, TrialFailed) and begun_elsewhere:
            # Another processor's bits differ, so this node cannot resume the run.
            folder.clear()
            begun_elsewhere = False
            continue
        match last:
            case TrialStopped():
                yield Slice(trial, tuple(events), folder.read_checkpoint())
                begun_elsewhere = False
            case TrialFinished():
                files = (last.record, folder.read_model(), folder.read_logits())
                checkpoint = folder.read_checkpoint() if folder.has_checkpoint else b""
                yield Slice(trial, (*events, last), checkpoint, *files)
                return
            case _:
                yield Slice(trial, (*events, last))
                return


class _Clock:
    """Collects events, and says when a slice's time is over; it starts with training, after all
    preparation.
    """

    def __init__(self, seconds: float, events: list[Event]) -> None:
        self._seconds, self._events, self._deadline = seconds, events, math.inf

    def listen(self, event: Event) -> None:
        self._events.append(event)
        if isinstance(event, TrialStarted):
            self._deadline = time.monotonic() + self._seconds

    def over(self) -> bool:
        return time.monotonic() > self._deadline
