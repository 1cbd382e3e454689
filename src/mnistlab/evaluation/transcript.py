"""Transcript: what a reader says of one picture, whichever reader it is."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from mnistlab.statistics.readings import ReadCharacter


class TranscribedCharacter(NamedTuple):
    """One character: its text, the probability that it is right, whether that makes it sure, and
    left, top, right and bottom of its box in pixels of the upright picture.
    """

    text: str
    confidence: float
    sure: bool
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Transcript:
    """What a reader says of one picture.

    Attributes:
        text: with signs, a space between numbers and a line break between lines.
        digits: the digits alone.
        sure: whether the reader calls it sure.
        confidence: the probability, 0 to 1, that all of it is right.
        characters: in reading order, without white space.
        tables: rows of cells' texts, of each table; ``None`` from a reader that finds no tables.
    """

    text: str
    digits: str
    sure: bool = False
    confidence: float = 0.0
    characters: tuple[TranscribedCharacter, ...] = ()
    tables: tuple[tuple[tuple[str, ...], ...], ...] | None = None

    def compared_with(self, truth: str, *, signs: bool) -> "Comparison":
        """Return what is compared with the truth.

        Args:
            truth: what is written in the picture.
            signs: compare the whole text, any white space being as good as a space; else only the
                digits.
        """
        if signs:
            every = tuple(ReadCharacter(one.text, one.confidence) for one in self.characters)
            return Comparison(plain(truth), plain(self.text), every)
        own = (one for one in self.characters if one.text in DIGITS)
        digits = tuple(ReadCharacter(one.text, one.confidence) for one in own)
        return Comparison(digits_of(truth), self.digits, digits)


class Comparison(NamedTuple):
    """What is written, what was read, and the characters of what was read."""

    truth: str
    read: str
    characters: tuple[ReadCharacter, ...]


DIGITS = frozenset("0123456789")


def digits_of(text: str) -> str:
    """Return the digits of a text.

    >>> digits_of("12/05")
    '1205'
    """
    return "".join(one for one in text if one in DIGITS)


def plain(text: str) -> str:
    r"""Return a text with one space for any white space within it, and none around it.

    >>> plain("12\n 05 ")
    '12 05'
    """
    return " ".join(text.split())


def transcribe(reading: Any) -> Transcript:
    """Return what a :class:`mnistlab.Reading` says."""
    characters = tuple(
        TranscribedCharacter(one.text, one.confidence, one.sure, tuple(one.box))
        for one in reading.characters
    )
    tables = tuple(
        tuple(tuple(cell.text for cell in row) for row in table.rows) for table in reading.tables
    )
    return Transcript(
        reading.text, reading.digits, reading.sure, reading.confidence, characters, tables
    )
