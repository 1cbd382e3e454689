"""A page that is being written: ink, print and rulings, and what was written where."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from mnistlab.characters import CHARACTERS, OTHER
from mnistlab.rendering.character_bank import (
    LETTERS,
    MIDDLE,
    UNIT,
    UNMISTAKABLE,
    CharacterBank,
    font,
)
from mnistlab.rendering.pen_strokes import Strokes, draw_character, draw_other

Tile = NDArray[np.uint8]
"""Share of each pixel that is covered, 0 to 255."""


class Character(NamedTuple):
    """One character of a page, in pixels; the box is that of its ink, cut by nothing.

    Attributes:
        kind: index in :data:`CHARACTERS`, or :data:`OTHER`.
        tall: height of the digits of its text.
        inside: share of the box inside the picture.
        mistakable: whether it is a letter that by itself could be a digit or a sign.
    """

    kind: int
    left: float
    top: float
    right: float
    bottom: float
    tall: float
    inside: float
    mistakable: bool = False


class Letter(NamedTuple):
    """A letter's tile, how far below the line it ends, and whether it could be a digit."""

    tile: Tile | None
    below: float
    mistakable: bool


class Ruling(NamedTuple):
    """A straight line between two points, in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass
class Pen:
    """How somebody writes."""

    radius: float
    """Of the strokes, in heights of a digit."""
    outline: bool
    """Whether strokes are as thick as in the bank's images; else all are drawn with ``radius``."""
    bias: float
    slant: float
    turn: float
    aspect: float
    rough: float
    drawn: float
    """Share of digits that are drawn from strokes, not taken from the bank."""

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Pen":
        """Draw a pen and a hand."""
        return cls(
            radius=math.exp(rng.uniform(math.log(0.016), math.log(0.115))),
            outline=rng.random() < 0.4,
            bias=rng.uniform(-0.9, 1.4),
            slant=rng.normal(0, 0.12),
            turn=rng.normal(0, 0.05),
            aspect=math.exp(rng.normal(0, 0.12)),
            rough=rng.uniform(0.2, 0.7) if rng.random() < 0.15 else 0,
            drawn=rng.choice([0, 0.3, 1], p=[0.45, 0.35, 0.2]),
        )


