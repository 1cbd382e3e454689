"""Marks: connected pieces of ink that somebody wrote; not specks, shadows, ruled lines, or edges of
the paper.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mnistlab.recogniser.ink import Ink
from mnistlab.recogniser.ruling import erase_rulings
from mnistlab.recogniser.strokes import measure, slope_of

CONNECTED = 0.42
"""Of a mark's own contrast: what is so dark belongs to it. Below the half at which a stroke's edge
is: pens skip."""
_FAINTEST, _SOFTEST, _THICKEST = 0.4, 0.35, 3.0
"""Times the writing's contrast, sharpness and thickness: other marks are shadows, or print that
shines through."""
_CLEAR = 1.5
"""Times the least contrast that can be ink: writing is darker, noise is not."""
_MOST = 300
"""Marks looked at, the largest; a picture of more is texture."""
_CONTACT, _ALONG, _WITHIN = 4.0, 0.75, 0.2
"""A stroke touches the picture's edge along so many thicknesses at most, or so much of its mark's
shorter side; what does for longer comes in from outside, if what lies within weighs so much of it.
"""
_LEAST, _LEAST_AT_EDGE = 0.01, 0.15
"""Of the heaviest mark's weight: a mark is more, a mark at the picture's edge still more."""
_SPECK = 0.15
"""Of the writing's height: smaller marks are specks."""


@dataclass(frozen=True, eq=False)
class Mark:
    """One connected piece of ink.

    Attributes:
        left: column of its leftmost pixel.
        top: row of its topmost.
        shape: bool, ``(height, width)``: its pixels within its own rectangle.
        contrast: of its strokes to the paper.
        thickness: of its strokes, in pixels.
        weight: how much of the writing it is.
    """

    left: int
    top: int
    shape: NDArray[np.bool_]
    contrast: float
    thickness: float
    weight: float

    @property
    def right(self) -> int:
        """Column behind its rightmost pixel."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """Row below its lowest pixel."""
        return self.top + self.height

    @cached_property
    def area(self) -> int:
        """Pixels of it."""
        return int(self.shape.sum())

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.shape.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.shape.shape[1])


def find_marks(
    ink: Ink, writing: float, *, connected: float = CONNECTED, ruled: bool = True
) -> list[Mark]:
    """Return the marks that somebody wrote, as far as one can tell without reading them.

    Args:
        ink: the picture's.
        writing: its writing's contrast.
        connected: share of it from which on ink belongs together.
        ruled: whether long straight lines may be the paper's.
    """
    solid = ink.contrast > max(ink.threshold, connected * writing)
    solid = erase_rulings(solid) if ruled else solid
    strokes = measure(ink, solid, slope_of(ink))
    if strokes is None or not strokes.weight.any():
        return []
    if strokes.typical(strokes.contrast) < _CLEAR * ink.threshold:
        return []
    chosen = strokes.contrast >= _FAINTEST * strokes.typical(strokes.contrast)
    chosen &= strokes.sharpness >= _SOFTEST * strokes.typical(strokes.sharpness)
    if not ink.drawn:
        chosen &= strokes.thickness <= _THICKEST * strokes.typical(strokes.thickness)
    names = np.flatnonzero(chosen)
    names = names[np.argsort(-strokes.length[names])[:_MOST]]
    marks = []
    for name in names:
        rows, columns = strokes.places[name]
        shape = strokes.labels[rows, columns] == name + 1
        figures = (strokes.contrast[name], strokes.thickness[name], strokes.weight[name])
        marks.append(Mark(columns.start, rows.start, shape, *map(float, figures)))
    return _without_specks(marks if ink.drawn else _without_edges(marks, solid.shape))


def _without_edges(marks: list[Mark], size: tuple[int, int]) -> list[Mark]:
    """Leave out what comes in from outside the picture along its edge, if there is better
    within.
    """
    contacts = [_contact(mark, size) for mark in marks]
    within = max(
        (mark.weight for mark, contact in zip(marks, contacts, strict=True) if not contact),
        default=0.0,
    )
    most = max((mark.weight for mark in marks), default=0.0)
    return [
        mark
        for mark, contact in zip(marks, contacts, strict=True)
        if mark.weight >= (_LEAST_AT_EDGE if contact else _LEAST) * most
        and (
            contact <= max(_CONTACT * mark.thickness, _ALONG * min(mark.shape.shape))
            or within < _WITHIN * mark.weight
        )
    ]


def _contact(mark: Mark, size: tuple[int, int]) -> int:
    """Return along how many pixels a mark touches the picture's edge."""
    height, width = size
    sides = (
        (mark.top <= 1, mark.shape[0]),
        (mark.bottom >= height - 1, mark.shape[-1]),
        (mark.left <= 1, mark.shape[:, 0]),
        (mark.right >= width - 1, mark.shape[:, -1]),
    )
    return max(int(line.sum()) if touches else 0 for touches, line in sides)


def _without_specks(marks: list[Mark]) -> list[Mark]:
    if not marks:
        return []
    tallest = max(mark.height for mark in marks)
    longest = max(max(mark.height, mark.width) for mark in marks)
    least = _SPECK * min(longest, 2 * tallest)
    return [mark for mark in marks if max(mark.height, mark.width) >= least and mark.area >= 6]
