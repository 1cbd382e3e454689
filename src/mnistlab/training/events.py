"""Events that a training run emits; the training loop itself prints nothing and writes no files."""

from collections.abc import Callable
from dataclasses import dataclass

from mnistlab.recipe import Recipe
from mnistlab.runs import EpochMetrics, RunRecord


@dataclass(frozen=True)
class RunStarted:
    """A run starts, or is resumed after ``epochs_done`` whole epochs.

    Attributes:
        recipe: what is trained.
        seed: the run's.
        parameters: number of trainable parameters.
        device: name of the device.
        threads: CPU threads in use.
        kernels: the build of the native kernels, or ``torch``.
        reason: why it is PyTorch; empty for the native kernels.
        train_images: number of them.
        test_images: number of them.
        epochs_done: 0 for a new run.
        batches: per epoch.
        notes: what was chosen or lost in fitting the images to the model, and what fitted of
            initial weights.
        frozen: number of parameters that are not trained, since the recipe freezes them.
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
    notes: tuple[str, ...] = ()
    frozen: int = 0


@dataclass(frozen=True)
class BatchDone:
    """``batch`` of ``batches`` are done in ``epoch``; both count from 1."""

    epoch: int
    batch: int
    batches: int


@dataclass(frozen=True)
class EpochDone:
    """An epoch of ``epochs`` has been trained and tested."""

    epochs: int
    metrics: EpochMetrics


@dataclass(frozen=True)
class RunStopped:
    """The run was stopped on request and can be resumed, ``batch`` batches into ``epoch``."""

    epoch: int
    batch: int
    batches: int


@dataclass(frozen=True)
class RunFinished:
    """The run is finished; ``reused`` if it was before, and only its record was read."""

    record: RunRecord
    reused: bool = False


Event = RunStarted | BatchDone | EpochDone | RunStopped | RunFinished
Listener = Callable[[Event], None]