@dataclass
class Page:
    """A page on which characters are laid in its own coordinates, and seen turned by an angle.

    Attributes:
        width: of the picture in pixels.
        height: of the picture in pixels.
        angle: in radians, clockwise, by which the page is turned about its middle.
        smooth: whether characters much higher than the bank's are smoothed.
        kerned: whether characters on a line stand as close as their ink lets them, so that the
            boxes of slanted ones overlap; else boxes stand apart.
        ink: uint8, ``(height, width)``, share of each pixel covered by what is written and read.
        scrap: likewise, by other ink.
        printed: likewise, by rulings and printed text.
        characters: what was written.
        rulings: the lines that were drawn.
    """

    width: int
    height: int
    rng: np.random.Generator
    bank: CharacterBank
    angle: float = 0.0
    smooth: bool = False
    kerned: bool = False
    pen: Pen = field(init=False)
    ink: Tile = field(init=False)
    scrap: Tile = field(init=False)
    printed: Tile = field(init=False)
    characters: list[Character] = field(default_factory=list)
    rulings: list[Ruling] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pen = Pen.random(self.rng)
        self.ink, self.scrap, self.printed = (
            np.zeros((self.height, self.width), np.uint8) for _ in range(3)
        )
        self._cosine, self._sine = math.cos(self.angle), math.sin(self.angle)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the page is in the picture."""
        x, y = x - self.width / 2, y - self.height / 2
        return (
            self._cosine * x - self._sine * y + self.width / 2,
            self._sine * x + self._cosine * y + self.height / 2,
        )

    # Tiles: characters by themselves, trimmed to their ink.

    def digit(self, tall: float, kind: int | None = None) -> tuple[int, Tile]:
        """Write one digit, by hand; return its class and tile."""
        rng, bank = self.rng, self.bank
        while True:
            if rng.random() < self.pen.drawn:
                label = int(rng.integers(10)) if kind is None else kind
                tile = self.strokes(draw_character(str(label), rng), tall)
            else:
                index = int(rng.integers(bank.digits))
                if kind is not None:
                    while bank.labels[index] != kind:
                        index = int(rng.integers(bank.digits))
                label, tile = int(bank.labels[index]), self._look_up(index, tall)
            if tile is not None:
                return label, tile

    def letter(self, tall: float, *, alone: bool) -> Letter:
        """Write a letter, or if it stands alone some other sign."""
        rng = self.rng
        if alone and rng.random() < 0.3:
            tile = self.strokes(draw_other(rng), tall * rng.uniform(0.6, 1))
            return Letter(tile, below=0.0, mistakable=False)
        index = self.bank.letter(rng, UNMISTAKABLE if alone else LETTERS)
        place = index - self.bank.digits
        high, below = self.bank.heights[place]
        mistakable = self.bank.letters[place] not in UNMISTAKABLE
        return Letter(self._look_up(index, tall * float(high)), tall * float(below), mistakable)

    def sign(self, character: str, tall: float) -> Tile | None:
        """Write one of the signs."""
        return self.strokes(draw_character(character, self.rng), tall)

    def glyph(self, text: str, tall: float) -> Tile | None:
        """Print text."""
        face = font(self.rng, max(6, int(tall * 1.35)))
        left, top, right, bottom = face.getbbox(text)
        image = Image.new("L", (max(1, int(right - left)), max(1, int(bottom - top))))
        ImageDraw.Draw(image).text((-left, -top), text, 255, face)
        if abs(self.angle) > 0.02:
            degrees = -math.degrees(self.angle)
            image = image.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
        return _trim(np.asarray(image))

    def strokes(self, shape: Strokes, tall: float) -> Tile | None:
        """Draw strokes through a unit square with the pen; a digit becomes ``tall`` high."""
        pen, rng = self.pen, self.rng
        radius = max(pen.radius * tall, 0.35)
        turn, slant = self.angle + pen.turn + rng.normal(0, 0.04), pen.slant + rng.normal(0, 0.04)
        body = max(tall - 2 * radius, 3)
        cosine, sine = math.cos(turn) * body, math.sin(turn) * body
        wide = pen.aspect * 1.05
        matrix = np.array(
            [[cosine * wide, sine * wide], [-cosine * slant - sine, cosine - sine * slant]]
        )
        lines = [stroke @ matrix for stroke in shape]
        points = np.concatenate(lines)
        low, high = points.min(0) - radius - 1.5, points.max(0) + radius + 1.5
        width, height = (int(side) + 1 for side in high - low)
        lines = [line - low for line in lines]
        return self._rough(_trim(draw_lines(lines, radius, width, height)))

    def _look_up(self, index: int, tall: float) -> Tile | None:
        pen, rng, bank = self.pen, self.rng, self.bank
        x0, y0, x1, y1 = bank.boxes[index].tolist()
        radius = max(pen.radius * tall, 0.35)
        written, tall = (y1 - y0, tall) if pen.outline else (y1 - y0 - 5, max(tall - 2 * radius, 3))
        scale = tall / max(written, 6)
        across = scale * pen.aspect * math.exp(rng.normal(0, 0.06))
        turn = self.angle + pen.turn + rng.normal(0, 0.05)
        slant = pen.slant + rng.normal(0, 0.05)
        c, s = math.cos(turn), math.sin(turn)
        a, b = c * across, (c * slant - s) * scale
        d, e = s * across, (s * slant + c) * scale
        determinant = a * e - b * d
        back = (e / determinant, -b / determinant), (-d / determinant, a / determinant)
        half_x = (abs(a) * (x1 - x0) + abs(b) * (y1 - y0)) / 2 + radius + 3
        half_y = (abs(d) * (x1 - x0) + abs(e) * (y1 - y0)) / 2 + radius + 3
        width, height = int(2 * half_x), int(2 * half_y)
        ox, oy = width / 2 + rng.uniform(-0.5, 0.5), height / 2 + rng.uniform(-0.5, 0.5)
        tx = (x0 + x1) / 2 - back[0][0] * ox - back[0][1] * oy
        ty = (y0 + y1) / 2 - back[1][0] * ox - back[1][1] * oy
        field = bank.outline[index] if pen.outline else bank.line[index]
        seen = Image.fromarray(field).transform(
            (width, height),
            Image.Transform.AFFINE,
            (*back[0], tx, *back[1], ty),
            Image.Resampling.BILINEAR,
            fillcolor=255,
        )
        if self.smooth and scale > 1:
            # The bank's steps, one of its pixels high; but a thin line has to stay whole.
            steps = scale if pen.outline else min(scale, 0.5 * radius)
            seen = seen.filter(ImageFilter.GaussianBlur(steps))
        line = radius + 0.5 - _LINE * scale
        cover = 0.5 - (_OUTLINE - pen.bias) * scale if pen.outline else line
        table = (np.clip(cover, 0, 1) * 255).astype(np.uint8)
        return self._rough(_trim(table[np.asarray(seen)]))

    def _rough(self, tile: Tile | None) -> Tile | None:
        if tile is None or not self.pen.rough:
            return tile
        gaps = self.rng.random(tile.shape, np.float32) < 0.45
        return np.where(gaps, (tile * np.float32(1 - self.pen.rough)).astype(np.uint8), tile)

    # Laying tiles on the page.

    def put(
        self,
        tile: Tile,
        x: float,
        y: float,
        kind: int | None = None,
        tall: float = 0.0,
        layer: Tile | None = None,
        *,
        mistakable: bool = False,
    ) -> None:
        """Lay a tile with its middle at ``x``, ``y`` of the page, and note which character it
        is.
        """
        if layer is None:
            layer = self.scrap if kind is None or kind == OTHER else self.ink
        x, y = self.at(x, y)
        height, width = tile.shape
        left, top = round(x - width / 2), round(y - height / 2)
        l, t = max(left, 0), max(top, 0)  # noqa: E741
        r, b = min(left + width, self.width), min(top + height, self.height)
        if r <= l or b <= t:
            return
        part = layer[t:b, l:r]
        np.maximum(part, tile[t - top : b - top, l - left : r - left], out=part)
        if kind is not None:
            inside = (r - l) * (b - t) / (width * height)
            self.characters.append(
                Character(kind, left, top, left + width, top + height, tall, inside, mistakable)
            )

    def write(
        self, text: str, x: float, base: float, tall: float, gap: float, *, vary: float = 0.06
    ) -> float:
        """Write digits and signs in a line.

        Args:
            text: a space leaves room, ``?`` stands for any other character, ``#`` for any digit.
            x: where it begins.
            base: where the line is.
            tall: height of a digit.
            gap: between characters, in heights of a digit.
            vary: how much heights differ.

        Returns:
            Where the text ends.
        """
        rng = self.rng
        before: tuple[Tile, float, float] | None = None
        for character in text:
            if character == " ":
                x += tall * rng.uniform(0.4, 0.9)
                before = None
                continue
            high = tall * math.exp(rng.normal(0, vary))
            middle = base - high / 2
            if character == "?":
                tile, below, _ = self.letter(high, alone=True)
                kind = OTHER
                middle = base + below - (tile.shape[0] / 2 if tile is not None else 0)
            elif character in "#0123456789":
                kind, tile = self.digit(high, None if character == "#" else int(character))
            else:
                kind, tile = CHARACTERS.index(character), self.sign(character, high)
                # Where its ink is on the line: signs are not in the middle of it.
                middle = base - high * (1 - _MIDDLES.get(character, 0.5))
                middle -= abs(rng.normal(0, _RAISED.get(character, 0))) * high
            if tile is None:
                continue
            width = _across(tile, self.angle)
            middle += rng.normal(0, 0.04) * tall
            if self.kerned:
                if before:
                    room = self._room(*before, tile, x + width / 2, middle) - gap * tall
                    x -= min(max(room, 0), _NEARER * tall)
                before = tile, x + width / 2, middle
            self.put(tile, x + width / 2, middle, kind, tall)
            x += width + tall * (gap + abs(rng.normal(0, 0.06)))
            if rng.random() < 0.05:
                x += tall * rng.uniform(0.2, 0.8)
                before = None
        return x

    def _room(self, one: Tile, x: float, y: float, other: Tile, to_x: float, to_y: float) -> float:
        """Return the least distance in pixels along a row, or a row near it, from the ink of a tile
        with its middle at ``x``, ``y`` to that of another on its right; infinite if there is none.
        """
        ends = -self._starts(one[:, ::-1], *self.at(x, y), -1)
        starts = self._starts(other, *self.at(to_x, to_y), 1)
        near = 2 * (len(one) // 8) + 1
        ends = ndimage.maximum_filter1d(ends, near, mode="constant", cval=-np.inf)
        return float((starts - ends).min())

    def _starts(self, tile: Tile, x: float, y: float, way: int) -> NDArray[np.float64]:
        """Return where a tile's ink begins in each row of the picture, counted to the right or, if
        ``way`` is -1, to the left.
        """
        ink = tile > _SEEN
        rows = np.flatnonzero(ink.any(1))
        at = rows + round(y - len(tile) / 2)
        inside = (at >= 0) & (at < self.height)
        starts = np.full(self.height, np.inf)
        starts[at[inside]] = way * x - tile.shape[1] / 2 + ink[rows[inside]].argmax(1)
        return starts

    def word(self, length: int, x: float, base: float, tall: float, gap: float) -> float:
        """Write a word of letters by hand; return where it ends."""
        for _ in range(length):
            tile, below, mistakable = self.letter(tall, alone=False)
            if tile is None:
                continue
            width = _across(tile, self.angle)
            middle = base + below - tile.shape[0] / 2
            self.put(tile, x + width / 2, middle, OTHER, tall, mistakable=mistakable)
            x += width + tall * gap
        return x

    def rule(self, lines: list[Ruling], radius: float, strength: float) -> None:
        """Draw rulings, given in the page's coordinates."""
        turned = [Ruling(*self.at(x0, y0), *self.at(x1, y1)) for x0, y0, x1, y1 in lines]
        self.rulings += turned
        drawn = draw_lines(
            [np.array(line).reshape(2, 2) for line in turned], radius, self.width, self.height
        )
        np.maximum(self.printed, pale(drawn, strength), out=self.printed)


