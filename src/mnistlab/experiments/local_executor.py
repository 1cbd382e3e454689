"""LocalExecutor: as many runs side by side as there are cores, each in a process of its own."""

import multiprocessing
import os
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext

from mnistlab.arguments import thread_count
from mnistlab.experiments.trial import PRELOAD, Trial
from mnistlab.experiments.trial_events import (
    Event,
    Listener,
    TrialFailed,
    TrialFinished,
    TrialStopped,
    WorkerLost,
)
from mnistlab.runs import RunOptions, available_cores
from mnistlab.workers import Ended, Workers

_WORKER = "mnistlab.experiments.worker"
_DEATHS = 3
"""Processes that may die over one trial before it is given up."""
_TICK = 0.1
"""Seconds between two looks at whether to stop."""
_LAST = (TrialFinished, TrialFailed, TrialStopped)
"""Events after which a worker has nothing more to do."""


@dataclass
class _Run:
    trial: Trial
    slot: int
    ended: bool = False


class LocalExecutor:
    """Trains on this machine.

    Every run has a process of its own: its memory is freed when it ends, and when it dies (killed,
    out of memory) the other runs continue and it is resumed from its checkpoint. Where the platform
    can fork, the processes share PyTorch and the images with a parent that loaded them once.

    Args:
        workers: runs side by side; ``None`` is one per core that this process may use.
        cuda: spread the runs over all CUDA devices; else each takes what the device setting
            chooses.
    """

    def __init__(self, workers: int | None = None, *, cuda: bool = False) -> None:
        self.workers = thread_count("workers", workers) or available_cores()
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
        waiting, deaths, stopping = deque(trials), Counter[Trial](), False
        with Workers[_Run](_context({trial.recipe.data_key for trial in trials})) as workers:
            while workers or (waiting and not stopping):
                while waiting and not stopping and len(workers) < self.workers:
                    trial = waiting.popleft()
                    slot = min(set(range(self.workers)) - {worker.job.slot for worker in workers})
                    gpu_slot = slot if self._cuda else None
                    workers.start(_train, trial, options, gpu_slot, job=_Run(trial, slot))
                for worker, message in workers.receive(_TICK):
                    if not isinstance(message, Ended):
                        worker.job.ended = isinstance(message, _LAST)
                        on_event(message)
                    elif not worker.job.ended:
                        trial = worker.job.trial
                        deaths[trial] += 1
                        lost = _lost(trial, message, deaths[trial])
                        if isinstance(lost, WorkerLost):
                            waiting.appendleft(trial)
                        on_event(lost)
                if not stopping and should_stop():
                    stopping = True
                    for worker in workers:
                        worker.send(None)


def _lost(trial: Trial, ended: Ended, deaths: int) -> Event:
    reason = f"its process {ended.how}"
    if deaths < _DEATHS:
        return WorkerLost(trial, reason)
    return TrialFailed(trial, f"{reason}, {deaths} times over")


def _train(connection: Connection, trial: Trial, options: RunOptions, slot: int | None) -> None:
    # Imported here, because the process that started this one needs no PyTorch.
    from mnistlab.experiments.worker import work

    work(connection, trial, options, slot)


def _context(data_keys: set[str]) -> BaseContext:
    """Return how processes are started; where they are forked, the parent loads the data first."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_WORKER])
    # One thread each, so that no library starts threads, which a fork would lose.
    settings = {
        PRELOAD: "\n".join(sorted(data_keys)),
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
