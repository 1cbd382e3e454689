"""What happens during an experiment; executors emit these events and print nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from mnistlab.experiments.trial import Trial
from mnistlab.runs import EpochMetrics, RunRecord


@dataclass(frozen=True)
class ExperimentStarted:
    """``trials`` are to be trained; ``finished`` others were trained before and are used as is.

    Attributes:
        workers: what trains the runs.
        notes: what has to be said of the data, and of how finished runs fitted them to the model.
        reused: the runs that were trained before.
    """

    trials: tuple[Trial, ...]
    finished: int
    workers: str
    notes: tuple[str, ...] = ()
    reused: "tuple[TrialFinished, ...]" = ()


@dataclass(frozen=True)
class TrialStarted:
    """A run begins, or is resumed after ``epochs_done`` whole epochs.

    Attributes:
        notes: what was chosen or lost in fitting the images to the model.
    """

    trial: Trial
    epochs_done: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrialWaiting:
    """Another process is training the run; it is waited for."""

    trial: Trial


@dataclass(frozen=True)
class TrialProgress:
    """A run has finished an epoch."""

    trial: Trial
    metrics: EpochMetrics


@dataclass(frozen=True)
class TrialFinished:
    """A run is finished, and its files are in its folder."""

    trial: Trial
    record: RunRecord


@dataclass(frozen=True)
class TrialStopped:
    """A run was asked to stop, and left a checkpoint."""

    trial: Trial


@dataclass(frozen=True)
class WorkerLost:
    """The process or machine that trained a run died; the run is resumed from its checkpoint."""

    trial: Trial
    reason: str


@dataclass(frozen=True)
class TrialFailed:
    """A run cannot be finished; the others continue."""

    trial: Trial
    error: str


@dataclass(frozen=True)
class Looked:
    """A comparison that ends as soon as it is settled had one of its looks."""

    seeds: int
    verdict: str


Event = (
    ExperimentStarted
    | TrialStarted
    | TrialWaiting
    | TrialProgress
    | TrialFinished
    | TrialStopped
    | WorkerLost
    | TrialFailed
    | Looked
)
Listener = Callable[[Event], None]
