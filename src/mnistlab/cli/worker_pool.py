"""WorkerPool: processes that read pictures side by side."""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection

from mnistlab.cli.answers import Result
from mnistlab.cli.reader import Reader, ReadJob, ReadOptions
from mnistlab.errors import MnistlabError
from mnistlab.workers import Ended, Worker, Workers

_TICK = 0.1
"""Seconds between two looks at whether to stop."""
_LAST_PICTURE = 5.0
"""Seconds that a process has to finish its picture when no more are wanted."""
_FALSE_STARTS = 3


class WorkerPool:
    """Reads pictures in several processes.

    Each has one picture at a time, so when one dies (killed, out of memory, a decoder's crash) it
    is known which picture it was reading; another process takes its place.

    Args:
        options: how to read.
        size: processes, at most.
    """

    def __init__(self, options: ReadOptions, size: int) -> None:
        self._options, self._size = options, size
        self._false_starts = 0

    def read(self, jobs: Sequence[ReadJob], should_stop: Callable[[], bool]) -> Generator[Result]:
        """Read pictures.

        Yields:
            The results in the order of ``jobs``; fewer if ``should_stop`` says so.

        Raises:
            MnistlabError: processes end as they start.
        """
        waiting, results, done = deque(range(len(jobs))), dict[int, Result](), 0
        # A worker's job is the place of the picture that it reads, if it reads one.
        with Workers[int | None](seconds=_LAST_PICTURE) as workers:
            while done < len(jobs) and not should_stop():
                idle = sum(worker.job is None for worker in workers)
                for _ in range(min(len(waiting) - idle, self._size - len(workers))):
                    workers.start(_work, self._options, job=None)
                for worker, message in workers.receive(_TICK):
                    result = self._result(worker, message)
                    if result is not None and worker.job is not None:
                        results[worker.job] = result
                    worker.job = None
                    if waiting and worker.send(jobs[waiting[0]]):
                        worker.job = waiting.popleft()
                while done in results:
                    yield results.pop(done)
                    done += 1

    def _result(self, worker: Worker[int | None], message: Result | Ended | None) -> Result | None:
        """Return a picture's result, or ``None`` from a process that is ready for the first one."""
        if not isinstance(message, Ended):
            return message
        self._false_starts += not worker.heard
        if self._false_starts >= _FALSE_STARTS:
            raise MnistlabError(
                f"a process to read pictures with {message.how} as it started; try --jobs 1"
            )
        return Result(error=f"the process that read it {message.how}")


def _work(connection: Connection, options: ReadOptions) -> None:
    """Report that the model is loaded, then read pictures until there are no more."""
    reader = Reader(options)
    with contextlib.suppress(EOFError, OSError):
        connection.send(None)
        while True:
            connection.send(reader.read(connection.recv()))
