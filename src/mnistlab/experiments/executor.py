"""Executor: what runs trials, here or elsewhere; all executors leave the same files."""

from collections.abc import Callable, Sequence
from typing import Protocol

from mnistlab.experiments.trial import Trial
from mnistlab.experiments.trial_events import Listener
from mnistlab.runs import RunOptions


class Executor(Protocol):
    """Trains trials and reports what happens.

    Attributes:
        description: for people, for example ``2 processes``.
    """

    description: str

    def run(
        self,
        trials: Sequence[Trial],
        options: RunOptions,
        on_event: Listener,
        should_stop: Callable[[], bool],
    ) -> None:
        """Train every trial, until ``should_stop`` returns true.

        Each ends with one of ``TrialFinished``, ``TrialFailed`` and ``TrialStopped``, unless it was
        never begun. Unfinished ones keep a checkpoint in their folders.
        """


class InProcessExecutor:
    """Trains one trial after another in this process."""

    description = "this process"

    def run(
        self,
        trials: Sequence[Trial],
        options: RunOptions,
        on_event: Listener,
        should_stop: Callable[[], bool],
    ) -> None:
        """See :class:`Executor`."""
        from mnistlab.experiments.worker import run_trial

        for trial in trials:
            if should_stop():
                return
            run_trial(trial, options, on_event, should_stop)
