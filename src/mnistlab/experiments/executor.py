"""Executor: what runs trials, here or elsewhere; all executors leave the same files."""

from collections.abc import Callable, Sequence
from typing import Protocol

from mnistlab.experiments.trial import Trial
from mnistlab.experiments.trial_events import Listener
from mnistlab.runs import RunOptions


class Executor(Protocol):
    """Runs tasks and tells of them.

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
        """Train every task that can be trained, or as many as are done when ``should_stop`` says
        so.

        Each ends with one of ``TrialFinished``, ``TrialFailed`` and ``TrialStopped``, unless it was
        never begun. What is unfinished keeps its checkpoint in its folder.
        """


class InProcessExecutor:
    """Trains one task after another in this process."""

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
