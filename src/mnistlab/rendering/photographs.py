"""Whole photographs of handwriting, and what is written in them: to measure readers with, and to
train their classifier on.

Each kind asks for one thing: a digit, a line of five, a number in the boxes of a form, a table,
numbers with signs, or that nothing is read.
"""

import contextlib
import copy
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnistlab.characters import CHARACTERS, OTHER
from mnistlab.rendering import contents
from mnistlab.rendering.character_bank import CharacterBank
from mnistlab.rendering.page import Character, Page, Ruling
from mnistlab.rendering.photograph import photograph
from mnistlab.rendering.texts import SIGNED

_SMALLEST, _LARGEST = 300, 1600
"""Pixels of a picture's sides."""
_SHORTEST, _TALLEST = 8, 200
"""Pixels of a digit's height."""
_RULED = 0.28
"""Share of pages that are ruled or squared."""
_MARGIN = 0.3
"""Least distance of writing from the picture's edge, in heights of a digit."""
_LEAST_CONTRAST = 16
"""Of writing with paper, of 255."""
_TRIES, _PAGES = 300, 10


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, empty if it is blank, and its four corners in the picture, ``(x,
    y)`` in pixels, clockwise from the left above.
    """

    row: int
    column: int
    text: str
    corners: tuple[tuple[float, float], ...]

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a point of the picture lies in it."""
        ends = self.corners[1:] + self.corners[:1]
        return all(
            (x1 - x0) * (y - y0) >= (y1 - y0) * (x - x0)
            for (x0, y0), (x1, y1) in zip(self.corners, ends, strict=True)
        )


@dataclass(frozen=True, eq=False)
class Photograph:
    """One picture and the truth about it.

    Attributes:
        kind: one of :data:`KINDS`.
        image: uint8, ``(height, width)``.
        lines: what is written, line by line, without white space.
        cells: of a table, row by row; else none.
        letters: that are written; else 0.
        details: what tells it from others of its kind, such as ``date``.
        characters: where they are.
    """

    kind: str
    image: NDArray[np.uint8]
    lines: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    letters: int = 0
    details: tuple[str, ...] = ()
    characters: tuple[Character, ...] = ()

    @property
    def text(self) -> str:
        """Its lines, with a line break between them."""
        return "\n".join(self.lines)

    @property
    def content(self) -> bytes:
        """A PNG file."""
        file = io.BytesIO()
        Image.fromarray(self.image).save(file, "PNG", compress_level=1)
        return file.getvalue()


def render_photograph(kind: str, seed: int, index: int, bank: CharacterBank) -> Photograph:
    """Render picture ``index`` of a kind in the stream that ``seed`` names.

    Args:
        kind: one of :data:`KINDS`.
        seed: of the stream.
        index: of the picture, from 0.
        bank: to write with; all digits are from it, none from drawn strokes.
    """
    rng = np.random.default_rng([seed, list(KINDS).index(kind), index])
    for _ in range(_PAGES):
        with contextlib.suppress(_IllegibleError):
            return KINDS[kind](_Desk(kind, rng, bank))
    raise AssertionError(f"seed {seed}, {kind} {index}: no page is legible in any light")


class _IllegibleError(Exception):
    """No light makes a page's writing legible; another page is written."""


@dataclass(frozen=True)
class _Desk:
    """What a picture is made with."""

    kind: str
    rng: np.random.Generator
    bank: CharacterBank

    def angle(self, tilt: float) -> float:
        """Return an angle in radians: 0, a small one, or up to ``tilt`` degrees, a third each."""
        rng = self.rng
        kinds = 0, rng.normal(0, min(2, tilt / 2)), rng.uniform(-tilt, tilt)
        return math.radians(kinds[rng.integers(3)])

    def page(self, width: float, height: float, angle: float) -> Page:
        """Return a blank page."""
        page = Page(round(width), round(height), self.rng, self.bank, angle=angle, smooth=True)
        page.pen.drawn = 0
        return page

    def between(self, low: float, high: float) -> float:
        """Return a length in pixels, its logarithm even."""
        return math.exp(self.rng.uniform(math.log(low), math.log(high)))

    def sides(self, width: float = 0, height: float = 0) -> tuple[float, float]:
        """Return a picture's width and height: of a usual shape, with room for what is so large, or
        of any size.
        """
        ratio = self.rng.choice([4 / 3, 1, 3 / 4])
        least = max(width, height * ratio)
        wide = self.between(least, 3 * least) if least else self.between(_SMALLEST, _LARGEST)
        sides = max(wide, width), max(wide / ratio, height)
        return tuple(min(max(side, _SMALLEST), _LARGEST) for side in sides)  # type: ignore[return-value]

    def seen(
        self, page: Page, tall: float, lines: tuple[str, ...], detail: str = "", *, ruled: float = 0
    ) -> Photograph:
        """Return the page's photograph, in a light in which its writing can be made out."""
        if self.rng.random() < ruled:
            contents.ruled_paper(page, tall)
        if self.rng.random() < 0.15:
            contents.specks(page)
        for _ in range(_TRIES):
            image = photograph(_copy(page), edge=_room(page), tall=tall)
            if _is_legible(page, image):
                details = (detail,) if detail else ()
                characters = tuple(page.characters)
                return Photograph(self.kind, image, lines, details=details, characters=characters)
        raise _IllegibleError