_SEEN = 100
"""Coverage, of 255, from which on a pixel is ink."""
_NEARER = 0.7
"""By how much kerning moves a character at most, in heights of a digit."""
_MIDDLES = {".": 0.97, ",": 1.03, "-": 0.54, "+": 0.55, ":": 0.65, "/": 0.5, "(": 0.52, ")": 0.52}
"""Height of the middle of a sign's ink, from the top of a digit, 0, to the line, 1."""
_RAISED = {".": 0.08, ",": 0.08}
"""How far above the line they stand at times, in heights of a digit."""


def _across(tile: Tile, angle: float) -> float:
    """Return how much of a line a turned tile takes."""
    if abs(angle) < 0.02:
        return float(tile.shape[1])
    c, s = abs(math.cos(angle)), abs(math.sin(angle))
    return float(max((tile.shape[1] - s * tile.shape[0] * 0.8) / c, 0.5 * tile.shape[1]))


def draw_lines(lines: list[NDArray[np.float64]], radius: float, width: int, height: int) -> Tile:
    """Draw lines with a round pen, as coverage; thinner ones than a pixel are paler."""
    image = Image.new("L", (2 * width, 2 * height))
    draw = ImageDraw.Draw(image)
    thick = max(1, round(4 * radius))
    shade = round(255 * min(1, max(0.35, 2 * radius)))
    for line in lines:
        points = (2 * line).ravel().tolist()
        draw.line(points, shade, thick, joint="curve" if thick > 3 else None)
        if thick > 3:
            r = thick / 2 - 0.5
            for x, y in (points[:2], points[-2:]):
                draw.ellipse((x - r, y - r, x + r, y + r), shade)
    return np.asarray(image.reduce(2))


def pale(tile: Tile, strength: float) -> Tile:
    """Return a tile of less ink; ``strength`` from 0 to 1."""
    return (tile * np.float32(strength)).astype(np.uint8)


def _trim(cover: Tile) -> Tile | None:
    """Return the part that is covered by a quarter and more."""
    rows, columns = cover.max(1) > 64, cover.max(0) > 64
    top, left = int(rows.argmax()), int(columns.argmax())
    if not rows[top]:
        return None
    bottom, right = len(rows) - int(rows[::-1].argmax()), len(columns) - int(columns[::-1].argmax())
    return cover[top:bottom, left:right]


_LINE = np.arange(256, dtype=np.float32) / UNIT
_OUTLINE = (np.arange(256, dtype=np.float32) - MIDDLE) / UNIT
