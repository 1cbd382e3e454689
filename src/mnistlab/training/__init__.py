"""Training: from a recipe to a trained model, reported by events and resumable at every batch."""

from mnistlab.training.events import (
    BatchDone,
    EpochDone,
    Event,
    Listener,
    RunFinished,
    RunStarted,
    RunStopped,
)
from mnistlab.training.run import check_run, train
from mnistlab.training.trained import TrainedModel, load, load_trained

__all__ = [
    "BatchDone",
    "EpochDone",
    "Event",
    "Listener",
    "RunFinished",
    "RunStarted",
    "RunStopped",
    "TrainedModel",
    "check_run",
    "load",
    "load_trained",
    "train",
]
