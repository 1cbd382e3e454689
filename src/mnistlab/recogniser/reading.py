"""Reading: what a picture says: lines of numbers, and tables, character by character."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistlab.answer import (
    Answer,
    CellAnswer,
    CharacterAnswer,
    GroupAnswer,
    LineAnswer,
    TableAnswer,
)
from mnistlab.characters import CHARACTERS, OTHER
from mnistlab.text import counted

if TYPE_CHECKING:
    from mnistlab.recogniser.pattern import Pattern

_DECIMALS = 6
_LEAST_SHARE = 0.1
"""Of a number's probability: if what a pattern allows has less, the pattern may not hold."""


class Box(NamedTuple):
    """A rectangle in pixels of the picture as one sees it, EXIF rotation done; right and bottom are
    outside.
    """

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, boxes: Iterable["Box"]) -> "Box":
        """Return the smallest box that holds all of some, which are at least one."""
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return cls(min(lefts), min(tops), max(rights), max(bottoms))


@dataclass(frozen=True, eq=False)
class Character:
    """One digit or sign of a picture.

    Attributes:
        text: what it is read as, one of :data:`mnistlab.characters.CHARACTERS`.
        box: where its ink is.
        probabilities: float64, ``(20,)``, summing to 1: of each of those characters, and last of
            other ink, such as a letter.
        presence: probability, from 0 to 1, that there is a character or other ink of its size.
        cut: whether the picture's edge cuts it.
        pixels: uint8, ``(height, width)``, light on black: what was read of it.
        threshold: confidence from which on it is sure.
    """

    text: str
    box: Box
    probabilities: NDArray[np.float64]
    presence: float
    cut: bool
    pixels: NDArray[np.uint8]
    threshold: float

    @property
    def confidence(self) -> float:
        """The probability that :attr:`text` is there."""
        return float(self.presence * self.probabilities[CHARACTERS.index(self.text)])

    @property
    def sure(self) -> bool:
        """Whether its confidence reaches the threshold, and it is whole."""
        return self.confidence >= self.threshold and not self.cut

    def seen_as(self, probabilities: NDArray[np.float64]) -> "Character":
        """Return it as somebody else sees it."""
        return replace(self, text=likeliest(probabilities), probabilities=probabilities)

    @property
    def likely(self) -> list[tuple[str, float]]:
        """All characters with their probabilities, the likeliest first."""
        order = np.argsort(-self.probabilities[:OTHER], kind="stable")
        return [(CHARACTERS[i], float(self.presence * self.probabilities[i])) for i in order]


class Match(NamedTuple):
    """How the text of a group follows from a pattern.

    Attributes:
        pattern: what it allows.
        plain: what is read without it.
        probability: of the text among all that the pattern allows; 0 if it allows none.
        share: probability of all that the pattern allows among all that may be read.
    """

    pattern: str
    plain: str
    probability: float
    share: float

    @property
    def credible(self) -> bool:
        """Whether what is written may well be what the pattern allows."""
        return self.share >= _LEAST_SHARE


@dataclass(frozen=True, eq=False)
class Group:
    """A number, or what else stands together: a date, a percentage.

    Attributes:
        characters: left to right, at least one.
        candidates: the same with fainter ones, which a pattern may need; none stands for
            ``characters``.
        match: how it follows from a pattern, if there is one.
    """

    characters: tuple[Character, ...]
    candidates: tuple[Character, ...] = ()
    match: Match | None = None

    @property
    def text(self) -> str:
        """Its characters, such as ``"-12.50"``."""
        return "".join(character.text for character in self.characters)

    @property
    def box(self) -> Box:
        """Around its characters."""
        return Box.around(character.box for character in self.characters)

    @property
    def confidence(self) -> float:
        """The probability that its text is right; with a pattern, among what that allows."""
        if self.match is not None:
            return self.match.probability
        return _confidence(character.confidence for character in self.characters)

    @property
    def sure(self) -> bool:
        """Whether all of its characters are sure, and it may well be what a pattern allows."""
        fits = self.match is None or self.match.credible
        return fits and all(character.sure for character in self.characters)


