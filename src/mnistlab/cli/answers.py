"""Answers: what was read, as lines for people, as CSV, or as JSON; each written as soon as it is
there.
"""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from mnistlab.cli.output import echo, warn, write
from mnistlab.text import csv_row, printable, to_json

_COLUMNS = ("file", "digits", "sure", "confidence", "boxes", "error")
_NOTHING: dict[str, Any] = {
    "digits": "",
    "sure": False,
    "confidence": 0.0,
    "boxes": [],
    "probabilities": [],
    "unsure": [],
}
_WIDEST_NAME = 60
_WORTH_SAYING = 0.01


@dataclass(frozen=True)
class Answer:
    """What became of one picture.

    Attributes:
        reading: what ``Reading.as_dict()`` returned; ``None`` if it could not be read.
        error: what went wrong, one line without the picture's name.
    """

    reading: dict[str, Any] | None = None
    error: str | None = None


class AnswerWriter(AbstractContextManager["AnswerWriter"]):
    """Writes answers to standard output, flushing each. Subclasses say how; the base class writes
    nothing.
    """

    def __enter__(self) -> Self:
        return self

    def write(self, name: str, answer: Answer) -> None:
        """Write the answer to one picture."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


class TextWriter(AnswerWriter):
    """A line a picture; errors go to standard error.

    Args:
        names: of all pictures to come, for what follows them to stand in one column.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._width = min(max(map(_columns, map(printable, names)), default=0), _WIDEST_NAME)

    def write(self, name: str, answer: Answer) -> None:
        """Write ``name  407  (99.8 %)``, or ``name  error: ...``."""
        label = printable(name)
        label += " " * (self._width - _columns(label))
        if answer.reading is not None:
            echo(f"{label}  {_describe(answer.reading)}")
        if answer.error is not None:
            warn(f"{label}  error: {answer.error}")


class CsvWriter(AnswerWriter):
    """Comma-separated values by RFC 4180, in UTF-8: a header, and a row a picture."""

    def __enter__(self) -> Self:
        self._row(_COLUMNS)
        return self

    def write(self, name: str, answer: Answer) -> None:
        """Write a row; a picture that could not be read has only a name and an error."""
        found, error = answer.reading, answer.error or ""
        if found is None:
            self._row((name, "", "", "", "", error))
            return
        boxes = ";".join(" ".join(map(str, box)) for box in found["boxes"])
        self._row(
            (name, found["digits"], str(found["sure"]).lower(), found["confidence"], boxes, error)
        )

    def _row(self, values: Sequence[Any]) -> None:
        write(csv_row(values))


class JsonWriter(AnswerWriter):
    """A JSON array in UTF-8, an object a picture and a line; it is finished whatever happens."""

    def __init__(self) -> None:
        self._separator = "\n"

    def __enter__(self) -> Self:
        write("[")
        return self

    def write(self, name: str, answer: Answer) -> None:
        """Write an object: ``file``, what ``Reading.as_dict()`` has, and ``error``."""
        found = {"file": name} | (answer.reading or _NOTHING) | {"error": answer.error}
        write(self._separator + to_json(found, indent=None))
        self._separator = ",\n"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, BrokenPipeError):
            write("\n]\n")


def _describe(reading: dict[str, Any]) -> str:
    if not reading["digits"]:
        return "no digit"
    if not reading["unsure"]:
        return f"{reading['digits']}  ({_percent(reading['confidence'])})"
    shown = "".join(
        "?" if place in reading["unsure"] else digit
        for place, digit in enumerate(reading["digits"])
    )
    return f"{shown}  unsure: {', '.join(_doubt(place, reading) for place in reading['unsure'])}"


def _doubt(place: int, reading: dict[str, Any]) -> str:
    """Write the two most probable digits: ``0 (41 %) or 6 (38 %) at place 2``."""
    row = reading["probabilities"][place]
    likely = sorted(range(len(row)), key=lambda digit: -row[digit])[:2]
    guesses = " or ".join(
        f"{digit} ({math.floor(100 * row[digit])} %)"
        for digit in likely
        if row[digit] >= _WORTH_SAYING
    )
    return f"{guesses} at place {place + 1}" if len(reading["digits"]) > 1 else guesses


def _percent(share: float) -> str:
    """Write a share with one decimal, rounded down: 99.96 % is not certain."""
    return f"{math.floor(1000 * share) / 10:.1f} %"


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    from rich.cells import cell_len

    return cell_len(text)
