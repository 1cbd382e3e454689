"""Pattern: what a number may be: a range, a date, a regular expression."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from mnistlab.characters import CHARACTERS
from mnistlab.errors import PatternError
from mnistlab.recogniser.automaton import Automaton, Part, any_of, chain, one_of, times
from mnistlab.text import shorten

_DIGITS = CHARACTERS[:10]
_MOST_TIMES = 100
_MOST_DIGITS, _DEEPEST = 15, 40
_RANGE = re.compile(r"(-?)(\d+)(?:\.(\d+))?-(-?)(\d+)(?:\.(\d+))?")
_DATE = re.compile(r"(?i)(dd?|mm?|yyyy|yy)([-./])(dd?|mm?|yyyy|yy)(?:\2(dd?|mm?|yyyy|yy))?")
_COUNT = re.compile(r"\{(\d+)(,)?(\d+)?\}")
_TIMES: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}
_FEBRUARY, _LONG_MONTHS = 2, (1, 3, 5, 7, 8, 10, 12)
_COLUMN = re.compile(r"(\d+)\s*=\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Pattern:
    r"""What a number, or a number of one column of a table, may be.

    Args:
        text: one of these, or several with ``|`` between them:

            - a range: ``0-100``, ``-10-10``; with decimals, as many as the bounds have:
              ``0.0-10.0`` (a point or a comma). Zeros in front are allowed up to the bounds' width.
            - a date: ``dd/mm/yyyy``, ``yyyy-mm-dd``, ``d.m.yy``, ``mm/yyyy`` and so on: ``d`` and
              ``m`` have one or two digits. Days that the calendar does not have are not allowed.
            - a regular expression for the whole number: characters, ``.`` for any of them, ``\d``,
              ``[0-9]``, ``[^5]``, ``( )``, ``|``, ``?``, ``*``, ``+``, ``{2}``, ``{2,}`` and
              ``{2,3}``; other signs after ``\``, such as ``\d+\.\d{2}``.

            In front may be a column's number, from 1: ``2=0-100``.

    Attributes:
        column: from 1; ``None`` if any number is meant.
        allowed: what a number may be.
        automaton: accepts it.

    Raises:
        PatternError: it cannot be understood, or allows no number.

    Examples:
        >>> Pattern("0-100").automaton.accepts("99")
        True
        >>> Pattern("dd/mm/yyyy").automaton.accepts("30/02/2024")
        False
    """

    text: str
    column: int | None = field(init=False)
    allowed: str = field(init=False)
    automaton: Automaton = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        of_column = _COLUMN.fullmatch(self.text.strip())
        column = int(of_column[1]) if of_column else None
        allowed = of_column[2] if of_column else self.text.strip()
        try:
            if column == 0:
                raise PatternError("columns are counted from 1")
            automaton = _automaton(allowed)
        except PatternError as error:
            raise PatternError(f"pattern {shorten(self.text)}: {error}") from None
        for name, value in (("column", column), ("allowed", allowed), ("automaton", automaton)):
            object.__setattr__(self, name, value)


Patterns: TypeAlias = Pattern | str | Sequence[Pattern | str]
"""One or several."""


def parse_patterns(patterns: Patterns) -> dict[int | None, Pattern]:
    """Return patterns by column; that of ``None`` is of all others.

    Raises:
        PatternError: one cannot be understood, is no text, or two are of the same column.
    """
    try:
        given = [patterns] if isinstance(patterns, str | Pattern) else list(patterns)
    except TypeError as error:
        raise PatternError(f"pattern {patterns}: neither a text nor several of them") from error
    by_column: dict[int | None, Pattern] = {}
    for one in given:
        pattern = Pattern(one) if isinstance(one, str) else one
        if pattern.column in by_column:
            what = f"column {pattern.column}" if pattern.column else "all numbers"
            raise PatternError(
                f"pattern {shorten(pattern.text)}: there is one for {what} already,"
                f" {by_column[pattern.column].text}; put | between what is allowed"
            )
        by_column[pattern.column] = pattern
    return by_column


@lru_cache(maxsize=64)
def _automaton(allowed: str) -> Automaton:
    if not allowed:
        raise PatternError("is empty")
    return Automaton.of(any_of([_alternative(one.strip()) for one in _alternatives(allowed)]))


def _alternatives(allowed: str) -> list[str]:
    """Split at each ``|`` that is in no brackets."""
    parts, depth = [""], 0
    for piece in re.findall(r"\\.|\[\^?\]?[^\]]*\]?|.", allowed, re.DOTALL):
        depth += (piece == "(") - (piece == ")")
        if piece == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _alternative(text: str) -> Part:
    if bounds := _RANGE.fullmatch(text):
        return _range(*bounds.groups(default=""))
    if date := _DATE.fullmatch(text):
        return _date([one.lower() for one in date.groups() if one and one != date[2]], date[2])
    return _Expression(text).parse()


def _range(*bounds: str) -> Part:
    """Return what is from one number to another: sign, whole part and decimals of each."""
    decimals = max(len(bounds[2]), len(bounds[5]))
    width = max(len(bounds[1]), len(bounds[4])) + decimals
    if width > _MOST_DIGITS:
        raise PatternError(f"a range of more than {_MOST_DIGITS} digits")
    low, high = (
        int(f"{sign}{whole}{part:0<{decimals}}") for sign, whole, part in (bounds[:3], bounds[3:])
    )
    if low > high:
        raise PatternError("the range ends before it begins")
    parts = []
    if high >= 0:
        parts.append(_numbers(max(low, 0), high, width, decimals))
    if low < 0:
        least = max(-high, 1)
        parts.append(chain([one_of("-"), _numbers(least, -low, width, decimals)]))
    return any_of(parts)


def _numbers(low: int, high: int, width: int, decimals: int) -> Part:
    """Return the numbers from one to another, in units of the last decimal, of up to so many
    digits.
    """
    parts = []
    for length in range(decimals + 1, width + 1):
        most = min(high, 10**length - 1)
        if low <= most:
            parts.append(_between(f"{low:0{length}}", f"{most:0{length}}", decimals))
    return any_of(parts)


def _between(low: str, high: str, decimals: int) -> Part:
    """Return the texts of digits from one to another of the same length."""
    if not low:
        return chain([])
    point = [one_of(".,")] if decimals and len(low) == decimals else []
    rest = len(low) - 1
    if not low.strip("0") and not high.strip("9"):
        return chain([*point, one_of(_DIGITS), _between(low[1:], high[1:], decimals)])
    first, last = int(low[0]), int(high[0])
    if first == last:
        return chain([*point, one_of(low[0]), _between(low[1:], high[1:], decimals)])
    parts = [
        chain([one_of(low[0]), _between(low[1:], "9" * rest, decimals)]),
        chain([one_of(high[0]), _between("0" * rest, high[1:], decimals)]),
    ]
    if last - first > 1:
        between = one_of(_DIGITS[first + 1 : last])
        parts.append(chain([between, _between("0" * rest, "9" * rest, decimals)]))
    return chain([*point, any_of(parts)])


def _date(fields: list[str], sign: str) -> Part:
    """Return the dates of a format, such as ``["dd", "mm", "yyyy"]``."""
    kinds = [one[0] for one in fields]
    if len(set(kinds)) < len(kinds):
        raise PatternError("a date has one day, one month and one year")
    branches: list[dict[str, Iterable[int]]] = [
        {"d": range(1, 29), "m": range(1, 13)},
        {"d": [29, 30], "m": [month for month in range(1, 13) if month != _FEBRUARY]},
        {"d": [31], "m": _LONG_MONTHS},
        {"d": [29], "m": [_FEBRUARY]},
    ]
    made = []
    for branch in branches:
        leap = branch["m"] == [_FEBRUARY] and "d" in kinds
        parts: list[Part] = []
        for one in fields:
            parts += [one_of(sign)] if parts else []
            parts.append(
                _years(len(one), leap=leap) if one[0] == "y" else _values(branch[one[0]], len(one))
            )
        made.append(chain(parts))
    return any_of(made)


def _values(numbers: Iterable[int], width: int) -> Part:
    """Return numbers of two digits, or of one or two if the width is 1."""
    texts = {f"{number:02}" for number in numbers}
    texts |= {text.lstrip("0") for text in texts} if width == 1 else set()
    return any_of([chain([one_of(digit) for digit in text]) for text in sorted(texts)])


def _years(width: int, *, leap: bool) -> Part:
    """Return years of two or four digits, all or those with a 29 February."""
    short = _values(range(0, 100, 4 if leap else 1), 2)
    if width == 2:
        return short
    if not leap:
        return _between("0001", "9999", 0)
    fourth = _values(range(4, 100, 4), 2)
    return any_of(
        [
            chain([one_of(_DIGITS), one_of(_DIGITS), fourth]),
            chain([fourth, one_of("0"), one_of("0")]),
        ]
    )


class _Expression:
    """A regular expression, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("^")
        if self._text.endswith("$") and not self._text.endswith(r"\$"):
            self._text = self._text[:-1]
        self._at = self._depth = 0

    def parse(self) -> Part:
        part = self._any()
        if self._at < len(self._text):
            raise PatternError("a ) closes nothing")
        return part

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, expected: str) -> bool:
        found = self._text.startswith(expected, self._at)
        self._at += len(expected) * found
        return found

    def _next(self, needed: str) -> str:
        if not (character := self._peek()):
            raise PatternError(f"ends where {needed} is needed")
        self._at += 1
        return character

    def _any(self) -> Part:
        parts = [self._chain()]
        while self._take("|"):
            parts.append(self._chain())
        return any_of(parts)

    def _chain(self) -> Part:
        parts: list[Part] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated())
        return chain(parts)

    def _repeated(self) -> Part:
        part = self._atom()
        while sign := self._peek():
            if sign in _TIMES:
                self._at += 1
                part = times(part, *_TIMES[sign])
            elif sign == "{":
                part = times(part, *self._count())
            else:
                break
        return part

    def _count(self) -> tuple[int, int | None]:
        found = _COUNT.match(self._text, self._at)
        if not found:
            raise PatternError("write a number of times as {2}, {2,} or {2,3}")
        self._at = found.end()
        least = int(found[1])
        most = int(found[3]) if found[3] else None if found[2] else least
        if max(least, most or 0) > _MOST_TIMES:
            raise PatternError(f"at most {_MOST_TIMES} times can be asked for")
        if most is not None and most < least:
            raise PatternError(f"{found[0]}: the second number is below the first")
        return least, most

    def _atom(self) -> Part:
        character = self._next("a character")
        if character == "(":
            if self._take("?") and not self._take(":"):
                raise PatternError("of groups only ( ) and (?: ) are known")
            self._depth += 1
            if self._depth > _DEEPEST:
                raise PatternError(f"brackets within brackets, more than {_DEEPEST} deep")
            part = self._any()
            if not self._take(")"):
                raise PatternError("a ( is not closed")
            self._depth -= 1
            return part
        if character == "[":
            return one_of(self._class())
        if character == ".":
            return one_of(CHARACTERS)
        if character == "\\":
            return one_of(self._escaped())
        if character in "?*+{":
            raise PatternError(
                f"nothing stands in front of {character} to be repeated; the sign itself is"
                f" \\{character}"
            )
        return one_of(_known(character))

    def _escaped(self) -> str:
        character = self._next("a character after \\")
        return _DIGITS if character == "d" else _known(character)

    def _class(self) -> str:
        inverted = self._take("^")
        found: set[str] = set()
        while not found or self._peek() != "]":
            first = self._class_member()
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                last = self._class_member()
                if not (first in _DIGITS and last in _DIGITS and first <= last):
                    raise PatternError(f"[{first}-{last}] is no range of digits")
                found |= set(_DIGITS[int(first) : int(last) + 1])
            else:
                found |= set(first)
        self._at += 1
        chosen = set(CHARACTERS) - found if inverted else found
        if not chosen:
            raise PatternError("[^...] leaves no character")
        return "".join(chosen)

    def _class_member(self) -> str:
        character = self._next("a ]")
        return self._escaped() if character == "\\" else _known(character)


def _known(character: str) -> str:
    if character not in CHARACTERS:
        raise PatternError(f"{character!r} is none of the characters that are read: {CHARACTERS}")
    return character
