"""Listeners that log runs: one for a run of ``train``, one for the runs of an experiment."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from mnistlab.cli.run_log import RunLog, RunLogger
from mnistlab.experiments import trial_events as trials
from mnistlab.training import events

Heard = TypeVar("Heard")


def both(
    first: Callable[[Heard], None], second: Callable[[Heard], None]
) -> Callable[[Heard], None]:
    """Return a listener that tells two others, in this order."""

    def tell(event: Heard) -> None:
        first(event)
        second(event)

    return tell


class TrainingLog(contextlib.AbstractContextManager["TrainingLog"]):
    """Listens to one run of :func:`mnistlab.train`; its ``with`` block closes the logs."""

    def __init__(self, loggers: Sequence[RunLogger]) -> None:
        self._run = RunLog(loggers)

    def __call__(self, event: events.Event) -> None:
        """Log what happened."""
        match event:
            case events.RunStarted():
                self._run.start(event.recipe, event.seed, event.epochs_done)
            case events.EpochDone():
                self._run.log(event.metrics)
            case events.RunFinished():
                self._run.finish(event.record)

    def __exit__(self, *error: object) -> None:
        self._run.close()


class ExperimentLog(contextlib.AbstractContextManager["ExperimentLog"]):
    """Listens to an experiment, wherever its runs are trained, and logs each; its ``with`` block
    closes the logs.
    """

    def __init__(self, kinds: Sequence[type[RunLogger]]) -> None:
        self._kinds = kinds
        self._runs: dict[Path, RunLog] = {}

    def __call__(self, event: trials.Event) -> None:
        """Log what happened."""
        match event:
            case trials.ExperimentStarted():
                for finished in event.reused:
                    self(finished)
            case trials.TrialStarted():
                trial = event.trial
                self._of(trial.folder).start(trial.recipe, trial.seed, event.epochs_done)
            case trials.TrialProgress():
                self._of(event.trial.folder).log(event.metrics)
            case trials.TrialFinished():
                self._of(event.trial.folder).finish(event.record)
                self._runs.pop(event.trial.folder)
            case trials.TrialFailed() | trials.WorkerLost() | trials.TrialStopped():
                failed = isinstance(event, trials.TrialFailed)
                self._of(event.trial.folder).close(failed=failed)
                self._runs.pop(event.trial.folder)

    def __exit__(self, *error: object) -> None:
        for run in self._runs.values():
            run.close()

    def _of(self, folder: Path) -> RunLog:
        if folder not in self._runs:
            self._runs[folder] = RunLog(kind(folder) for kind in self._kinds)
        return self._runs[folder]
