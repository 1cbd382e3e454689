"""Workers: processes that do jobs for this one, each connected by a pipe, and their supervisor."""

import contextlib
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import ModuleType, TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

from mnistlab.errors import describe_exit

Job = TypeVar("Job")
_REAP_SECONDS = 5.0
"""For a process to exit once its end of the pipe is closed."""


class Ended(NamedTuple):
    """What is received last from a worker: how its process ended, such as ``was killed``."""

    how: str


@dataclass(eq=False)
class Worker(Generic[Job]):
    """A process that does jobs.

    Attributes:
        job: what it is doing, for its owner to note; never sent to it.
        heard: whether it has sent anything yet.
    """

    process: BaseProcess
    connection: Connection
    job: Job
    heard: bool = False

    def send(self, message: object) -> bool:
        """Send it a message; return whether it could be sent. If not, its end is received next."""
        try:
            self.connection.send(message)
        except OSError:
            return False
        return True


class Workers(AbstractContextManager["Workers[Job]"], Generic[Job]):
    """Starts workers, receives what they send, and notices when they die.

    A worker neither hears Ctrl-C, which reaches every process of a terminal, nor runs the user's
    script again: both are the business of the process that started it. Leaving the ``with`` block
    closes the pipes and kills the processes that have not ended ``seconds`` later.

    Args:
        context: of :mod:`multiprocessing`; ``None`` is ``spawn``.
        seconds: for workers to finish what they are doing when the block is left.
    """

    def __init__(self, context: BaseContext | None = None, seconds: float = 0.0) -> None:
        self._context = context or multiprocessing.get_context("spawn")
        self._seconds = seconds
        self._workers: dict[Connection, Worker[Job]] = {}

    def __len__(self) -> int:
        return len(self._workers)

    def __iter__(self) -> Iterator[Worker[Job]]:
        return iter([*self._workers.values()])

    def start(self, work: Callable[..., None], *arguments: object, job: Job) -> Worker[Job]:
        """Start a process that calls ``work(connection, *arguments)``.

        Args:
            work: a function of a module; it sends and receives through the connection, which raises
                ``EOFError`` or ``OSError`` once nobody is at the other end.
            arguments: are pickled.
            job: noted in the worker.
        """
        ours, theirs = self._context.Pipe()
        process = self._context.Process(  # type: ignore[attr-defined]
            target=_enter, args=(theirs, work, arguments), daemon=True
        )
        with _without_interrupt(), _without_main():
            process.start()
        # With this copy open, the end of the process would not end the pipe.
        theirs.close()
        worker = self._workers[ours] = Worker(process, ours, job)
        return worker

    def receive(self, seconds: float) -> Iterator[tuple[Worker[Job], Any]]:
        """Wait for messages, and yield them with their workers; :class:`Ended` is a worker's last.

        Args:
            seconds: to wait at most, if there is nothing.
        """
        for connection in wait([*self._workers], seconds):
            worker = self._workers[connection]  # type: ignore[index]
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                message = Ended(self._reap(worker))
            else:
                worker.heard = True
            yield worker, message

    def retire(self, worker: Worker[Job]) -> None:
        """Let go of a worker that has nothing left to do, and wait for its end."""
        self._reap(worker)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self:
            worker.connection.close()
        for worker in self:
            _end(worker.process, self._seconds)
        self._workers.clear()

    def _reap(self, worker: Worker[Job]) -> str:
        del self._workers[worker.connection]
        worker.connection.close()
        _end(worker.process, _REAP_SECONDS)
        return describe_exit(worker.process.exitcode or 0)


def _enter(connection: Connection, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(connection, *arguments)


def _end(process: BaseProcess, seconds: float) -> None:
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()


@contextlib.contextmanager
def _without_interrupt() -> Iterator[None]:
    """Block Ctrl-C in a process started here until it ignores it, where the platform can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # It is started with the first process, and would unblock the signal for that one.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Keep a process that is started here from running the user's script, guarded or not."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
