"""Parts of a reading: lines, groups and characters; tables and cells."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistlab.characters import CHARACTERS, OTHER

FAINT = 0.5
"""Presence below which a character is not read, unless a pattern needs it."""
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

    @classmethod
    def of(cls, candidates: Iterable[Character]) -> "tuple[Group, ...]":
        """Return the group of some candidates, left to right; none if all of them are faint."""
        candidates = tuple(candidates)
        read = tuple(one for one in candidates if one.presence >= FAINT)
        return (cls(read, candidates),) if read else ()

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
        return confidence_of(character.confidence for character in self.characters)

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
        return confidence_of(group.confidence for group in self.groups)

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
        left_out: ink that may be a character in it that was not read.
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
        return confidence_of(group.confidence for group in self.groups)

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


def likeliest(probabilities: NDArray[np.float64]) -> str:
    """Return the likeliest character, never other ink, of probabilities ``(20,)``."""
    return CHARACTERS[int(probabilities[:OTHER].argmax())]


def confidence_of(parts: Iterable[float]) -> float:
    """Return the probability that all parts of a whole are right, from those of each: if they err
    independently, the product.
    """
    return float(np.prod(list(parts)))
