"""Negatives: images that are no digit, made from digits, to train a network to reject them.

A network trained on digits only is confident about any image. Segmenting numbers by trying several
cuts needs one that rejects the pieces of a wrong cut (LeCun et al., 1998, section VII). Training on
such images is outlier exposure (Hendrycks et al., 2019, arXiv:1812.04606).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnistlab.glyphs.glyph import SIDE, prepare

Ink = NDArray[np.uint8]
_INKED = 96
"""Pixels above it are ink."""
_FINE = 3
"""Factor by which negatives are enlarged before they are prepared."""
_SIZES = (0.85, 1.15)
"""Range of the random factor of a digit's size."""
_GAPS, _DROPS = (-3, 2), (-3, 4)
"""Pixels, the upper end excluded: the gap between digits where they are nearest (negative values
overlap), and the vertical offset."""
_CUT, _LEAN = (0.3, 0.7), 0.3
"""Position of a cut as a share of the digit's width, and its greatest slant in columns per row."""
_KEPT = (0.25, 0.8)
"""Share of a digit's ink in a piece: less is a speck, more is still the digit."""
_NARROWEST = 11
"""Columns: a piece of a narrower digit may well look like a 1."""
_SLICE = (0.25, 0.6)
"""Width of the slice that is attached to a neighbour, as a share of the digit's width."""
_FRAGMENT = 0.12
"""Share of the ink: smaller separate pieces are removed."""
_WITH_CHANNEL = 4
"""Dimensions of images with a channel."""
_SHEET = 60
"""Side in pixels of the canvas of a scribble."""


def draw_negatives(images: Ink, count: int, random: np.random.Generator) -> Ink:
    """Draw random negatives.

    They are two or three touching digits, half a digit, a digit with a slice of another one, and
    scribbles. Some do look like a digit, such as half of an 8; such images are ambiguous wherever
    they come from.

    Args:
        images: uint8, ``(n, 1, height, width)`` or ``(n, height, width)``, light on black: digits,
            at least one of them with ink.
        count: number of negatives.
        random: the source of all random draws.

    Returns:
        uint8, ``(count, 28, 28)``, light on black, prepared by :func:`mnistlab.glyphs.prepare`.

    Example:
        >>> from mnistlab import load_dataset
        >>> digits = load_dataset("mnist").train.images[:100]
        >>> draw_negatives(digits, 5, np.random.default_rng(0)).shape
        (5, 28, 28)
    """
    negatives = np.empty((count, SIDE, SIDE), np.uint8)
    kinds, shares = zip(*_KINDS.items(), strict=True)
    made, digits = 0, images[:, 0] if images.ndim == _WITH_CHANNEL else images
    while made < count:
        negative = kinds[int(random.choice(len(kinds), p=shares))](digits, random)
        # A cut may leave almost no ink.
        if negative is not None and (glyph := prepare((negative / 255).astype(np.float32))).any():
            negatives[made] = glyph
            made += 1
    return negatives


def _touching(images: Ink, random: np.random.Generator, digits: int = 2) -> Ink | None:
    row = _random_digit(images, random)
    for _ in range(digits - 1):
        row, _ = _beside(
            row,
            _random_digit(images, random),
            int(random.integers(*_GAPS)),
            int(random.integers(*_DROPS)),
        )
    return _enlarge(_main_part(row))


def _three(images: Ink, random: np.random.Generator) -> Ink | None:
    return _touching(images, random, digits=3)


def _half(images: Ink, random: np.random.Generator) -> Ink | None:
    digit = _random_digit(images, random)
    if digit.shape[1] < _NARROWEST:
        return None
    piece = _cut(
        digit, digit.shape[1] * random.uniform(*_CUT), random, left=bool(random.random() < 0.5)
    )
    low, high = _KEPT
    share = (piece > _INKED).sum() / max((digit > _INKED).sum(), 1)
    return _enlarge(_main_part(piece)) if low < share < high else None


def _with_slice(images: Ink, random: np.random.Generator) -> Ink | None:
    one, other = _random_digit(images, random), _random_digit(images, random)
    # A gap of at most 0, so that they touch.
    row, begin = _beside(
        one, other, int(random.integers(_GAPS[0], 1)), int(random.integers(*_DROPS))
    )
    if random.random() < 0.5:
        at = begin + (row.shape[1] - begin) * random.uniform(*_SLICE)
        return _enlarge(_main_part(_cut(row, at, random, left=True)))
    at = one.shape[1] * (1 - random.uniform(*_SLICE))
    return _enlarge(_main_part(_cut(row, at, random, left=False)))


def _scribble(_: Ink, random: np.random.Generator) -> Ink | None:
    draw = (_bar, _blob, _cross, _loops)[random.integers(4)]
    return (255 * draw(random)).astype(np.uint8)


