"""Reading: what a picture says: lines of numbers, and tables, character by character."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mnistlab.answer import (
    Answer,
    CellAnswer,
    CharacterAnswer,
    GroupAnswer,
    LineAnswer,
    TableAnswer,
)
from mnistlab.recogniser.grid import to_grid
from mnistlab.recogniser.matching import match_reading
from mnistlab.recogniser.parts import Box, Cell, Character, Group, Line, Match, Table, confidence_of
from mnistlab.recogniser.pattern import Patterns
from mnistlab.text import counted

_MOST_MISFITS = 3
"""Numbers that are named one by one if they do not fit their pattern."""
_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Reading:
    """What one picture says; nothing if there is no ink.

    In a notebook it shows what was read of each character, and how sure that is.

    Attributes:
        lines: from top to bottom.
        size: width and height of the picture in pixels, as one sees it.
        tables: ruled ones, or of numbers that line up.
        left_out: where ink that may be a character was not read.
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
        picture's edge, and no ink that may be a character was left out.
        """
        return bool(self.lines) and not self.left_out and all(line.sure for line in self.lines)

    @property
    def confidence(self) -> float:
        """The probability that the whole text is right if its characters err independently; 0 if it
        says nothing.
        """
        return confidence_of(group.confidence for group in self.groups) if self.lines else 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What makes it unsure besides unsure characters, and :attr:`remarks`."""
        notes = []
        if cut := sum(character.cut for character in self.characters):
            who = "a character is" if cut == 1 else f"{cut} characters are"
            notes.append(f"{who} cut by the edge")
        if left := len(self.left_out):
            notes.append(f"ink that may be a character was not read in {counted(left, 'place')}")
        misfits = [
            _misfit(group.text, group.match)
            for group in self.groups
            if group.match is not None and not group.match.credible
        ]
        if len(misfits) > _MOST_MISFITS:
            others = len(misfits) - _MOST_MISFITS
            misfits[_MOST_MISFITS:] = [f"neither do {others} other numbers fit"]
        notes += misfits
        return (*notes, *self.remarks)

    def matching(self, pattern: Patterns) -> "Reading":
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
