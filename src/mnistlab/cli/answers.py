"""Answers: what was read in each picture, written as text, CSV or JSON as soon as it is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from mnistlab.answer import Answer, CharacterAnswer, GroupAnswer
from mnistlab.characters import CHARACTERS
from mnistlab.cli.output import echo, warn, write
from mnistlab.cli.result_writer import JsonArray, ResultWriter, columns
from mnistlab.text import csv_row, printable

_TOLD = ("text", "digits", "sure", "confidence")
_COLUMNS = ("file", *_TOLD, "boxes", "notes", "error")
_WIDEST_NAME = 60
_WORTH_SAYING = 0.01
_MOST_DOUBTS = 8
"""Unsure characters that are told one by one."""


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
    """A line for every line of a picture; errors go to standard error.

    Args:
        names: of all pictures to come, so that what is read lines up in one column.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._width = min(max(map(columns, map(printable, names)), default=0), _WIDEST_NAME)

    def write(self, name: str, result: Result) -> None:
        """Write ``name  407  (99.8 %)``, further lines below, or ``name  error: ...``."""
        label = printable(name)
        label += " " * (self._width - columns(label))
        if result.answer is not None:
            first, *others = _describe(result.answer).split("\n")
            echo(f"{label}  {first}")
            for line in others:
                echo(f"{' ' * columns(label)}  {line}")
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
            found = result.answer.model_dump(include=set(_TOLD))
            boxes = [one.box for line in _characters(result.answer) for one in line]
            cells |= found | {
                "sure": str(found["sure"]).lower(),
                "boxes": ";".join(" ".join(map(str, box)) for box in boxes),
                "notes": "; ".join(result.answer.notes),
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


def _characters(answer: Answer) -> list[list[CharacterAnswer]]:
    """Return the characters of each line."""
    return [[one for group in line.groups for one in group.characters] for line in answer.lines]


def _describe(answer: Answer) -> str:
    """Write what was read, one line below the other, and behind it how sure that is."""
    if not answer.text:
        return "  ".join(["no digit", *(f"unsure: {note}" for note in answer.notes)])
    shown = "\n".join(" ".join(map(_shown, line.groups)) for line in answer.lines)
    doubts = [*_doubts(answer), *answer.notes]
    if answer.sure:
        return "; ".join([f"{shown}  ({_percent(answer.confidence)})", *doubts])
    return f"{shown}  unsure: {'; '.join(doubts)}"


def _shown(group: GroupAnswer) -> str:
    """Write a number, with ``?`` for each unsure character, or behind it if it is unsure as a
    whole.
    """
    whole = not group.sure and all(one.sure for one in group.characters)
    characters = "".join(one.text if one.sure else "?" for one in group.characters)
    return f"{characters}?" if whole else characters


def _doubts(answer: Answer) -> list[str]:
    """Write the likeliest values of each unsure character, such as ``0 (41 %) or 6 (38 %) at place
    2``, and with several lines ``of line 1``.
    """
    lines = _characters(answer)
    several = sum(map(len, lines)) > 1
    doubts = []
    for number, line in enumerate(lines, 1):
        of_line = f" of line {number}" if len(lines) > 1 else ""
        for place, one in enumerate(line, 1):
            if not one.sure:
                doubts.append(_guesses(one) + (f" at place {place}{of_line}" if several else ""))
    if len(doubts) > _MOST_DOUBTS:
        doubts[_MOST_DOUBTS:] = [f"and {len(doubts) - _MOST_DOUBTS} more characters"]
    return [", ".join(doubts)] if doubts else []


def _guesses(one: CharacterAnswer) -> str:
    """Write what a character is read as and the likeliest other one: ``0 (41 %) or 6 (38 %)``."""
    shares = dict(zip(CHARACTERS, one.probabilities, strict=False))
    shares[one.text] = one.confidence
    others = sorted(shares, key=lambda text: (text != one.text, -shares[text]))[:2]
    return " or ".join(
        f"{text} ({math.floor(100 * shares[text])} %)"
        for text in others
        if shares[text] >= _WORTH_SAYING
    )


def _percent(share: float) -> str:
    """Write a share with one decimal, rounded down: 99.96 % is not certain."""
    return f"{math.floor(1000 * share) / 10:.1f} %"