def _single(desk: _Desk) -> Photograph:
    rng = desk.rng
    if rng.random() < 0.3:
        return _as_mnist(desk)
    width, height = (float(rng.uniform(400, 640)) for _ in range(2))
    tall = desk.between(40, 0.75 * min(width, height))
    page = desk.page(width, height, desk.angle(10))
    kind, tile = page.digit(tall)
    down, across = tile.shape
    spare_x, spare_y = max(width - 1.2 * across, 0), max(height - 1.2 * down, 0)
    x = width / 2 + rng.uniform(-0.4, 0.4) * spare_x
    y = height / 2 + rng.uniform(-0.4, 0.4) * spare_y
    # Where it is in the picture, not on the page, which may be turned.
    page.put(tile, *_on_page(page, x, y), kind, tall)
    return desk.seen(page, tall, (str(kind),), "photograph", ruled=_RULED)


def _as_mnist(desk: _Desk) -> Photograph:
    """Return a digit as it is in MNIST, or a little larger, dark on light as often as not."""
    rng = desk.rng
    side = int(desk.between(28, 64))
    tall = 20 * side / 28 * rng.uniform(0.85, 1.05)
    page = desk.page(side, side, desk.angle(5))
    kind, tile = page.digit(tall)
    while max(tile.shape) > 0.8 * side:
        kind, tile = page.digit(tall)
    x, y = side / 2 + rng.uniform(-0.05, 0.05, 2) * side
    page.put(tile, *_on_page(page, x, y), kind, tall)
    image = page.ink if rng.random() < 0.5 else 255 - page.ink
    characters = tuple(page.characters)
    return Photograph(desk.kind, image, (str(kind),), details=("28x28",), characters=characters)


def _line(desk: _Desk) -> Photograph:
    return _text(desk, "#####", 20)


def _signs(desk: _Desk) -> Photograph:
    detail = str(desk.rng.choice(list(SIGNED)))
    return _text(desk, SIGNED[detail](desk.rng), 12, detail)


def _text(desk: _Desk, text: str, tilt: float, detail: str = "") -> Photograph:
    """Write a text in one line."""
    rng = desk.rng
    for _ in range(_TRIES):
        tall, angle = desk.between(_SHORTEST, _TALLEST), desk.angle(tilt)
        gap = float(rng.choice([rng.uniform(0, 0.06), rng.uniform(0.05, 0.25)], p=[0.3, 0.7]))
        length = tall * len(text) * (0.65 + gap)
        page, x, y = _place(desk, length, tall, angle, tall)
        page.write(text, x, y + tall, tall, gap)
        if _fits(page, len(text)):
            return desk.seen(page, tall, (_written(page),), detail, ruled=_RULED)
    raise AssertionError(desk)


def _boxes(desk: _Desk) -> Photograph:
    rng, count = desk.rng, 8
    for _ in range(_TRIES):
        tall, angle = desk.between(12, 90), desk.angle(6)
        wide, high = tall * rng.uniform(1, 1.6), tall * rng.uniform(1.15, 1.9)
        apart = float(rng.choice([0, rng.uniform(0.1, 0.5) * tall]))
        step = wide + apart
        page, x, y = _place(desk, count * step, high, angle, tall)
        for k in range(count):
            _put_into(page, x + k * step + wide / 2, y + high / 2, wide, high, tall)
        if _fits(page, count):
            break
    else:
        raise AssertionError(desk)
    lefts = [x + k * step for k in range(count)]
    rights = [left + wide for left in lefts]
    page.rule(
        [
            *(Ruling(at, y, at, y + high) for at in dict.fromkeys([*lefts, *rights])),
            *(
                Ruling(left, at, right, at)
                for left, right in zip(lefts, rights, strict=True)
                for at in (y, y + high)
            ),
        ],
        _thickness(rng, tall),
        rng.uniform(0.25, 1),
    )
    return desk.seen(page, tall, (_written(page),))