@dataclass(frozen=True, eq=False)
class Line:
    """A line of writing.

    Attributes:
        groups: left to right, at least one.
    """

    groups: tuple[Group, ...]

    @property
    def text(self) -> str:
        """Its groups, with a space between two."""
        return " ".join(group.text for group in self.groups)

    @property
    def characters(self) -> tuple[Character, ...]:
        """Those of its groups."""
        return tuple(character for group in self.groups for character in group.characters)

    @property
    def box(self) -> Box:
        """Around its characters."""
        return Box.around(group.box for group in self.groups)

    @property
    def confidence(self) -> float:
        """The probability that its text is right."""
        return _confidence(group.confidence for group in self.groups)

    @property
    def sure(self) -> bool:
        """Whether all of its groups are sure."""
        return all(group.sure for group in self.groups)


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell of a table.

    Attributes:
        box: between its rulings; without these around what is written in it, or where its row and
            column cross.
        groups: what is written in it, also found in the lines; none if it is blank.
        left_out: ink of a digit's size in it that was not read.
    """

    box: Box
    groups: tuple[Group, ...] = ()
    left_out: tuple[Box, ...] = ()

    @property
    def text(self) -> str:
        """Its groups, with a space between two; empty if it is blank."""
        return " ".join(group.text for group in self.groups)

    @property
    def confidence(self) -> float:
        """The probability that its text is right; 1 if it is blank."""
        return _confidence(group.confidence for group in self.groups)

    @property
    def sure(self) -> bool:
        """Whether all of its groups are sure, and nothing in it was left out."""
        return not self.left_out and all(group.sure for group in self.groups)


@dataclass(frozen=True, eq=False)
class Table:
    """A table or a form.

    Attributes:
        box: around its cells.
        rows: from top to bottom, each with a cell for every column.
        ruled: whether rulings tell where its cells are.
    """

    box: Box
    rows: tuple[tuple[Cell, ...], ...]
    ruled: bool = False


@dataclass(frozen=True, eq=False)
class Reading:
    """What one picture says; nothing if there is no ink.

    In a notebook it shows what was read of each character, and how sure that is.

    Attributes:
        lines: from top to bottom.
        size: width and height of the picture in pixels, as one sees it.
        tables: ruled ones, or of numbers that line up.
        left_out: where ink of a digit's size was not read.
        remarks: what else there is to say of it, a sentence each.
    """

    lines: tuple[Line, ...]
    size: tuple[int, int]
    tables: tuple[Table, ...] = ()
    left_out: tuple[Box, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[Group, ...]:
        """The numbers, in reading order."""
        return tuple(group for line in self.lines for group in line.groups)

    @property
    def characters(self) -> tuple[Character, ...]:
        """The digits and signs, in reading order."""
        return tuple(character for group in self.groups for character in group.characters)

    @property
    def text(self) -> str:
        """What it says, such as ``"12.50 407"``: a space between two groups, a line break between
        two lines; empty if it says nothing. Unsure characters count: see :attr:`sure`.
        """
        return "\n".join(line.text for line in self.lines)

    @property
    def digits(self) -> str:
        """Only the digits of it, such as ``"1250407"``."""
        return "".join(filter(str.isdecimal, self.text))

    @property
    def sure(self) -> bool:
        """Whether there are characters, all of them reach the threshold, none is cut by the
        picture's edge, and no other ink of a digit's size was left out.
        """
        return bool(self.lines) and not self.left_out and all(line.sure for line in self.lines)

    @property
    def confidence(self) -> float:
        """The probability that the whole text is right if its characters err independently; 0 if it
        says nothing.
        """
        return _confidence(group.confidence for group in self.groups) if self.lines else 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What makes it unsure besides unsure characters, and :attr:`remarks`."""
        notes = []
        if cut := sum(character.cut for character in self.characters):
            who = "a character is" if cut == 1 else f"{cut} characters are"
            notes.append(f"{who} cut by the edge")
        if left := len(self.left_out):
            notes.append(f"ink of a digit's size was not read in {counted(left, 'place')}")
        notes += [
            _misfit(group.text, group.match)
            for group in self.groups
            if group.match is not None and not group.match.credible
        ]
        return (*notes, *self.remarks)

    def matching(self, pattern: "Pattern | str | Sequence[Pattern | str]") -> "Reading":
        r"""Return the likeliest reading whose numbers all are what a pattern allows.

        Args:
            pattern: what each number may be, such as ``"0-100"``, ``r"\d{4}"`` or
                ``"dd/mm/yyyy"``; with a column of the tables in front, such as ``"2=0-100"``, what
                a number of that column may be; or several of these. See
                :class:`mnistlab.recogniser.pattern.Pattern`.

        Returns:
            A number's confidence is the probability of its text among all that the pattern allows.
            A number that hardly can be what its pattern allows is unsure, and a note says so.

        Raises:
            PatternError: a pattern cannot be understood.
        """
        from mnistlab.recogniser.matching import match_reading

        return match_reading(self, pattern)

    def grid(self, rows: int, columns: int) -> "Reading":
        """Return the reading of a picture that is known to be one regular grid, such as a sudoku.

        Args:
            rows: of the grid, at least 1.
            columns: likewise.

        Returns:
            One table, and its rows as lines. The grid is that of the rulings if some were found;
            else its place follows from the characters, and a remark says so if it is doubtful.

        Raises:
            MnistlabError: there are no such grids.
        """
        from mnistlab.recogniser.grid import to_grid

        return to_grid(self, rows, columns)

    def changed(self, change: Callable[[Group], Group | None]) -> "Reading":
        """Return the reading with every group changed or left out, in lines and tables alike."""
        new = {id(group): change(group) for group in self.groups}

        def taken(groups: tuple[Group, ...]) -> tuple[Group, ...]:
            return tuple(made for group in groups if (made := new[id(group)]) is not None)

        return replace(
            self,
            lines=tuple(Line(taken(line.groups)) for line in self.lines),
            tables=tuple(
                replace(
                    table,
                    rows=tuple(
                        tuple(replace(cell, groups=taken(cell.groups)) for cell in row)
                        for row in table.rows
                    ),
                )
                for table in self.tables
            ),
        )

    @property
    def answer(self) -> Answer:
        """What programs get of it, with probabilities rounded to six decimals."""
        return Answer(
            text=self.text,
            digits=self.digits,
            sure=self.sure,
            confidence=round(self.confidence, _DECIMALS),
            lines=[
                LineAnswer(**_told(line), groups=[_group(group) for group in line.groups])
                for line in self.lines
            ],
            tables=[
                TableAnswer(
                    box=list(table.box),
                    rows=[[CellAnswer(**_told(cell)) for cell in row] for row in table.rows],
                )
                for table in self.tables
            ],
            left_out=[list(box) for box in self.left_out],
            notes=list(self.notes),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields of :attr:`answer`, ready for JSON: ``text``, ``digits``, ``sure``,
        ``confidence``, ``lines``, ``tables``, ``left_out`` and ``notes``.
        """
        return self.answer.model_dump()

    def _repr_html_(self) -> str:
        from mnistlab.recogniser.card import reading_card

        return reading_card(self)

    def __str__(self) -> str:
        return self.text or "no digit"


def _misfit(text: str, match: Match) -> str:
    if not match.probability or text == match.plain:
        return f"{match.plain} does not fit {match.pattern}"
    return f"{match.plain} hardly fits {match.pattern} and is read as {text}"


def likeliest(probabilities: NDArray[np.float64]) -> str:
    """Return the likeliest character, never other ink, of probabilities ``(20,)``."""
    return CHARACTERS[int(probabilities[:OTHER].argmax())]


def _confidence(parts: Iterable[float]) -> float:
    """Return the probability that all parts of a whole are right, from those of each: if they err
    independently, the product.
    """
    return float(np.prod(list(parts)))


def _told(part: Line | Group | Character | Cell) -> dict[str, Any]:
    """Return what an answer says of every part."""
    return {
        "text": part.text,
        "sure": part.sure,
        "confidence": round(part.confidence, _DECIMALS),
        "box": list(part.box),
    }


def _group(group: Group) -> GroupAnswer:
    return GroupAnswer(
        **_told(group),
        characters=[
            CharacterAnswer(
                **_told(one),
                cut=one.cut,
                probabilities=[round(float(p), _DECIMALS) for p in one.probabilities],
            )
            for one in group.characters
        ],
    )
