"""Reader: reads one picture after another; whatever goes wrong is part of the result."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.cli.answers import Result
from mnistlab.errors import PictureError
from mnistlab.files import read_file
from mnistlab.text import one_line

if TYPE_CHECKING:
    from mnistlab.recogniser import Reading

_SINGLE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class ReadOptions:
    """How pictures are read. See :class:`mnistlab.recogniser.Recogniser`, whose defaults are
    those of ``None``, and the methods of its readings.
    """

    model: str
    threshold: float | None = None
    patterns: tuple[str, ...] = ()
    grid: tuple[int, int] | None = None


@dataclass(frozen=True)
class ReadJob:
    """One picture to read.

    Attributes:
        path: its file.
        content: a file's content, if there is no path.
        target: where the annotated picture goes, if wanted.
    """

    path: Path | None = None
    content: bytes = b""
    target: Path | None = None


class Reader:
    """Reads pictures in this process.

    Raises:
        ModelError: there is no such model, or it reads no digits.
        PatternError: a pattern cannot be understood.
    """

    def __init__(self, options: ReadOptions) -> None:
        # One picture is too little work to share, and an answer's bits must not depend on the
        # number of cores.
        os.environ.update(_SINGLE)
        from mnistlab.recogniser import Recogniser
        from mnistlab.recogniser.pattern import parse_patterns

        given: dict[str, Any] = (
            {} if options.threshold is None else {"threshold": options.threshold}
        )
        self._patterns = tuple(parse_patterns(options.patterns).values())
        self._grid = options.grid
        self._recogniser = Recogniser(options.model, **given)

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said of the model."""
        return self._recogniser.notes

    def read(self, job: ReadJob) -> Result:
        """Read a picture, and write the annotated one if wanted."""
        try:
            content = job.content if job.path is None else read_file(job.path)
        except (OSError, ValueError) as error:
            remedy = "; pipe it into -" if job.path and _is_pipe(job.path) else ""
            return Result(
                error=f"cannot be read: {getattr(error, 'strerror', None) or error}{remedy}"
            )
        if not content:
            return Result(error="empty")
        try:
            reading = self._recogniser.read(content)
            if self._grid:
                reading = reading.grid(*self._grid)
            if self._patterns:
                reading = reading.matching(self._patterns)
            drawn = _annotate(content, reading) if job.target else b""
        except PictureError as error:
            return Result(error=str(error).removeprefix("picture: "))
        except MemoryError:
            return Result(error="cannot be read: it takes more memory than there is")
        # A bug that one picture in ten thousand meets must not cost the others.
        except Exception as error:
            return Result(error=one_line(f"cannot be read: {type(error).__name__}: {error}"))
        return Result(reading.answer, _write(job.target, drawn) if job.target else None)


def _annotate(content: bytes, reading: "Reading") -> bytes:
    from mnistlab.recogniser.annotation import annotate

    return annotate(content, reading)


def _write(target: Path, drawn: bytes) -> str | None:
    """Write a picture; return what went wrong."""
    from mnistlab.runs import write_atomically

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, drawn)
    except OSError as error:
        return f"{target}: cannot be written: {error.strerror or error}"
    return None


def _is_pipe(path: Path) -> bool:
    try:
        return path.is_fifo()
    except OSError:
        return False
