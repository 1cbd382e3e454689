"""Reader: turns orders into answers, whatever goes wrong."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.cli.answers import Answer
from mnistlab.errors import PictureError
from mnistlab.files import read_file
from mnistlab.text import one_line

if TYPE_CHECKING:
    from mnistlab.recogniser import Reading

_SINGLE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Settings:
    """How pictures are read. See :class:`mnistlab.recogniser.Recogniser`; ``None`` is its
    default.
    """

    model: str
    threshold: float | None = None


@dataclass(frozen=True)
class Order:
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
    """

    def __init__(self, settings: Settings) -> None:
        # One picture is too little to share out, and the bits of an answer shall not hang on the
        # number of cores.
        os.environ.update(_SINGLE)
        from mnistlab.recogniser import Recogniser

        given: dict[str, Any] = (
            {} if settings.threshold is None else {"threshold": settings.threshold}
        )
        self._recogniser = Recogniser(settings.model, **given)

    def read(self, order: Order) -> Answer:
        """Read a picture, and write the annotated one if wanted. Whatever goes wrong is in the
        answer.
        """
        try:
            content = order.content if order.path is None else read_file(order.path)
        except (OSError, ValueError) as error:
            remedy = "; pipe it into -" if order.path and _is_pipe(order.path) else ""
            return Answer(
                error=f"cannot be read: {getattr(error, 'strerror', None) or error}{remedy}"
            )
        try:
            reading = self._recogniser.read(content)
            drawn = _annotate(content, reading) if order.target else b""
        except PictureError as error:
            return Answer(error=str(error).removeprefix("picture: "))
        except MemoryError:
            return Answer(error="cannot be read: it takes more memory than there is")
        # One picture in ten thousand that meets a fault of ours shall not cost the others.
        except Exception as error:
            return Answer(error=one_line(f"cannot be read: {type(error).__name__}: {error}"))
        return Answer(reading.as_dict(), _write(order.target, drawn) if order.target else None)


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
