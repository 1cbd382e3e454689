"""RayExecutor: runs spread over the machines of a Ray cluster (Moritz et al., 2018)."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from mnistlab.data.loading import load_for
from mnistlab.errors import BusyError, ExperimentError, RunError
from mnistlab.experiments.ray_worker import Slice, TrialBatch, Wanted, train_slices
from mnistlab.experiments.trial import Trial
from mnistlab.experiments.trial_events import Listener, TrialFailed, TrialFinished, WorkerLost
from mnistlab.runs import RunFolder, RunOptions, RunRecord

_DEATHS = 5
"""Workers or nodes that may die while training one trial before it is given up."""
_TICK = 0.2
"""Seconds between two looks at whether to stop."""
_KNOCK = 10.0
"""Seconds to wait for an answer from a cluster's address."""
_IN_FLIGHT = 200
"""Ray tasks handed over at once: enough for a cluster to grow by."""


class RayExecutor:
    """Trains on a Ray cluster, or on this machine as a cluster of one.

    Nothing but mnistlab, in the same version, is needed on the nodes: images and checkpoints travel
    through Ray, and the driver keeps them. Each run's checkpoint comes back every few seconds, so
    that when a worker, a node or the driver dies, the run is resumed from there elsewhere.

    Args:
        address: ``auto`` or ``host:port``, of the cluster this machine is part of; ``None`` starts
            Ray here alone.
        runs_per_task: runs trained one after another in one Ray task.
        gpus: GPUs per run, for example 0.25; 0 trains on CPUs.
        slice_seconds: time between two checkpoints that a run sends back.

    Raises:
        ExperimentError: Ray is not installed, or the cluster cannot be reached.
    """

    def __init__(
        self,
        address: str | None = None,
        runs_per_task: int = 1,
        gpus: float = 0.0,
        slice_seconds: float = 20.0,
    ) -> None:
        if address and address.startswith("ray://"):
            raise ExperimentError(
                f"{address}: Ray's client does not stream results; run on one of the cluster's"
                " machines"
            )
        self._ray, self._slice_seconds = _import_ray(), slice_seconds
        self._address, self._runs_per_task, self._gpus = address, runs_per_task, gpus
        self.description = f"Ray at {address}" if address else "Ray on this machine"

    def run(
        self,
        trials: Sequence[Trial],
        options: RunOptions,
        on_event: Listener,
        should_stop: Callable[[], bool],
    ) -> None:
        """See :class:`mnistlab.experiments.executor.Executor`; a stop costs what was done since the
        last checkpoint.
        """
        ray = self._ray
        with _connected(ray, self._address):
            remote = ray.remote(_fetch_and_train_slices).options(
                num_cpus=options.threads or 1, num_gpus=self._gpus, max_retries=0
            )
            images = {
                key: ray.put(load_for(recipe))
                for key, recipe in {trial.recipe.data_key: trial.recipe for trial in trials}.items()
            }
            waiting = deque(_chunks(trials, self._runs_per_task))
            active: dict[Any, _Chunk] = {}
            deaths = Counter[Trial]()
            try:
                while (active or waiting) and not should_stop():
                    self._submit(waiting, active, remote, images, options, on_event)
                    if not active:
                        # Another driver has all that is left.
                        time.sleep(_TICK)
                        continue
                    ready, _ = ray.wait(list(active), timeout=_TICK)
                    for results in ready:
                        if not self._collect(results, active[results], on_event):
                            self._close(active.pop(results), waiting, deaths, on_event)
            finally:
                for results, chunk in active.items():
                    ray.cancel(results, force=True)
                    chunk.locks.close()

    def _submit(
        self,
        waiting: "deque[list[Trial]]",
        active: "dict[Any, _Chunk]",
        remote: Any,
        images: dict[str, Any],
        options: RunOptions,
        on_event: Listener,
    ) -> None:
        for _ in range(min(len(waiting), _IN_FLIGHT - len(active))):
            trials = waiting.popleft()
            try:
                chunk = _Chunk(trials)
            except BusyError:
                # Another driver has them; later they are free, or finished.
                waiting.append(trials)
                continue
            except RunError as error:
                for trial in trials:
                    on_event(TrialFailed(trial, str(error)))
                continue
            for trial, record in chunk.finished:
                on_event(TrialFinished(trial, record))
            if not chunk.unfinished:
                chunk.locks.close()
                continue
            sources = sorted({trial.recipe.data_key for trial in chunk.unfinished})
            batch = TrialBatch(
                version("mnistlab"),
                chunk.wanted,
                options,
                self._slice_seconds,
                sources,
                str(Path.cwd()),
            )
            # In a list, for the task to fetch: of a killed driver's tasks, Ray keeps in memory for
            # ever what they were given outright, and at last has no room for the next driver's.
            active[
                remote.remote([self._ray.put(batch), *(images[source] for source in sources)])
            ] = chunk

    def _collect(self, results: Any, chunk: "_Chunk", on_event: Listener) -> bool:
        """Receive one slice; whether more may come."""
        try:
            part: Slice = self._ray.get(next(results))
        except StopIteration:
            return False
        except self._ray.exceptions.RayTaskError as error:
            chunk.fail(str(error.cause or error), on_event)
            return False
        except self._ray.exceptions.RayError as error:
            chunk.death = type(error).__name__
            return False
        chunk.take(part, on_event)
        return True

    @staticmethod
    def _close(
        chunk: "_Chunk", waiting: "deque[list[Trial]]", deaths: Counter[Trial], on_event: Listener
    ) -> None:
        chunk.locks.close()
        if not chunk.unfinished:
            return
        # One after another: the others had not begun.
        running, *rest = chunk.unfinished
        if rest:
            waiting.appendleft(rest)
        deaths[running] += 1
        reason = f"its worker or node is gone ({chunk.death or 'no word from it'})"
        if deaths[running] < _DEATHS:
            on_event(WorkerLost(running, reason))
            waiting.appendleft([running])
        else:
            on_event(TrialFailed(running, f"{reason}, {deaths[running]} times over"))


