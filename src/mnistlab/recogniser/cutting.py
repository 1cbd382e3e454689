"""Cutting: the characters of a picture as digits that a network can read; a character of several is
cut apart.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.glyphs.glyph import prepare
from mnistlab.recogniser.ink import Ink
from mnistlab.recogniser.layout import Character
from mnistlab.recogniser.splitting import split

MOST_PIECES = 500
"""Pieces read to see where characters are to be cut, up to which others may be cut as well; more is
texture."""

Mask = NDArray[np.bool_]
Logits = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Glyph:
    """One digit, found and prepared but not read.

    Attributes:
        box: left, top, right and bottom in pixels of what was looked at; the last two lie outside.
        pixels: uint8, ``(28, 28)``.
    """

    box: tuple[int, int, int, int]
    pixels: NDArray[np.uint8]


class Cutter:
    """Cuts the characters of one picture; what it has seen once it knows.

    Args:
        logits: of images, uint8 ``(n, 28, 28)``.
        typical: see :func:`mnistlab.recogniser.splitting.split`.
    """

    def __init__(self, logits: Logits, typical: float | None) -> None:
        self._logits, self._typical = logits, typical
        self._left = MOST_PIECES
        self._known: dict[tuple[object, ...], list[Glyph]] = {}

    def glyphs(self, character: Character, tall: float, ink: Ink, *, several: bool) -> list[Glyph]:
        """Return a character's digits, left to right.

        Args:
            character: of the picture.
            tall: height of its line's digits, in pixels.
            ink: of the picture.
            several: whether it may be several digits that touch.
        """
        mask = character.mask()
        place = (character.left, character.top, *mask.shape)
        key = (ink, mask.tobytes(), place, character.contrast, character.thickness, tall, several)
        if key not in self._known:
            masks = self._cut(character, tall, ink) if several and self._left > 0 else [mask]
            self._known[key] = [_glyph(character, part, ink) for part in masks]
        return self._known[key]

    def _cut(self, character: Character, tall: float, ink: Ink) -> list[Mask]:
        def read(masks: list[Mask]) -> NDArray[np.float32]:
            self._left -= len(masks)
            return self._logits(np.stack([prepare(character.amount(ink, mask)) for mask in masks]))

        return split(character.mask(), tall, character.thickness, read, self._typical)


def _glyph(character: Character, mask: Mask, ink: Ink) -> Glyph:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = character.left + int(columns[0]), character.top + int(rows[0])
    box = (left, top, left + int(columns[-1] - columns[0]) + 1, top + int(rows[-1] - rows[0]) + 1)
    return Glyph(box, prepare(character.amount(ink, mask)))