def _place(
    desk: _Desk, width: float, height: float, angle: float, tall: float
) -> tuple[Page, float, float]:
    """Return a page with room for a block of writing, and the block's left and top on it."""
    cosine, sine = math.cos(angle), abs(math.sin(angle))
    least = cosine * width + sine * height + tall, cosine * height + sine * width + tall
    sides = desk.sides(*least)
    across, down = (
        desk.rng.uniform(-0.5, 0.5) * max(side - own, 0)
        for side, own in zip(sides, least, strict=True)
    )
    page = desk.page(*sides, angle)
    x, y = _on_page(page, sides[0] / 2 + across, sides[1] / 2 + down)
    return page, x - width / 2, y - height / 2


def _table(desk: _Desk) -> Photograph:
    rng = desk.rng
    rows, columns = (4, 5) if rng.random() < 0.5 else (5, 4)
    for _ in range(_TRIES):
        tall, angle = desk.between(12, 70), desk.angle(6)
        wide, high = tall * rng.uniform(3, 4.5), tall * rng.uniform(1.3, 2.4)
        page, x0, y0 = _place(desk, columns * wide, rows * high, angle, tall)
        cells = _fill_table(page, rows, columns, (x0, y0, wide, high), tall)
        if cells and _fits(page, sum(len(cell.text) for cell in cells)):
            break
    else:
        raise AssertionError(desk)
    ruled = str(rng.choice(["both", "across", "down", "none"], p=[0.6, 0.18, 0.12, 0.1]))
    right, bottom = x0 + columns * wide, y0 + rows * high
    drawn = []
    if ruled in ("both", "across"):
        drawn += [Ruling(x0, y0 + k * high, right, y0 + k * high) for k in range(rows + 1)]
    if ruled in ("both", "down"):
        drawn += [Ruling(x0 + k * wide, y0, x0 + k * wide, bottom) for k in range(columns + 1)]
    if drawn:
        page.rule(drawn, _thickness(rng, tall), rng.uniform(0.25, 1))
    texts = ["".join(cell.text for cell in cells if cell.row == row) for row in range(rows)]
    whole = desk.seen(page, tall, tuple(filter(None, texts)), ruled)
    return replace(whole, cells=tuple(cells))


def _fill_table(
    page: Page, rows: int, columns: int, place: tuple[float, float, float, float], tall: float
) -> list[Cell]:
    """Write a number of one to three digits into most cells; return none if one does not fit."""
    rng = page.rng
    x0, y0, wide, high = place
    filled, gap = float(rng.choice([0.8, 1])), rng.uniform(0.03, 0.15)
    cells = []
    for row in range(rows):
        for column in range(columns):
            left, top = x0 + column * wide, y0 + row * high
            before = len(page.characters)
            if rng.random() < filled:
                count = int(rng.integers(1, 4))
                spare = max(wide - count * tall * (0.62 + gap), 0.1 * wide)
                base = top + high - rng.uniform(0.2, 0.8) * (high - 1.1 * tall)
                start = left + rng.uniform(0.2, 0.6) * spare
                end = page.write("#" * count, start, base, tall, gap)
                if end > left + wide - 0.2 * tall:
                    return []
            text = _written(page, before)
            corners = ((0, 0), (wide, 0), (wide, high), (0, high))
            cells.append(
                Cell(row, column, text, tuple(page.at(left + a, top + b) for a, b in corners))
            )
    return cells


def _letters(desk: _Desk) -> Photograph:
    rng = desk.rng
    tall = desk.between(14, 70)
    width, height = desk.sides(8 * tall, 6 * tall)
    page = desk.page(width, height, desk.angle(3))
    gap, pitch = rng.uniform(0.02, 0.3), tall * rng.uniform(1.6, 2.4)
    for base in np.arange(2 * tall, height - 1.5 * tall, pitch).tolist():
        x = rng.uniform(1, 3) * tall
        while True:
            length = int(rng.integers(1, 9))
            if x + length * tall * (1.1 + gap) > width - tall:
                break
            x = page.word(length, x, base, tall, gap) + tall * rng.uniform(0.4, 1)
    seen = desk.seen(page, tall, (), ruled=_RULED)
    return replace(seen, letters=len(page.characters))


