"""Engine: what runs tasks, here or elsewhere; all engines leave the same files."""

from collections.abc import Callable, Sequence
from typing import Protocol

from mnistlab.experiments.events import Listener
from mnistlab.experiments.task import Settings, Task


class Engine(Protocol):
    """Runs tasks and tells of them.

    Attributes:
        description: for people, for example ``2 processes``.
    """

    description: str

    def run(
        self, tasks: Sequence[Task], settings: Settings, on_event: Listener, should_stop: Callable[[], bool]
    ) -> None:
        """Train every task that can be trained, or as many as are done when ``should_stop`` says so.

        Each ends with one of ``TaskFinished``, ``TaskFailed`` and ``TaskStopped``, unless it was never begun. What is
        unfinished keeps its checkpoint in its folder.
        """


class InProcess:
    """Trains one task after another in this process."""

    description = "this process"

    def run(
        self, tasks: Sequence[Task], settings: Settings, on_event: Listener, should_stop: Callable[[], bool]
    ) -> None:
        """See :class:`Engine`."""
        from mnistlab.experiments.worker import run_task

        for task in tasks:
            if should_stop():
                return
            run_task(task, settings, on_event, should_stop)
