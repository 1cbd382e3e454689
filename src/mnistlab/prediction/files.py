"""Files of pictures, many of them, prepared for a model in several processes and in order."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.file_tree import FileTree
from mnistlab.data.picture_inputs import open_picture
from mnistlab.data.preparation import Preparation
from mnistlab.errors import MnistlabError
from mnistlab.text import one_line
from mnistlab.workers import Ended, Worker, Workers

_CHUNK, _AHEAD = 32, 4
"""Pictures that a process gets at once, and the chunks for each process that may be under way."""
_MANY, _MANY_BYTES = 2000, 1 << 25
"""Files and bytes from which several processes pay."""
_TICK = 0.1
"""Seconds between two looks at whether to stop."""
_FALSE_STARTS = 3
Outcome = NDArray[np.uint8] | str
"""A prepared image, or what is wrong with the picture."""


@dataclass(frozen=True)
class PictureFile:
    """One picture: a file, a member of an archive, or a file's content.

    Attributes:
        path: of the file; ``None`` if it is none by itself.
        tree: the archive that it is in.
        member: its name there.
        content: the file's bytes, where it is neither.
    """

    path: Path | None = None
    tree: FileTree | None = None
    member: str = ""
    content: bytes = b""

    def take(self) -> str | bytes:
        """Return the path, or the bytes.

        Raises:
            DataError: a damaged member of an archive.
        """
        if self.path is not None:
            return str(self.path)
        return self.content if self.tree is None else self.tree.read(self.member)


def prepare_files(
    preparation: Preparation,
    files: Sequence[PictureFile],
    should_stop: Callable[[], bool] = lambda: False,
    processes: int | None = None,
) -> Iterator[Outcome]:
    """Yield what each picture becomes, in order.

    Memory stays bounded however many there are: members of an archive are read when their turn
    comes, and a process gets its next pictures when earlier ones are taken.

    Args:
        preparation: how.
        files: the pictures.
        should_stop: ends it early.
        processes: that decode; ``None`` is one a core if the pictures are many, else none beside
            this one.

    Raises:
        MnistlabError: processes end as they start.
    """
    if processes is None:
        processes = _processes(files)
    if processes < 2:
        for file in files:
            if should_stop():
                return
            yield _prepare_one(preparation, _taken(file))
        return
    yield from _side_by_side(preparation, files, should_stop, processes)


def _processes(files: Sequence[PictureFile]) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if len(files) >= _MANY:
        return cores or 1
    sizes = 0
    for file in files:
        try:
            sizes += os.stat(file.path).st_size if file.path else len(file.content)  # noqa: PTH116
        except (OSError, ValueError):
            continue
    archives = {file.tree for file in files if file.tree is not None}
    sizes += sum(tree.bytes_packed for tree in archives)
    return (cores or 1) if sizes >= _MANY_BYTES and len(files) > 1 else 1


def _side_by_side(
    preparation: Preparation,
    files: Sequence[PictureFile],
    should_stop: Callable[[], bool],
    processes: int,
) -> Iterator[Outcome]:
    starts = range(0, len(files), _CHUNK)
    waiting = deque(range(start, min(start + _CHUNK, len(files))) for start in starts)
    outcomes: dict[int, Outcome] = {}
    done = false_starts = 0
    with Workers[range | None]() as workers:
        while done < len(files) and not should_stop():
            idle = sum(worker.job is None for worker in workers)
            for _ in range(min(len(waiting) - idle, processes - len(workers))):
                workers.start(_serve, preparation, job=None)
            for worker, message in workers.receive(_TICK):
                if isinstance(message, Ended):
                    false_starts += not worker.heard
                    if false_starts >= _FALSE_STARTS:
                        raise MnistlabError(f"a process that decodes pictures {message.how}")
                    _redo(worker.job, message.how, waiting, outcomes)
                    continue
                if worker.job is not None:
                    outcomes |= zip(worker.job, message, strict=True)
                worker.job = None
                _send(worker, files, waiting, done + processes * _AHEAD * _CHUNK)
            while done in outcomes:
                yield outcomes.pop(done)
                done += 1
            for worker in workers:
                if worker.job is None and worker.heard:
                    _send(worker, files, waiting, done + processes * _AHEAD * _CHUNK)


def _send(
    worker: Worker[range | None], files: Sequence[PictureFile], waiting: deque[range], most: int
) -> None:
    """Give a process its next pictures, unless those before them are not taken yet."""
    if waiting and waiting[0].start < most:
        chunk = waiting.popleft()
        # Noted also if it could not be sent, since the process's end is received then.
        worker.job = chunk
        worker.send([_taken(files[place]) for place in chunk])


def _redo(job: range | None, how: str, waiting: deque[range], outcomes: dict[int, Outcome]) -> None:
    """Try the pictures of a process that died one by one; one alone has killed it."""
    if job is None:
        return
    if len(job) == 1:
        outcomes[job.start] = f"the process that decoded it {how}"
    else:
        waiting.extendleft(range(place, place + 1) for place in reversed(job))


def _serve(connection: Connection, preparation: Preparation) -> None:
    connection.send([])
    try:
        while True:
            connection.send([_prepare_one(preparation, taken) for taken in connection.recv()])
    except (EOFError, OSError):
        return


def _taken(file: PictureFile) -> str | bytes | MnistlabError:
    try:
        return file.take()
    except MnistlabError as error:
        return error


def _prepare_one(preparation: Preparation, taken: str | bytes | MnistlabError) -> Outcome:
    name = taken if isinstance(taken, str) else "picture"
    try:
        if isinstance(taken, MnistlabError):
            raise taken
        # A path that looks like an address or a data: URL is a path here.
        return preparation.prepare(open_picture(Path(taken) if isinstance(taken, str) else taken))
    except MnistlabError as error:
        return str(error).removeprefix(f"{name}: ").removeprefix("picture: ")
    except MemoryError:
        return "cannot be read: it takes more memory than there is"
    # A bug that one picture in ten thousand meets must not cost the others.
    except Exception as error:
        return one_line(f"cannot be read: {type(error).__name__}: {error}")
