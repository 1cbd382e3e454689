"""Crops of rendered pages: an endless stream to train the reader's detector on."""

import copy
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.rendering.character_bank import CharacterBank
from mnistlab.rendering.contents import fill
from mnistlab.rendering.page import Character, Page, Ruling
from mnistlab.rendering.photograph import photograph

SIDE = 160
"""Of a crop in pixels."""
SHORTEST, TALLEST, HUGE = 9.0, 40.0, 150.0
"""Usual heights of digits in crops, in pixels; and of some, too high for the detector, which a
reader sees when it looks at a picture reduced."""
_HUGE = 0.06
"""Share of crops with such digits."""
_KERNED = 0.5
"""Share of crops and drawings in which characters stand as close as their ink lets them."""
_PLAIN = 28
"""Of a digit by itself in pixels."""
_DRAWING = 9
"""Names the stream of drawings."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A piece of a photographed page.

    Attributes:
        image: uint8, ``(160, 160)``, or ``(28, 28)`` of a digit by itself.
        characters: what is written in it, some of it cut by its edges.
        rulings: its ruled lines.
        scrap: uint8, of the image's shape, share of each pixel covered by other ink.
    """

    image: NDArray[np.uint8]
    characters: list[Character]
    rulings: list[Ruling]
    scrap: NDArray[np.uint8]


def render_crops(seed: int, index: int, bank: CharacterBank, views: int = 2) -> list[Crop]:
    """Render page ``index`` of the stream that ``seed`` names, in some milliseconds.

    Args:
        seed: of the stream.
        index: of the page, from 0.
        bank: to write with.
        views: how many photographs to take of the page, each in another light.
    """
    rng = np.random.default_rng([seed, index])
    # A third straight, a third a little askew, a third tilted.
    tilt = (0, rng.normal(0, math.radians(2)), rng.uniform(-1, 1) * math.radians(20))
    page = Page(SIDE, SIDE, rng, bank, angle=float(tilt[rng.integers(3)]))
    page.kerned = rng.random() < _KERNED
    low, high = (TALLEST, HUGE) if rng.random() < _HUGE else (SHORTEST, TALLEST)
    tall = math.exp(rng.uniform(math.log(low), math.log(high)))
    fill(page, tall)
    return [_photograph(copy.copy(page)) for _ in range(views)]


def render_digit(seed: int, index: int, bank: CharacterBank) -> Crop:
    """Render one digit as data sets have it: 28x28, ink on nothing, light on dark or dark on light.

    Args:
        seed: of the stream.
        index: of the digit, from 0.
        bank: to write with.
    """
    rng = np.random.default_rng([seed, index, _PLAIN])
    page = Page(_PLAIN, _PLAIN, rng, bank)
    page.pen.outline = rng.random() < 0.7
    page.pen.rough = 0
    tall = _PLAIN * rng.uniform(0.55, 0.8)
    kind, tile = page.digit(tall)
    x, y = _PLAIN / 2 + rng.normal(0, 1, 2)
    page.put(tile, x, y, kind, tall)
    image = page.ink if rng.random() < 0.7 else 255 - page.ink
    return Crop(image, page.characters, [], page.scrap)


def render_drawing(seed: int, index: int, bank: CharacterBank) -> Crop:
    """Render a number of up to five digits as it is drawn on a screen: even strokes on nothing,
    dark on light or light on dark, many of them ones.

    Args:
        seed: of the stream.
        index: of the drawing, from 0.
        bank: to write with, beside drawn strokes.
    """
    rng = np.random.default_rng([seed, index, _DRAWING])
    width, height = (int(side) for side in rng.integers((280, 160), (640, 320)))
    page = Page(width, height, rng, bank, smooth=True)
    page.pen.drawn, page.pen.rough, page.pen.outline = rng.choice([0.5, 1]), 0, False
    page.pen.radius = rng.uniform(0.025, 0.1)
    page.pen.slant *= rng.uniform(0, 1)
    tall = height * rng.uniform(0.3, 0.75)
    most = min(5, max(1, int(0.9 * width / tall)))
    page.kerned = rng.random() < _KERNED
    text = "".join(rng.choice(["1", "#"], p=[0.35, 0.65]) for _ in range(rng.integers(1, most + 1)))
    gap = rng.uniform(0.05, 0.3)
    x = rng.uniform(0.2, 1) * max(width - len(text) * (0.65 + gap) * tall, 0)
    page.write(text, x, (height + tall) / 2, tall, gap)
    image = page.ink if rng.random() < 0.4 else 255 - page.ink
    return Crop(image, page.characters, [], page.scrap)


def _photograph(page: Page) -> Crop:
    page.ink, page.scrap, page.printed = page.ink.copy(), page.scrap.copy(), page.printed.copy()
    page.characters = list(page.characters)
    rng, image = page.rng, photograph(page)
    if rng.random() < 0.45:
        near = [one for one in page.characters if one.inside == 1]
        if near and rng.random() < 0.45:
            image = _cut(page, image, _around(near[rng.integers(len(near))], rng))
        else:
            left, top, right, bottom = (
                int(rng.uniform(4, 70)) if rng.random() < 0.45 else 0 for _ in range(4)
            )
            image = _cut(page, image, (left, top, SIDE - right, SIDE - bottom))
    if rng.random() < 0.6:
        image = stretch(image)
    return Crop(image, page.characters, page.rulings, page.scrap)


def stretch(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretch contrast as the reader does: the darkest value becomes 20, the lightest 235."""
    low, high = np.percentile(image, (0.1, 99.9))
    stretched = (image.astype(np.float32) - low) / max(high - low, 24)
    grey: NDArray[np.uint8] = (20 + 215 * np.clip(stretched, 0, 1)).astype(np.uint8)
    return grey


def _around(one: Character, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return a rectangle close around a character, or along its line."""
    wide = rng.choice([0.5, 6])
    left, right = (
        one.left - rng.uniform(-0.05, wide) * one.tall,
        one.right + rng.uniform(-0.05, wide) * one.tall,
    )
    top, bottom = (
        one.top - rng.uniform(-0.05, 0.6) * one.tall,
        one.bottom + rng.uniform(-0.05, 0.6) * one.tall,
    )
    return (
        max(round(left), 0),
        max(round(top), 0),
        min(round(right), SIDE),
        min(round(bottom), SIDE),
    )


def _cut(
    page: Page, image: NDArray[np.uint8], inside: tuple[int, int, int, int]
) -> NDArray[np.uint8]:
    """Let the picture end inside the crop, as pictures that are read end inside their padding."""
    left, top, right, bottom = inside
    kept = np.s_[top:bottom, left:right]
    seen = image[kept]
    if seen.size < 100:
        return image
    cut = np.full_like(image, np.median(seen))
    cut[kept] = seen
    scrap = np.zeros_like(page.scrap)
    scrap[kept] = page.scrap[kept]
    page.scrap = scrap
    page.characters[:] = [one._replace(inside=_share(one, *inside)) for one in page.characters]
    return cut


def _share(one: Character, left: int, top: int, right: int, bottom: int) -> float:
    """Return the share of a character's box inside a rectangle."""
    width = max(min(one.right, right) - max(one.left, left), 0)
    height = max(min(one.bottom, bottom) - max(one.top, top), 0)
    return width * height / ((one.right - one.left) * (one.bottom - one.top))
