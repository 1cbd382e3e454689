"""Cut-outs: what the reader's classifier is asked about on rendered pages, and what it should say.

The core itself cuts them out, so that the classifier is trained on just what it will see.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistlab.characters import CHARACTERS, DIGITS, OTHER
from mnistlab.detector.classifier import NOTHING
from mnistlab.recogniser.engine import Engine
from mnistlab.rendering.character_bank import CharacterBank
from mnistlab.rendering.crops import Crop, render_crops, render_digit, render_drawing
from mnistlab.rendering.page import Character
from mnistlab.rendering.photographs import Photograph, render_photograph

SHOWN, MISSED, NEAR = 0.5, 0.4, 0.3
"""Intersection over union with a character from which on a box shows it, below which it shows none,
and from which on it is known where the edges ought to be."""
FARTHEST = 0.5
"""That an edge may be off, in sides of the box."""
_SMALLEST = [CHARACTERS.index(sign) for sign in ".,"]
"""Classes of which no box is learnt."""
WHOLE = 0.78
"""Share of a character inside the picture from which on it has to be named."""
_LEAST = 0.4
"""Width and height, in heights of the text, to which smaller characters are widened to be compared,
and other boxes by as much: a dot is hard to hit."""


_PHOTOGRAPHS = {
    "single": 0.14,
    "line": 0.17,
    "boxes": 0.12,
    "table": 0.1,
    "signs": 0.3,
    "letters": 0.07,
    "nothing": 0.1,
}
"""Share of each kind of photographs."""
_UNLIKELY = 0.4
"""Probability of a character, by the detector, below which a place is plain."""
_MERGED = 0.5
"""Share of another character that lies in a box, beyond what lies in the box of its own, from which
on the box is around both."""


class CutOuts(NamedTuple):
    """What the classifier is shown, and what it should say.

    Attributes:
        images: uint8, ``(n, 3, 32, 32)``, light on dark, see :class:`.Candidates`.
        kinds: int64, ``(n,)``, 0 to 20: what each shows.
        detected: float32, ``(n, 21)``: the detector's probabilities of what it is, and last that
            there is a character.
        offsets: float32, ``(n, 4)``, of the left, top, right and bottom edge of the character that
            is there from the box's own, in its larger sides, at most 0.5; NaN where
            there is none.
    """

    images: NDArray[np.uint8]
    kinds: NDArray[np.int64]
    detected: NDArray[np.float32]
    offsets: NDArray[np.float32]


def collect(
    engine: Engine, bank: CharacterBank, seed: int, pages: range, *, plain: float = 1
) -> CutOuts:
    """Return the cut-outs of rendered pages: for each, of two crops, of a digit by itself, of a
    drawing and of a whole photograph.

    Args:
        engine: with the detector.
        bank: to write with.
        seed: of the stream of pages.
        pages: of the stream.
        plain: share that is kept of the places that hold no character and that the detector thinks
            unlikely to hold one: there are so many.
    """
    found: list[CutOuts] = []
    for page in pages:
        rng = np.random.default_rng([seed, page, NOTHING])
        kind = str(rng.choice(list(_PHOTOGRAPHS), p=list(_PHOTOGRAPHS.values())))
        drawn: tuple[Crop | Photograph, ...] = (
            *render_crops(seed, page, bank),
            render_digit(seed, page, bank),
            render_drawing(seed, page, bank),
            render_photograph(kind, seed, page, bank),
        )
        for picture in drawn:
            seen = engine.look(picture.image)
            characters = list(picture.characters)
            kinds = find_truth(seen.boxes, characters)
            offsets = find_offsets(seen.boxes, characters)
            is_plain = (kinds == NOTHING) & (seen.found < _UNLIKELY)
            kept = (kinds >= 0) & (~is_plain | (rng.random(len(kinds)) < plain))
            detected = np.hstack([seen.kinds, seen.found[:, None]])
            found.append(CutOuts(seen.cut_outs[kept], kinds[kept], detected[kept], offsets[kept]))
    return join(found)


def join(parts: list[CutOuts]) -> CutOuts:
    """Return several as one."""
    return CutOuts(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def find_truth(boxes: NDArray[np.float32], characters: list[Character]) -> NDArray[np.int64]:
    """Return what boxes, ``(n, 4)``, show: a class, :data:`NOTHING`, or -1 if that is not clear:
    a part of something, or a letter that could be a digit. Around two characters a box shows
    nothing.
    """
    if not characters:
        return np.full(len(boxes), NOTHING)
    rows = np.array(characters, np.float32)
    kinds, written = rows[:, 0].astype(np.int64), rows[:, 1:5]
    whole, mistakable = rows[:, 6] >= WHOLE, rows[:, 7] > 0
    alike = _compare(boxes, written, _LEAST * rows[:, 5])
    best = alike.argmax(1)
    most = alike[np.arange(len(boxes)), best]
    clear = (most >= SHOWN) & (whole & ~mistakable)[best]
    # A box around two shows neither.
    others = (kinds < DIGITS) | (kinds == OTHER)
    more = _share_inside(written, boxes) - _share_inside(written, written)[best]
    merged = (more[:, others] > _MERGED).any(1)
    return np.where((most < MISSED) | merged, NOTHING, np.where(clear, kinds[best], -1))


def find_offsets(boxes: NDArray[np.float32], characters: list[Character]) -> NDArray[np.float32]:
    """Return how far the edges of boxes, ``(n, 4)``, are off, as :class:`CutOuts` has them."""
    offsets = np.full((len(boxes), 4), np.nan, np.float32)
    if not characters:
        return offsets
    rows = np.array(characters, np.float32)
    alike = _compare(boxes, rows[:, 1:5], _LEAST * rows[:, 5])
    shown = rows[alike.argmax(1)]
    # Boxes of points and commas may be off by more than these are large.
    is_large = ~np.isin(shown[:, 0], _SMALLEST)
    known = (alike.max(1) > NEAR) & (shown[:, 6] >= WHOLE) & is_large
    side = (boxes[known, 2:] - boxes[known, :2]).max(1, keepdims=True)
    offsets[known] = ((shown[known, 1:5] - boxes[known]) / side).clip(-FARTHEST, FARTHEST)
    return offsets


def _share_inside(written: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much of what is written lies in each box, ``(boxes, written)``, 0 to 1."""
    low = np.maximum(written[None, :, :2], boxes[:, None, :2])
    high = np.minimum(written[None, :, 2:], boxes[:, None, 2:])
    sizes = (written[:, 2:] - written[:, :2]).prod(-1)
    inside: NDArray[np.float32] = np.maximum(high - low, 0).prod(-1) / np.maximum(sizes, 1e-6)
    return inside


def _compare(
    boxes: NDArray[np.float32], written: NDArray[np.float32], least: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the intersection over union of each box with what is written, ``(boxes, written)``."""
    margin = np.maximum(least[:, None] - (written[:, 2:] - written[:, :2]), 0) / 2
    a, b = boxes[:, None], written[None]
    low = np.maximum(a[..., :2], b[..., :2]) - margin
    high = np.minimum(a[..., 2:], b[..., 2:]) + margin
    common = np.maximum(high - low, 0).prod(-1)
    sizes = ((c[..., 2:] - c[..., :2] + 2 * margin).prod(-1) for c in (a, b))
    alike: NDArray[np.float32] = common / (sum(sizes) - common)
    return alike