def _bar(random: np.random.Generator) -> NDArray[np.bool_]:
    sheet = np.zeros((_SHEET, _SHEET))
    sheet[10 : 10 + random.integers(4, 9), 2 : 2 + random.integers(20, 55)] = 1
    return np.asarray(ndimage.rotate(sheet, random.uniform(-12, 12), order=1) > 0.5)


def _blob(random: np.random.Generator) -> NDArray[np.bool_]:
    y, x = np.mgrid[:_SHEET, :_SHEET] - _SHEET / 2
    return np.asarray((x / random.uniform(8, 25)) ** 2 + (y / random.uniform(8, 25)) ** 2 < 1)


def _cross(random: np.random.Generator) -> NDArray[np.bool_]:
    sheet, thick = np.zeros((_SHEET, _SHEET)), int(random.integers(4, 8))
    if random.random() < 0.6:
        sheet[5:55, 27 : 27 + thick] = 1
    sheet[27 : 27 + thick, 5:55] = 1
    if random.random() < 0.5:
        sheet[5:27] = 0
    return np.asarray(ndimage.rotate(sheet, random.uniform(0, 90), order=1) > 0.5)


def _loops(random: np.random.Generator) -> NDArray[np.bool_]:
    corners = random.uniform(4, _SHEET - 4, (int(random.integers(5, 10)), 2))
    along = np.linspace(0, len(corners) - 1, 400)
    way = np.stack([np.interp(along, np.arange(len(corners)), axis) for axis in corners.T], axis=1)
    rows, columns = (
        ndimage.gaussian_filter1d(way, random.uniform(4, 25), axis=0, mode="nearest").astype(int).T
    )
    sheet = np.zeros((_SHEET, _SHEET), bool)
    sheet[rows, columns] = True
    return np.asarray(ndimage.binary_dilation(sheet, iterations=int(random.integers(1, 4))))


_KINDS: dict[Callable[[Ink, np.random.Generator], Ink | None], float] = {
    _touching: 0.33,
    _three: 0.04,
    _half: 0.27,
    _with_slice: 0.28,
    _scribble: 0.08,
}
"""Each kind of negative, with its probability."""


def _random_digit(images: Ink, random: np.random.Generator) -> Ink:
    """Return a random digit, scaled by a random factor, without its black border."""
    image = images[random.integers(len(images))]
    factor = random.uniform(*_SIZES)
    height, width = (max(3, round(side * factor)) for side in image.shape)
    digit = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
    rows, columns = np.nonzero(digit > _INKED)
    if not len(rows):
        return digit
    return digit[
        max(rows.min() - 1, 0) : rows.max() + 2, max(columns.min() - 1, 0) : columns.max() + 2
    ]


def _beside(one: Ink, other: Ink, gap: int, drop: int) -> tuple[Ink, int]:
    """Place another digit to the right, ``gap`` pixels away at the nearest point, ``drop`` lower.

    Returns:
        Both, and the first column of the other one.
    """
    height = max(len(one), len(other)) + abs(drop) + 2
    here, there = (np.zeros((height, part.shape[1]), np.uint8) for part in (one, other))
    top = max(0, -drop)
    here[top : top + len(one)] = one
    below = min(max(0, top + drop + (len(one) - len(other)) // 2), height - len(other))
    there[below : below + len(other)] = other
    free = np.full(height, _SHEET), np.full(height, _SHEET)
    for row in range(height):
        for margin, line in zip(free, (here[row, ::-1], there[row]), strict=True):
            inked = np.flatnonzero(line > _INKED)
            margin[row] = inked[0] if len(inked) else _SHEET
    # Diagonal neighbours touch too.
    nearest = int((free[0] + ndimage.minimum_filter1d(free[1], 3)).min())
    begin = max(2, here.shape[1] - min(nearest, here.shape[1]) + gap)
    both = np.zeros((height, max(here.shape[1], begin + there.shape[1])), np.uint8)
    both[:, : here.shape[1]] = here
    both[:, begin : begin + there.shape[1]] = np.maximum(
        both[:, begin : begin + there.shape[1]], there
    )
    return both, begin


def _cut(ink: Ink, at: float, random: np.random.Generator, *, left: bool) -> Ink:
    """Keep the part to the left, or to the right, of a slanted line through a column."""
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]]
    before = columns < at + random.uniform(-_LEAN, _LEAN) * (rows - ink.shape[0] / 2)
    return np.where(before == left, ink, 0).astype(np.uint8)


def _main_part(ink: Ink) -> Ink:
    labels, _ = ndimage.label(ink > _INKED, np.ones((3, 3), bool))
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    kept = ndimage.binary_dilation((areas >= max(1, _FRAGMENT * areas.sum()))[labels])
    return np.where(kept, ink, 0).astype(np.uint8)


def _enlarge(ink: Ink) -> Ink:
    height, width = ink.shape
    return np.asarray(
        Image.fromarray(ink).resize((width * _FINE, height * _FINE), Image.Resampling.BICUBIC)
    )
