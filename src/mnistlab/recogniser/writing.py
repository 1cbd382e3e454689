"""Writing: the marks of a picture, whatever the paper, the pen and the light."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnistlab.recogniser.ink import (
    WIDEST_STROKE,
    Ink,
    balance,
    find_drawn_ink,
    find_ink,
    reduce_ink,
)
from mnistlab.recogniser.marks import Mark, find_marks
from mnistlab.recogniser.picture import Picture
from mnistlab.recogniser.sheet import SMALLEST_SHEET, find_sheets, paint_table
from mnistlab.recogniser.strokes import measure, slope_of

_SURVEYED_SIDE = 320
"""Pixels of the longer side of the reduced picture on which a first look is taken."""
_STEP = 1.6
"""From one contrast at which regions are looked for to the next."""
_STROKES = 5
"""Thicknesses of a stroke in the window that sees it and the paper beside it."""
_NARROWEST = 9
_UNLIKELY = 0.2
"""What writing counts for that is light where most that stands out is dark, or the other way
round."""
_INKED = 0.35
"""Of a sheet's area that writing covers at most."""
_SHEET, _LOST = 0.7, 0.3
"""Of all writing: what lies on a sheet, for the rest to be the table's pattern; what the sheet's
edge cuts, at most."""
_ENLARGED = 2.0
"""Scale of pictures so small that strokes are blots in them."""
_BOARD = (70.0, 150.0)
"""Median light, of 255, up to which a picture is as probably a board, and from which it is hardly
one."""
_OTHERWISE = (0.3, 0.6)
"""Of the writing's contrast: what belongs together, see
:data:`mnistlab.recogniser.marks.CONNECTED`, instead of it."""
_DOUBT = 0.15
"""Of the likelier way's likelihood: the other is tried as well."""


class _Look(NamedTuple):
    """What a first look found: how much of it looks written, its contrast, and the thickness of its
    strokes.
    """

    written: float
    contrast: float
    thickness: float
    likelihood: float = 0.0
    dark: bool = True


class Writing(NamedTuple):
    """One way to see what is written.

    Attributes:
        ink: the picture's.
        marks: what of it somebody wrote.
        likelihood: against other ways to see the same picture: how much looks written.
        contrast: of what is written.
    """

    ink: Ink
    marks: list[Mark]
    likelihood: float
    contrast: float


def reconsider(writing: Writing) -> Iterator[Writing]:
    """See the same writing otherwise: strokes hang together more easily, or less, and lines are no
    rulings.
    """
    for connected in _OTHERWISE:
        yield writing._replace(marks=find_marks(writing.ink, writing.contrast, connected=connected))
    yield writing._replace(marks=find_marks(writing.ink, writing.contrast, ruled=False))


def find_writing(picture: Picture) -> list[Writing]:
    """Find what is written, in the ways it may be seen: dark on light, light on dark, or both if
    either may be.

    Args:
        picture: any.

    Returns:
        At least one way, perhaps without marks.
    """
    colours = picture.colours
    reduction = max(1, round(max(colours.shape[:2]) / _SURVEYED_SIDE))
    small = np.asarray(Image.fromarray(colours).reduce(reduction))
    enlarged = picture.scale >= _ENLARGED
    drawn = find_drawn_ink(colours)
    reduced = reduce_ink(drawn, reduction) if drawn is not None else None
    sheets = [] if enlarged or (reduced and _is_thin(reduced)) else find_sheets(small)
    if drawn and reduced and not sheets and (enlarged or _is_strokes(reduced)):
        contrast = look(reduced).contrast
        return [Writing(drawn, find_marks(drawn, contrast), 1.0, contrast)]
    whole = _looks(small)
    return _on_sheets(colours, small, sheets, whole) or _ways(colours, whole, reduction)


