"""Answers: what was read in each picture, written as text, CSV or JSON as soon as it is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from mnistlab.answer import Answer
from mnistlab.cli.output import echo, warn, write
from mnistlab.cli.result_writer import JsonArray, ResultWriter, columns
from mnistlab.text import csv_row, printable

_JSON_ONLY = {"probabilities", "unsure"}
_COLUMNS = ("file", *(name for name in Answer.model_fields if name not in _JSON_ONLY), "error")
_WIDEST_NAME = 60
_WORTH_SAYING = 0.01


@dataclass(frozen=True)
class Result:
    """The result for one picture.

    Attributes:
        answer: what was read; ``None`` if the picture could not be read.
        error: what went wrong, one line without the picture's name.
    """

    answer: Answer | None = None
    error: str | None = None


class AnswerWriter(ResultWriter):
    """Writes answers. Subclasses choose the format; the base class writes nothing."""

    def write(self, name: str, result: Result) -> None:
        """Write the result for one picture."""


class TextWriter(AnswerWriter):
    """One line per picture; errors go to standard error.

    Args:
        names: of all pictures to come, so that the digits line up in one column.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._width = min(max(map(columns, map(printable, names)), default=0), _WIDEST_NAME)

    def write(self, name: str, result: Result) -> None:
        """Write ``name  407  (99.8 %)``, or ``name  error: ...``."""
        label = printable(name)
        label += " " * (self._width - columns(label))
        if result.answer is not None:
            echo(f"{label}  {_describe(result.answer)}")
        if result.error is not None:
            warn(f"{label}  error: {result.error}")


class CsvWriter(AnswerWriter):
    """Comma-separated values (RFC 4180) in UTF-8: a header and one row per picture."""

    def __enter__(self) -> Self:
        self._row(_COLUMNS)
        return self

    def write(self, name: str, result: Result) -> None:
        """Write a row; a picture that could not be read has just a name and an error."""
        cells = dict.fromkeys(_COLUMNS, "") | {"file": name, "error": result.error or ""}
        if result.answer is not None:
            found = result.answer.model_dump(exclude=_JSON_ONLY)
            cells |= found | {
                "sure": str(found["sure"]).lower(),
                "boxes": ";".join(" ".join(map(str, box)) for box in found["boxes"]),
            }
        self._row([*cells.values()])

    def _row(self, values: Sequence[Any]) -> None:
        write(csv_row(values))


class JsonWriter(JsonArray, AnswerWriter):
    """A JSON array with one object per picture."""

    def __enter__(self) -> Self:
        write("[")
        return self

    def write(self, name: str, result: Result) -> None:
        """Write an object: ``file``, the fields of :class:`mnistlab.answer.Answer`, ``error``."""
        answer = result.answer or Answer()
        self.add({"file": name} | answer.model_dump() | {"error": result.error})


def _describe(answer: Answer) -> str:
    if not answer.digits:
        return "no digit"
    if not answer.unsure:
        return f"{answer.digits}  ({_percent(answer.confidence)})"
    shown = "".join(
        "?" if place in answer.unsure else digit for place, digit in enumerate(answer.digits)
    )
    return f"{shown}  unsure: {', '.join(_doubt(place, answer) for place in answer.unsure)}"


def _doubt(place: int, answer: Answer) -> str:
    """Write the two most probable digits: ``0 (41 %) or 6 (38 %) at place 2``."""
    row = answer.probabilities[place]
    likely = sorted(range(len(row)), key=lambda digit: -row[digit])[:2]
    guesses = " or ".join(
        f"{digit} ({math.floor(100 * row[digit])} %)"
        for digit in likely
        if row[digit] >= _WORTH_SAYING
    )
    return f"{guesses} at place {place + 1}" if len(answer.digits) > 1 else guesses


def _percent(share: float) -> str:
    """Write a share with one decimal, rounded down: 99.96 % is not certain."""
    return f"{math.floor(1000 * share) / 10:.1f} %"