class _Chunk:
    """Trials of one Ray task, whose folders this process has locked; what another process has
    finished is used as it is.
    """

    def __init__(self, trials: list[Trial]) -> None:
        self.unfinished: list[Trial] = []
        self.finished: list[tuple[Trial, RunRecord]] = []
        self.wanted: list[Wanted] = []
        self.death = ""
        with contextlib.ExitStack() as locks:
            for trial in trials:
                folder = RunFolder(trial.folder)
                locks.enter_context(folder.lock())
                if folder.finished:
                    self.finished.append((trial, folder.read_record()))
                else:
                    self.unfinished.append(trial)
                    self.wanted.append(
                        Wanted(trial, folder.read_checkpoint() if folder.begun else None)
                    )
            self.locks = locks.pop_all()

    def take(self, part: Slice, on_event: Listener) -> None:
        folder = RunFolder(part.trial.folder)
        if part.checkpoint:
            folder.write_checkpoint(part.checkpoint)
        if part.record and part.logits is not None:
            more = bool(part.checkpoint)
            folder.finish(part.record, part.weights, part.logits, keep_checkpoint=more)
        for event in part.events:
            if isinstance(event, TrialFinished | TrialFailed):
                self.unfinished.remove(part.trial)
            on_event(event)

    def fail(self, error: str, on_event: Listener) -> None:
        for trial in self.unfinished:
            on_event(TrialFailed(trial, error))
        self.unfinished.clear()


def _fetch_and_train_slices(parts: Sequence[Any]) -> Iterator[Slice]:
    """Train on a node what Ray's references say: to the batch of trials, and to its data sets."""
    batch, *images = _import_ray().get(list(parts))
    # Where the driver's models are, if this machine has the folder.
    with contextlib.suppress(OSError):
        os.chdir(batch.folder)
    yield from train_slices(batch, *images)


def _chunks(trials: Sequence[Trial], size: int) -> Iterator[list[Trial]]:
    for start in range(0, len(trials), size):
        yield list(trials[start : start + size])


@contextlib.contextmanager
def _connected(ray: ModuleType, address: str | None) -> Iterator[None]:
    if ray.is_initialized():
        yield
        return
    _knock(address)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        # As if for a client: workers would otherwise look for modules in this folder first, where
        # files of strangers would stand in for installed packages.
        config = ray.job_config.JobConfig(_client_job=True)
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level="ERROR",
            job_config=config,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ExperimentError(f"{address}: no Ray cluster there: {error}") from error
    # Ray would end the process on SIGTERM; ours stops with checkpoints.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str | None) -> None:
    """Find out within seconds whether anything answers; Ray itself would try for minutes."""
    host, colon, port = (address or "").rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK).close()
    except (OSError, ValueError) as error:
        raise ExperimentError(f"{address}: no Ray cluster there: {error}") from error


def _import_ray() -> ModuleType:
    # Ray would report its use to its makers otherwise.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # It would give up after five seconds, which a busy machine needs to answer.
    os.environ.setdefault("RAY_gcs_rpc_server_connect_timeout_s", "30")
    try:
        import ray
        import ray.exceptions
        import ray.job_config
    except ImportError as error:
        raise ExperimentError("the ray executor needs Ray: pip install 'mnistlab[ray]'") from error
    return ray
