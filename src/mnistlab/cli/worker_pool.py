"""WorkerPool: processes that read pictures side by side."""

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from mnistlab.cli.answers import Answer
from mnistlab.cli.reader import Reader, ReadJob, ReadOptions
from mnistlab.errors import MnistlabError, describe_exit

_TICK = 0.1
"""Seconds between two looks at whether to stop."""
_LAST_PICTURE = 5.0
"""Seconds that a process has to finish the picture in hand when no more are wanted."""
_FALSE_STARTS = 3


@dataclass
class _Worker:
    process: BaseProcess
    place: int | None = None
    """Of the picture it is reading."""
    started: bool = False


class WorkerPool:
    """Reads pictures in several processes.

    Each has one picture at a time, so when one dies (killed, out of memory, a decoder's crash) it
    is known over which picture; another process takes its place.

    Args:
        options: how to read.
        size: processes, at most.
    """

    def __init__(self, options: ReadOptions, size: int) -> None:
        self._options, self._size = options, size
        self._workers: dict[Connection, _Worker] = {}
        self._false_starts = 0

    def read(self, jobs: Sequence[ReadJob], should_stop: Callable[[], bool]) -> Generator[Answer]:
        """Read pictures.

        Yields:
            The answers in the order of ``jobs``; fewer if ``should_stop`` says so.

        Raises:
            MnistlabError: processes end as they start.
        """
        waiting, answers, done = deque(range(len(jobs))), dict[int, Answer](), 0
        try:
            while done < len(jobs) and not should_stop():
                self._hire(len(waiting))
                for connection in wait(list(self._workers), _TICK):
                    answers |= self._hear(connection, jobs, waiting)  # type: ignore[arg-type]
                while done in answers:
                    yield answers.pop(done)
                    done += 1
        finally:
            self._dismiss()

    def _hire(self, waiting: int) -> None:
        free = sum(worker.place is None for worker in self._workers.values())
        for _ in range(min(waiting - free, self._size - len(self._workers))):
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.get_context("spawn").Process(
                target=_work, args=(theirs, self._options), daemon=True
            )
            with _sheltered():
                process.start()
            # Ours alone then holds the pipe open, and its end tells of the process's.
            theirs.close()
            self._workers[ours] = _Worker(process)

    def _hear(
        self, connection: Connection, jobs: Sequence[ReadJob], waiting: deque[int]
    ) -> dict[int, Answer]:
        """Take what a process sent, and give it the next picture. Return the answer, by its place,
        if it was one.
        """
        worker = self._workers[connection]
        try:
            answer: Answer | None = connection.recv()
        except (EOFError, OSError):
            answer = Answer(error=f"the process that read it {self._bury(connection)}")
            return {} if worker.place is None else {worker.place: answer}
        found = {} if answer is None or worker.place is None else {worker.place: answer}
        worker.started, worker.place = True, None
        if waiting:
            # If it is dead, the next thing heard of it is its end.
            with contextlib.suppress(OSError):
                connection.send(jobs[waiting[0]])
                worker.place = waiting.popleft()
        return found

    def _bury(self, connection: Connection) -> str:
        """Forget a process, and say how it ended."""
        worker = self._workers.pop(connection)
        connection.close()
        _end(worker.process)
        how = describe_exit(worker.process.exitcode or 0)
        self._false_starts += not worker.started
        if self._false_starts >= _FALSE_STARTS:
            raise MnistlabError(
                f"a process to read pictures with {how} as it started; try --jobs 1"
            )
        return how

    def _dismiss(self) -> None:
        for connection in self._workers:
            connection.close()
        for worker in self._workers.values():
            _end(worker.process)
        self._workers.clear()


def _work(connection: Connection, options: ReadOptions) -> None:
    """Say that all is loaded, then answer jobs until there are no more; the life of a process."""
    # Ctrl-C in a terminal reaches every process; ours alone decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reader = Reader(options)
    with contextlib.suppress(EOFError, OSError):
        connection.send(None)
        while True:
            connection.send(reader.read(connection.recv()))


@contextlib.contextmanager
def _sheltered() -> Iterator[None]:
    """Let a process that is started here be born deaf to Ctrl-C, where the platform can."""
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


def _end(process: BaseProcess) -> None:
    process.join(_LAST_PICTURE)
    if process.is_alive():
        process.kill()
        process.join()
