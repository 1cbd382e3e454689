"""Readings: how many pictures are read without a mistake, and whether the reader's confidence
holds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from mnistlab.statistics.interval import Interval, wilson_interval

_EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
"""Lower ends of the bins of confidence: most readings have a high one."""
GROUPS = {"single": "single", "multi": "several", "hard": "hard"}
"""Of pictures, by the word with which a kind begins: ``hard-table`` is of the group hard."""
ALL = "all"


class ReadCharacter(NamedTuple):
    """One character that was read, and the probability, 0 to 1, that it is right."""

    text: str
    confidence: float


@dataclass(frozen=True)
class ReadPicture:
    """A picture whose text is known, and what was read.

    Attributes:
        name: of its file.
        kind: the user's word for pictures of its kind; may be empty.
        truth: what is written there.
        read: what was read, to be compared with ``truth``.
        sure: whether the reader called it sure.
        confidence: the probability, 0 to 1, that the whole is right.
        characters: of ``read``, without white space.
        seconds: that reading took.
    """

    name: str
    kind: str
    truth: str
    read: str
    sure: bool
    confidence: float
    characters: tuple[ReadCharacter, ...]
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the whole was read without a mistake."""
        return self.read == self.truth

    @property
    def sure_and_wrong(self) -> bool:
        """Whether it was called sure in spite of a mistake."""
        return self.sure and not self.right

    @property
    def group(self) -> str:
        """See :data:`GROUPS`; the kind itself if it begins otherwise."""
        return GROUPS.get(self.kind.partition("-")[0], self.kind)


@dataclass(frozen=True)
class ReadingScore:
    """How well the pictures of one kind were read.

    Attributes:
        name: of the kind, of a group of kinds, or ``all``.
        pictures: how many.
        right: how many of them were read without a mistake.
        interval: 95 % interval of their share, 0 to 1 (Wilson, 1927).
        sure: how many were called sure.
        sure_and_wrong: how many of these have a mistake.
        characters: that are written.
        edits: characters to insert, remove or change until all is right.
        seconds: median of a picture.
    """

    name: str
    pictures: int
    right: int
    interval: Interval
    sure: int
    sure_and_wrong: int
    characters: int
    edits: int
    seconds: float

    @property
    def share(self) -> float:
        """Share of the pictures that were read without a mistake, 0 to 1."""
        return self.right / self.pictures

    @property
    def error_rate(self) -> float | None:
        """Edits for each character that is written; ``None`` if none is."""
        return self.edits / self.characters if self.characters else None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return vars(self) | {"interval": self.interval.ends(6), "seconds": round(self.seconds, 6)}


@dataclass(frozen=True)
class ConfidenceBin:
    """Readings of similar confidence.

    Attributes:
        low: lowest confidence, 0 to 1.
        count: of the readings.
        expected: how many should be right: the sum of their confidences.
        right: how many are.
        interval: 95 % interval of their share, 0 to 1 (Wilson, 1927).
    """

    low: float
    count: int
    expected: float
    right: int
    interval: Interval

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return vars(self) | {"interval": self.interval.ends(6), "expected": round(self.expected, 3)}


def score(name: str, pictures: Sequence[ReadPicture]) -> ReadingScore:
    """Score at least one picture."""
    right = sum(picture.right for picture in pictures)
    return ReadingScore(
        name=name,
        pictures=len(pictures),
        right=right,
        interval=wilson_interval(right, len(pictures)),
        sure=sum(picture.sure for picture in pictures),
        sure_and_wrong=sum(picture.sure_and_wrong for picture in pictures),
        characters=sum(len(picture.truth) for picture in pictures),
        edits=sum(edit_distance(picture.truth, picture.read) for picture in pictures),
        seconds=median(picture.seconds for picture in pictures),
    )


def score_kinds(pictures: Sequence[ReadPicture]) -> list[ReadingScore]:
    """Score each group, after it each of its kinds if they are several, and at last all pictures;
    groups and kinds in the order in which they occur.
    """
    scores = []
    for group in dict.fromkeys(picture.group for picture in pictures):
        own = [picture for picture in pictures if picture.group == group]
        kinds = list(dict.fromkeys(picture.kind for picture in own))
        if group:
            scores.append(score(group, own))
        if kinds != [group]:
            scores += [score(kind, [one for one in own if one.kind == kind]) for kind in kinds]
    return [*scores, score(ALL, pictures)]


def picture_calibration(pictures: Iterable[ReadPicture]) -> list[ConfidenceBin]:
    """Compare the confidence of whole readings with how many are right; a picture in which nothing
    was read has none.
    """
    return _calibrate([(one.confidence, one.right) for one in pictures if one.characters])


def character_calibration(pictures: Iterable[ReadPicture]) -> list[ConfidenceBin]:
    """Compare the confidence of characters with how many are right: those that stay when what was
    read is changed into what is written with the fewest edits.
    """
    outcomes = []
    for picture in pictures:
        read = "".join(one.text for one in picture.characters)
        kept = matches("".join(picture.truth.split()), read)
        outcomes += [(one.confidence, k in kept) for k, one in enumerate(picture.characters)]
    return _calibrate(outcomes)


def _calibrate(outcomes: list[tuple[float, bool]]) -> list[ConfidenceBin]:
    """Return the bins that hold any of the confidences, ascending."""
    bins = []
    for low, high in zip(_EDGES, (*_EDGES[1:], float("inf")), strict=True):
        own = [(confidence, right) for confidence, right in outcomes if low <= confidence < high]
        if own:
            right = sum(right for _, right in own)
            expected = sum(confidence for confidence, _ in own)
            interval = wilson_interval(right, len(own))
            bins.append(ConfidenceBin(low, len(own), expected, right, interval))
    return bins


def edit_distance(first: str, second: str) -> int:
    """Return how many characters have to be inserted, removed or changed (Levenshtein, 1965).

    >>> edit_distance("407", "4017")
    1
    """
    return _distances(first, second)[-1][-1]


def matches(truth: str, read: str) -> set[int]:
    """Return the places in ``read`` of the characters that stay when it is changed into ``truth``
    with the fewest edits.

    >>> matches("407", "4017")
    {0, 1, 3}
    """
    table = _distances(truth, read)
    kept, row, column = set(), len(truth), len(read)
    while row and column:
        here = table[row][column]
        changed = truth[row - 1] != read[column - 1]
        if here == table[row - 1][column - 1] + changed:
            row, column = row - 1, column - 1
            if not changed:
                kept.add(column)
        elif here == table[row - 1][column] + 1:
            row -= 1
        else:
            column -= 1
    return kept


def _distances(first: str, second: str) -> list[list[int]]:
    """Return the edit distance between every beginning of one text and every one of another."""
    table = [list(range(len(second) + 1))]
    for row, own in enumerate(first, 1):
        above = table[-1]
        line = [row]
        for column, other in enumerate(second, 1):
            line.append(
                min(above[column - 1] + (own != other), above[column] + 1, line[column - 1] + 1)
            )
        table.append(line)
    return table
