"""Layout: which marks make one character, and in which order characters are read."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnistlab.recogniser.ink import Ink
from mnistlab.recogniser.marks import Mark

_FRAGMENT = 0.62
"""Of the line's height: a lower mark can be a part of its neighbour."""
_APART = 0.3
"""Of the line's height: parts of one character are not further apart."""
_OVERLAP = 0.5
"""Of the narrower one's width: parts of one character stand above each other by so much."""
_SKIP = 1.2
"""Of the strokes' thickness: parts of one character so near each other belong together wherever
they stand."""
_SMALL = 0.4
"""Of the line's height: lower characters are dots, dashes and commas."""
_SMALLEST_LINE = 0.3
"""Of the tallest character: lower lines are not the writing meant."""
_GAP, _LARGE_GAP, _WIDE_GAP = 0.7, 2.5, 2.0
"""Between two groups: of the line's height and at once of its narrower gaps, or more of the
height."""
_USUAL_WIDTH = 0.6
"""Of a digit, of the line's height."""
_NEAR = 2
"""Pixels around a part in which its strokes' edges lie."""


@dataclass(frozen=True)
class Character:
    """Marks that are read together.

    Attributes:
        marks: at least one.
    """

    marks: tuple[Mark, ...]

    @cached_property
    def left(self) -> int:
        """Leftmost column."""
        return min(mark.left for mark in self.marks)

    @cached_property
    def right(self) -> int:
        """Column behind the rightmost."""
        return max(mark.right for mark in self.marks)

    @cached_property
    def top(self) -> int:
        """Topmost row."""
        return min(mark.top for mark in self.marks)

    @cached_property
    def bottom(self) -> int:
        """Row below the lowest."""
        return max(mark.bottom for mark in self.marks)

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def contrast(self) -> float:
        """That of its largest mark."""
        return self._largest.contrast

    @property
    def thickness(self) -> float:
        """That of its largest mark's strokes."""
        return self._largest.thickness

    @cached_property
    def _largest(self) -> Mark:
        return max(self.marks, key=lambda mark: mark.area)

    def mask(self) -> NDArray[np.bool_]:
        """Return its pixels within its rectangle, ``(height, width)``."""
        return self._mask

    @cached_property
    def _mask(self) -> NDArray[np.bool_]:
        mask = np.zeros((self.height, self.width), bool)
        for mark in self.marks:
            row, column = mark.top - self.top, mark.left - self.left
            mask[row : row + mark.height, column : column + mark.width] |= mark.shape
        return mask

    def amount(self, ink: Ink, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return how much ink there is of a part of it: float32, ``(height, width)``, 0 to 1, half
        at a stroke's edge.

        Args:
            ink: the picture's.
            mask: bool, ``(height, width)``: the part.
        """
        rows, columns = (_around(np.flatnonzero(mask.any(axis=axis))) for axis in (1, 0))
        part, amount = mask[rows, columns], np.zeros(mask.shape, np.float32)
        contrast = ink.contrast[self.top : self.bottom, self.left : self.right][rows, columns]
        near = ndimage.binary_dilation(part, iterations=_NEAR) & ~(
            self._mask[rows, columns] & ~part
        )
        amount[rows, columns] = np.clip(contrast / self.contrast, 0, 1) * near
        return amount


def _around(places: NDArray[np.intp]) -> slice:
    """Return the rows or columns in which a part, which has ink in those given, and what is near it
    lie.
    """
    return slice(max(0, places[0] - _NEAR), places[-1] + _NEAR + 1) if len(places) else slice(0)


def arrange(marks: list[Mark]) -> list[list[Character]]:
    """Return lines from top to bottom, each with its characters from left to right."""
    if not marks:
        return []
    tall = _usual_height(marks)
    characters = _join(marks, tall)
    lines = _lines(characters)
    tallest = max(_height(line) for line in lines)
    kept = []
    for line in lines:
        height = _height(line)
        if height >= _SMALLEST_LINE * tallest:
            kept.append(
                [
                    c
                    for c in line
                    if max(c.height, 0.8 * c.width if len(line) == 1 else 0) >= _SMALL * height
                ]
            )
    return [sorted(line, key=lambda c: c.left) for line in sorted(kept, key=_middle) if line]


def part(boxes: NDArray[np.integer]) -> list[int]:
    """Return for each character of a line the number of its group, from 0: a gap much wider than
    others parts two.

    Args:
        boxes: ``(n, 4)``: left, top, right and bottom, left to right.
    """
    if len(boxes) < 2:
        return [0] * len(boxes)
    tall = float(np.median(boxes[:, 3] - boxes[:, 1]))
    # A one is narrow and has no wider gaps for it.
    wide = np.maximum(boxes[:, 2] - boxes[:, 0], _USUAL_WIDTH * tall)
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    gaps = np.maximum(np.diff(middles) - (wide[1:] + wide[:-1]) / 2, 0)
    narrow = float(np.quantile(gaps, 0.25))
    parts = (gaps > _WIDE_GAP * tall) | ((gaps > _GAP * tall) & (gaps > _LARGE_GAP * narrow))
    return [0, *np.cumsum(parts).tolist()]


def _usual_height(marks: list[Mark]) -> float:
    """Return the height of which the larger half of the ink is."""
    heights = np.array([mark.height for mark in marks], float)
    order = np.argsort(heights)
    weights = heights[order] ** 2
    return float(heights[order][np.searchsorted(np.cumsum(weights), 0.5 * weights.sum())])


def _join(marks: list[Mark], tall: float) -> list[Character]:
    """Join fragments, the largest first, to the character that they stand on, under, or in."""
    characters: list[Character] = []
    for mark in sorted(marks, key=lambda mark: -mark.area):
        alone = Character((mark,))
        fits = [c for c in characters if _belong(c, alone, tall)]
        if fits:
            host = min(fits, key=lambda c: _gap(c, alone))
            characters[characters.index(host)] = Character((*host.marks, mark))
        else:
            characters.append(alone)
    return characters


def _belong(one: Character, other: Character, tall: float) -> bool:
    shared = _shared(one.left, one.right, other.left, other.right)
    above = shared >= _OVERLAP * min(one.width, other.width)
    near = _SKIP * max(one.thickness, other.thickness)
    if above and 0 < _gap(one, other) <= near:
        return True
    if min(one.height, other.height) > _FRAGMENT * tall:
        # Two full heights: one character only if one lies within the other's columns and rows.
        return shared > 0.8 * min(one.width, other.width) and _shared(
            one.top, one.bottom, other.top, other.bottom
        ) > 0.5 * min(one.height, other.height)
    if above and _gap(one, other) <= _APART * tall:
        return True
    # A pen that skips.
    return bool(np.hypot(max(0, -shared), _gap(one, other)) <= near)


def _gap(one: Character, other: Character) -> int:
    """Return the rows between two characters, 0 if they share some."""
    return max(0, -_shared(one.top, one.bottom, other.top, other.bottom))


def _shared(first: int, first_end: int, second: int, second_end: int) -> int:
    """Return how long two ranges overlap; below 0, how far they are apart."""
    return min(first_end, second_end) - max(first, second)


def _lines(characters: list[Character]) -> list[list[Character]]:
    """Chain neighbours that share half of the lower one's rows, so that lines may slope."""
    lines: list[list[Character]] = []
    for character in sorted(characters, key=lambda c: c.left):
        near = [
            line
            for line in lines
            if _shared(line[-1].top, line[-1].bottom, character.top, character.bottom)
            >= 0.4 * min(line[-1].height, character.height)
        ]
        if near:
            max(near, key=lambda line: line[-1].right).append(character)
        else:
            lines.append([character])
    return lines


def _height(line: list[Character]) -> float:
    return float(np.quantile([character.height for character in line], 0.7))


def _middle(line: list[Character]) -> float:
    return float(np.mean([(character.top + character.bottom) / 2 for character in line]))
