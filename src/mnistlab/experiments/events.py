"""What an experiment tells while it goes on; engines emit these and print nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from mnistlab.experiments.task import Task
from mnistlab.runs import EpochMetrics, RunRecord


@dataclass(frozen=True)
class ExperimentStarted:
    """These tasks are wanted; those of ``finished`` were trained before and are not trained again."""

    tasks: tuple[Task, ...]
    finished: int
    workers: str


@dataclass(frozen=True)
class TaskStarted:
    """A run begins, or goes on behind ``epochs_done`` whole epochs."""

    task: Task
    epochs_done: int


@dataclass(frozen=True)
class TaskProgress:
    """A run has finished an epoch."""

    task: Task
    metrics: EpochMetrics


@dataclass(frozen=True)
class TaskFinished:
    """A run is over, and its files are in its folder."""

    task: Task
    record: RunRecord


@dataclass(frozen=True)
class TaskStopped:
    """A run was asked to stop, and left a checkpoint."""

    task: Task


@dataclass(frozen=True)
class TaskDied:
    """The process or machine that trained a run is gone; the run will be gone on with from its checkpoint."""

    task: Task
    reason: str


@dataclass(frozen=True)
class TaskFailed:
    """A run cannot be finished; the others go on."""

    task: Task
    error: str


@dataclass(frozen=True)
class Looked:
    """A study that ends as soon as it is settled was looked at."""

    seeds: int
    verdict: str


Event = ExperimentStarted | TaskStarted | TaskProgress | TaskFinished | TaskStopped | TaskDied | TaskFailed | Looked
Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Listen to nothing."""


def never() -> bool:
    """Do not stop. Training has the same, but brings PyTorch with it."""
    return False