def _on_sheets(
    colours: NDArray[np.uint8],
    small: NDArray[np.uint8],
    sheets: list[NDArray[np.bool_]],
    whole: list[_Look],
) -> list[Writing]:
    """Look on sheets of paper alone; none if what is written goes beyond them."""
    found = []
    size = colours.shape[1], colours.shape[0]
    for sheet in sheets:
        painted = paint_table(small, sheet)
        looks = _looks(painted)
        seen = [
            look if look.written >= _SHEET * other.written else look._replace(likelihood=0.0)
            for look, other in zip(looks, whole, strict=True)
        ]
        within = np.asarray(Image.fromarray(sheet).resize(size, Image.Resampling.NEAREST))
        table = np.asarray(Image.fromarray(painted).resize(size, Image.Resampling.BILINEAR))
        ways = _ways(np.where(within[..., None], colours, table), seen, size[0] / small.shape[1])
        found += [uncut for way in ways if (uncut := _without_cut(way, within)).marks]
    return found


def _without_cut(way: Writing, sheet: NDArray[np.bool_]) -> Writing:
    """Leave out marks that a sheet's edge cuts off; if they were much of the writing, all."""
    rim = ndimage.binary_dilation(~sheet, iterations=3)
    kept = [
        mark
        for mark in way.marks
        if not (rim[mark.top : mark.bottom, mark.left : mark.right] & mark.shape).any()
    ]
    weight, lost = (
        sum(mark.weight for mark in marks) for marks in (way.marks, set(way.marks) - set(kept))
    )
    inked = sum(int(mark.shape.sum()) for mark in kept)
    return way._replace(
        marks=kept if lost <= _LOST * weight and inked <= _INKED * sheet.sum() else []
    )


def _looks(small: NDArray[np.uint8]) -> list[_Look]:
    """Take a first look at a reduced picture: for dark ink, and for light."""
    widest = round(WIDEST_STROKE * min(small.shape[:2]))
    lean = balance(small)
    # Light writing is seen on what is dark.
    board = float(np.interp(np.median(small), _BOARD, (1.0, _UNLIKELY)))
    looks = []
    for dark in (True, False):
        seen = look(find_ink(small, dark=dark, window=widest))
        likely = 1.0 if dark == (lean <= 0) else _UNLIKELY
        if not dark:
            likely *= board
        looks.append(seen._replace(likelihood=likely * seen.written, dark=dark))
    return looks


def _ways(colours: NDArray[np.uint8], looks: list[_Look], reduction: float) -> list[Writing]:
    """Look at the picture itself, for such strokes only as were seen at first."""
    best = max(seen.likelihood for seen in looks)
    widest = WIDEST_STROKE * min(colours.shape[:2])
    ways = []
    for seen in looks:
        if seen.likelihood > _DOUBT * best:
            window = round(min(max(_STROKES * seen.thickness, _NARROWEST) * reduction, widest))
            ink = find_ink(colours, dark=seen.dark, window=window)
            ways.append(
                Writing(ink, find_marks(ink, seen.contrast), seen.likelihood, seen.contrast)
            )
    return ways


def _is_thin(drawn: Ink) -> bool:
    """Whether too little stands out to be a sheet of paper."""
    return bool((drawn.contrast > drawn.threshold).mean() < SMALLEST_SHEET)


def _is_strokes(drawn: Ink) -> bool:
    """Whether what stands out from a single colour is writing, and not a sheet of paper on a plain
    table.
    """
    solid = drawn.contrast > max(drawn.threshold, 0.3 * float(drawn.contrast.max()))
    strokes = measure(drawn, solid, slope_of(drawn))
    if strokes is None:
        return True
    areas = strokes.length * strokes.thickness
    return bool(areas[strokes.shaped].sum() >= 0.5 * areas.sum())


def look(ink: Ink) -> _Look:
    """Find the contrast at which most looks written: rulings and shadows join the writing below
    it.
    """
    slope, best = slope_of(ink), _Look(0.0, 0.0, 0.0)
    threshold, highest = ink.threshold, float(ink.contrast.max())
    while threshold < highest:
        strokes = measure(ink, ink.contrast > threshold, slope)
        if strokes is not None and strokes.weight.any():
            written = float(np.sqrt(np.square(strokes.weight).sum()))
            best = max(
                best,
                _Look(
                    written, strokes.typical(strokes.contrast), strokes.typical(strokes.thickness)
                ),
            )
        threshold *= _STEP
    return best