def _nothing(desk: _Desk) -> Photograph:
    rng = desk.rng
    page = desk.page(*desk.sides(), desk.angle(5))
    tall = desk.between(20, 120)
    detail = str(rng.choice(["blank", "scribbles", "shapes", "ruled"]))
    if detail == "scribbles":
        contents.scribbles(page, tall)
    elif detail == "shapes":
        contents.shapes(page)
    elif detail == "ruled":
        contents.ruled_paper(page, tall)
    return desk.seen(page, tall, (), detail)


KINDS: dict[str, Callable[[_Desk], Photograph]] = {
    "single": _single,
    "line": _line,
    "boxes": _boxes,
    "table": _table,
    "signs": _signs,
    "letters": _letters,
    "nothing": _nothing,
}
"""By name: a digit, a line of five, eight digits in the boxes of a form, a table of 4x5 numbers, a
number with signs, letters alone, and nothing that is read."""


def _put_into(page: Page, x: float, y: float, wide: float, high: float, tall: float) -> None:
    """Write a digit into a box of which ``x``, ``y`` is the middle."""
    rng = page.rng
    tall = tall * math.exp(rng.normal(0, 0.06))
    kind, tile = page.digit(tall)
    spare_x, spare_y = max(wide - tile.shape[1], 0), max(high - tile.shape[0], 0)
    x += float(np.clip(rng.normal(0, 0.15), -0.4, 0.4)) * spare_x
    y += float(np.clip(rng.normal(0, 0.15), -0.4, 0.4)) * spare_y
    page.put(tile, x, y, kind, tall)


def _thickness(rng: np.random.Generator, tall: float) -> float:
    """Return half the thickness of a printed line in pixels."""
    return rng.uniform(0.4, 1.1) * max(1, tall / 30)


def _on_page(page: Page, x: float, y: float) -> tuple[float, float]:
    """Return which point of a page is seen at ``x``, ``y``."""
    x, y = x - page.width / 2, y - page.height / 2
    cosine, sine = math.cos(page.angle), math.sin(page.angle)
    return cosine * x + sine * y + page.width / 2, cosine * y - sine * x + page.height / 2


def _written(page: Page, start: int = 0) -> str:
    """Return the characters of a page in the order in which they were written."""
    return "".join(CHARACTERS[one.kind] for one in page.characters[start:] if one.kind != OTHER)


def _fits(page: Page, count: int) -> bool:
    """Tell whether so many characters were written, away from the picture's edge."""
    if len(page.characters) != count:
        return False
    margin = _MARGIN * max(one.tall for one in page.characters)
    return all(
        one.left >= margin
        and one.top >= margin
        and one.right <= page.width - margin
        and one.bottom <= page.height - margin
        for one in page.characters
    )


def _copy(page: Page) -> Page:
    """Return a page that may be changed without changing this one."""
    other = copy.copy(page)
    other.ink, other.scrap, other.printed = page.ink.copy(), page.scrap.copy(), page.printed.copy()
    other.characters = list(page.characters)
    return other


def _is_legible(page: Page, image: NDArray[np.uint8]) -> bool:
    """Tell whether the ink of every character stands out from the paper and its noise."""
    for one in page.characters:
        if one.kind == OTHER:
            continue
        pad = int(one.tall / 4) + 1
        part = np.s_[
            max(int(one.top) - pad, 0) : int(one.bottom) + pad,
            max(int(one.left) - pad, 0) : int(one.right) + pad,
        ]
        cover, seen = page.ink[part], image[part].astype(np.float32)
        paper = seen[cover < 16]
        contrast = abs(float(np.average(seen, weights=cover)) - float(paper.mean()))
        # Noise averages out along thick strokes; what is small has to be stronger.
        small = 25 / one.tall
        noise = 2.5 * float(paper.std()) * min(1, small)
        if contrast < max(_LEAST_CONTRAST * min(max(1, small), 3), noise):
            return False
    return True


def _room(page: Page) -> float:
    """Return the share of the picture that is free of writing on every side."""
    sides = [
        side
        for one in page.characters
        for side in (
            one.left / page.width,
            one.top / page.height,
            1 - one.right / page.width,
            1 - one.bottom / page.height,
        )
    ]
    return min(0.8 * min(sides, default=0.25), 0.25)
