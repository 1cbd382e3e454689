"""What a training run tells while it goes on; loops emit these and print nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from mnistlab.recipe import Recipe
from mnistlab.runs import EpochMetrics, RunRecord


@dataclass(frozen=True)
class RunStarted:
    """A run begins, or goes on behind ``epochs_done`` whole epochs.

    ``kernels`` is the build of the fast layers that trains, or ``torch``, and then ``reason`` says
    why.
    """

    recipe: Recipe
    seed: int
    parameters: int
    device: str
    threads: int
    kernels: str
    reason: str
    train_images: int
    test_images: int
    epochs_done: int
    batches: int


@dataclass(frozen=True)
class BatchDone:
    """``batch`` of ``batches`` of this epoch (from 1) are done."""

    epoch: int
    batch: int
    batches: int


@dataclass(frozen=True)
class EpochDone:
    """An epoch is over, and tested."""

    epochs: int
    metrics: EpochMetrics


@dataclass(frozen=True)
class RunStopped:
    """The run was asked to stop, and is kept as it is, ``batch`` batches into this epoch (from
    1).
    """

    epoch: int
    batch: int
    batches: int


@dataclass(frozen=True)
class RunFinished:
    """The run is over; ``reused`` if it had been finished before and its record was only read."""

    record: RunRecord
    reused: bool = False


Event = RunStarted | BatchDone | EpochDone | RunStopped | RunFinished
Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Listen to nothing."""


def never() -> bool:
    """Do not stop."""
    return False
