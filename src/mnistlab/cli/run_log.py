"""RunLog: a run's figures for an experiment tracker, written as the run's events come in."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from mnistlab.recipe import Recipe
    from mnistlab.runs import EpochMetrics, RunRecord


class RunLogger(ABC):
    """Writes one run where a tracker looks for it.

    Each file of ``loggers`` defines one of these as ``LOGGER``; its name is that of the option
    which turns it on, and of the extra that it needs.

    Args:
        folder: the run's.

    Raises:
        RunError: the tracker is not installed, or cannot take the folder.
    """

    name: ClassVar[str]
    help: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def open(self, recipe: "Recipe", seed: int, epochs_done: int) -> set[int]:
        """Begin the log of a new run, or go on with that of one which has done so many epochs.

        Returns:
            The epochs that it holds already.
        """

    @abstractmethod
    def log(self, metrics: "EpochMetrics") -> None:
        """Write one epoch's figures."""

    @abstractmethod
    def close(self, record: "RunRecord | None" = None, *, failed: bool = False) -> None:
        """End the log, with what the finished run measured; without a record it may go on later."""


class RunLog:
    """The logs of one run, in which no epoch is missing or there twice, however it was interrupted.

    An epoch that an earlier process trained and did not log is logged when the run is finished.
    """

    def __init__(self, loggers: Iterable[RunLogger]) -> None:
        self._loggers = tuple(loggers)
        self._logged: list[set[int]] = []

    def start(self, recipe: "Recipe", seed: int, epochs_done: int) -> None:
        """Open the logs; if they are open and the run goes on, nothing."""
        if self._logged and epochs_done:
            return
        self.close()
        self._logged = [logger.open(recipe, seed, epochs_done) for logger in self._loggers]

    def log(self, metrics: "EpochMetrics") -> None:
        """Log an epoch where it is not logged yet."""
        for logger, logged in zip(self._loggers, self._logged, strict=True):
            if metrics.epoch not in logged:
                logger.log(metrics)
                logged.add(metrics.epoch)

    def finish(self, record: "RunRecord") -> None:
        """Log what is missing, and end the logs."""
        self.start(record.recipe, record.seed, len(record.history))
        for metrics in record.history:
            self.log(metrics)
        self.close(record)

    def close(self, record: "RunRecord | None" = None, *, failed: bool = False) -> None:
        """Close the logs that are open."""
        if self._logged:
            for logger in self._loggers:
                logger.close(record, failed=failed)
        self._logged = []
