"""LocalExecutor: as many runs side by side as there are cores, each in a process of its own."""

import contextlib
import multiprocessing
import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import ModuleType

from mnistlab.errors import describe_exit
from mnistlab.experiments.trial import PRELOAD, Trial
from mnistlab.experiments.trial_events import (
    Listener,
    TrialFailed,
    TrialFinished,
    TrialStopped,
    WorkerLost,
)
from mnistlab.runs import RunOptions, available_cores

_WORKER = "mnistlab.experiments.worker"
_DEATHS = 3
"""Processes that may die over one task before it is given up."""
_TICK = 0.1
"""Seconds between two looks at whether to stop."""


@dataclass
class _Running:
    trial: Trial
    process: BaseProcess
    slot: int
    ended: bool = False


class LocalExecutor:
    """Trains on this machine.

    Every run has a process of its own: its memory ends with it, and when it dies (killed, out of
    memory) the others do not notice and it is begun again from its checkpoint. Where the platform
    can fork, the processes share PyTorch and the images with a parent that loaded them once.

    Args:
        workers: runs side by side; ``None`` is one a core this process may use.
        cuda: spread the runs over all CUDA devices; else each takes what the device setting
            chooses.
    """

    def __init__(self, workers: int | None = None, *, cuda: bool = False) -> None:
        self.workers = workers or available_cores()
        self._cuda = cuda
        self.description = f"{self.workers} process{'es' if self.workers > 1 else ''}"

    def run(
        self,
        trials: Sequence[Trial],
        options: RunOptions,
        on_event: Listener,
        should_stop: Callable[[], bool],
    ) -> None:
        """See :class:`mnistlab.experiments.executor.Executor`."""
        context = _context({trial.recipe.data for trial in trials})
        waiting, deaths = deque(trials), Counter[Trial]()
        running: dict[Connection, _Running] = {}
        stopping = False
        try:
            while running or (waiting and not stopping):
                while waiting and not stopping and len(running) < self.workers:
                    self._start(waiting.popleft(), options, context, running)
                for connection in wait(list(running), _TICK):
                    self._hear(connection, running, waiting, deaths, on_event)  # type: ignore[arg-type]
                if not stopping and should_stop():
                    stopping = True
                    for connection in running:
                        with contextlib.suppress(OSError):
                            connection.send(None)
        finally:
            for run in running.values():
                run.process.kill()
                run.process.join()

    def _start(
        self,
        trial: Trial,
        options: RunOptions,
        context: BaseContext,
        running: dict[Connection, _Running],
    ) -> None:
        slot = min(set(range(self.workers)) - {run.slot for run in running.values()})
        ours, theirs = context.Pipe()
        process = context.Process(  # type: ignore[attr-defined]
            target=_enter, args=(theirs, trial, options, slot if self._cuda else None), daemon=True
        )
        with _without_main():
            process.start()
        theirs.close()
        running[ours] = _Running(trial, process, slot)

    def _hear(
        self,
        connection: Connection,
        running: dict[Connection, _Running],
        waiting: deque[Trial],
        deaths: Counter[Trial],
        on_event: Listener,
    ) -> None:
        run = running[connection]
        try:
            event = connection.recv()
        except (EOFError, OSError):
            run.process.join()
            connection.close()
            del running[connection]
            if not run.ended:
                deaths[run.trial] += 1
                self._bury(run, deaths[run.trial], waiting, on_event)
            return
        run.ended = isinstance(event, TrialFinished | TrialFailed | TrialStopped)
        on_event(event)

    @staticmethod
    def _bury(run: _Running, deaths: int, waiting: deque[Trial], on_event: Listener) -> None:
        reason = f"its process {describe_exit(run.process.exitcode or 0)}"
        if deaths < _DEATHS:
            waiting.appendleft(run.trial)
            on_event(WorkerLost(run.trial, reason))
        else:
            on_event(TrialFailed(run.trial, f"{reason}, {deaths} times over"))


def _enter(connection: Connection, trial: Trial, options: RunOptions, slot: int | None) -> None:
    # Imported here alone: the driver needs no PyTorch.
    from mnistlab.experiments.worker import work

    work(connection, trial, options, slot)


def _context(sources: set[str]) -> BaseContext:
    """Return how processes are started, and have the data loaded where they are forked from."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_WORKER])
    # One thread each, lest the libraries start threads, which a fork would lose.
    settings = {
        PRELOAD: os.pathsep.join(sorted(sources)),
        # Modules that it loads are not to be found in the current folder.
        "PYTHONSAFEPATH": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return context


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    # Started processes would run the user's script again, guard or no guard; ours need nothing of
    # it.
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
