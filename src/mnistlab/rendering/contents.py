"""What is written on a page: one function for each kind."""

import math
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from mnistlab.characters import OTHER
from mnistlab.rendering.character_bank import UNMISTAKABLE
from mnistlab.rendering.page import Page, Pen, Ruling, Tile, draw_lines, pale
from mnistlab.rendering.texts import number

_WORDS = (
    *("Name", "Date", "Marks", "Total", "Roll", "No", "Subject", "Class", "Signature", "Student"),
    *("Number", "Code", "Sum", "Points", "Answer", "Page", "Score", "Amount", "from", "to", "per"),
    *("kg", "Nr", "Tel", "Question", "Yes", "No.", "ID", "Q1", "A", "B", "C", "x", "y", "Room"),
    "Phone",
)
_LEAST_OPEN = 3
"""Boxes in a row whose walls may stand alone: one wall, or two, would be ones."""


def scatter(page: Page, tall: float) -> None:
    """Write characters anywhere, none upon another."""
    rng = page.rng
    taken: list[tuple[float, float, float, float]] = []
    tile: Tile | None
    for _ in range(int(rng.integers(1, 9))):
        high = tall * math.exp(rng.normal(0, 0.15))
        if rng.random() < 0.85:
            kind, tile = page.digit(high)
        else:
            kind, tile = OTHER, page.letter(high, alone=True).tile
        if tile is None:
            continue
        height, width = tile.shape
        for _ in range(6):
            x, y = rng.uniform(-0.1 * high, page.width), rng.uniform(-0.1 * high, page.height)
            u, v = page.at(x, y)
            box = (u - width / 2 - 2, v - height / 2 - 2, u + width / 2 + 2, v + height / 2 + 2)
            if all(box[2] < o[0] or o[2] < box[0] or box[3] < o[1] or o[3] < box[1] for o in taken):
                taken.append(box)
                page.put(tile, x, y, kind, high)
                break


def lines(page: Page, tall: float) -> None:
    """Write numbers in lines."""
    rng = page.rng
    pitch = tall * rng.uniform(1.25, 2.6)
    gap = _gap(rng)
    signs = rng.choice([0, 0.4, 1], p=[0.2, 0.25, 0.55])
    words = rng.choice([0, 0.15], p=[0.75, 0.25])
    if rng.random() < 0.25:
        bases = [page.height * rng.uniform(0.3, 0.8)]
    else:
        bases = np.arange(rng.uniform(0.3, 1.2) * tall, page.height + 0.9 * tall, pitch).tolist()
    for base in bases:
        if rng.random() < 0.06:
            continue
        x, end = rng.uniform(-0.5 * tall, 0.5 * page.width), page.width * rng.uniform(0.5, 1.1)
        while x < end:
            if rng.random() < words:
                x = page.word(int(rng.integers(1, 7)), x, base, tall, max(gap, 0))
            else:
                x = page.write(number(rng, signs), x, base, tall, gap)
            x += tall * rng.uniform(0.4, 2.5)


def letters(page: Page, tall: float) -> None:
    """Write words of letters in lines, and no digit."""
    rng = page.rng
    pitch, gap = tall * rng.uniform(1.3, 2.4), rng.uniform(0.02, 0.3)
    printed = rng.random() < 0.4
    for base in np.arange(rng.uniform(0.3, 1.2) * tall, page.height + 0.5 * tall, pitch).tolist():
        x = rng.uniform(-tall, 0.4 * page.width)
        while x < page.width:
            length = int(rng.integers(1, 9))
            if not printed:
                x = page.word(length, x, base, tall, gap)
            else:
                for _ in range(length):
                    letter = chr(rng.integers(26) + (65 if rng.random() < 0.3 else 97))
                    tile = page.glyph(letter, tall)
                    if tile is not None:
                        x += tile.shape[1] / 2
                        alike = letter not in UNMISTAKABLE
                        middle = base - tile.shape[0] / 2
                        page.put(tile, x, middle, OTHER, tall, mistakable=alike)
                        x += tile.shape[1] / 2 + gap * tall * 0.5
            x += tall * rng.uniform(0.4, 1)


def boxes(page: Page, tall: float) -> None:
    """Write into the boxes of forms."""
    rng = page.rng
    wide, high = tall * rng.uniform(0.95, 1.8), tall * rng.uniform(1.05, 2)
    apart = rng.choice([0, rng.uniform(2, 0.6 * tall)])
    down = high + rng.uniform(0.2, 2.5) * tall
    x0, y0 = rng.uniform(-wide, 0.5 * page.width), rng.uniform(-high, 0.6 * page.height)
    columns = int(rng.integers(1, max(int((page.width - x0) / (wide + apart)) + 2, 2) + 1))
    rows = int(rng.integers(1, max(int((page.height - y0) / down) + 1, 1) + 1))
    kind = str(rng.choice(["closed", "comb", "open"], p=[0.7, 0.15, 0.15]))
    if columns < _LEAST_OPEN and kind == "open":
        kind = "closed"
    corners = [
        [(x0 + column * (wide + apart), y0 + row * down) for column in range(columns)]
        for row in range(rows)
    ]
    _rule_boxes(page, tall, corners, wide, high, kind)
    filled, sloppy = rng.choice([0.15, 0.5, 0.85, 1]), rng.choice([0, 0.08, 0.2])
    filled = max(filled, 0.85) if kind == "open" else filled
    for row in range(rows):
        for column in range(columns):
            if rng.random() < filled:
                x, y = x0 + column * (wide + apart), y0 + row * down
                _fill(page, x, y, wide, high, tall, sloppy)
    if rng.random() < 0.5:
        words(page, tall)


def _rule_boxes(
    page: Page,
    tall: float,
    corners: list[list[tuple[float, float]]],
    wide: float,
    high: float,
    kind: str,
) -> None:
    """Rule rows of boxes, given by their left upper corners: closed, as a comb, or open."""
    rng = page.rng
    walls, lids = [], []
    for row in corners:
        down = rng.uniform(0.4, 0.8) * high if kind == "comb" else 0
        # The walls of open boxes touch nothing.
        short = rng.uniform(0.02, 0.15) * high if kind == "open" else 0
        for left, top in row:
            right, bottom = left + wide, top + high
            walls += [Ruling(x, top + down + short, x, bottom - short) for x in (left, right)]
            lids.append(Ruling(left, bottom, right, bottom))
            if kind != "comb":
                lids.append(Ruling(left, top, right, top))
    if kind != "open":
        _rule(page, walls + lids, tall)
    else:
        page.rule(walls, max(0.4, tall * rng.uniform(0.015, 0.09)), rng.uniform(0.4, 1))
        if rng.random() < 0.7:
            _rule(page, lids, tall)


def sudoku(page: Page, tall: float) -> None:
    """Write into a grid of squares, every third line of which is heavy."""
    rng = page.rng
    side = tall * rng.uniform(1.1, 2.2)
    x0, y0 = rng.uniform(-3 * side, 0.3 * page.width), rng.uniform(-3 * side, 0.3 * page.height)
    columns, rows = (
        int((n - start) / side) + 2 for n, start in ((page.width, x0), (page.height, y0))
    )
    columns, rows = min(columns, 9), min(rows, 9)
    right, bottom = x0 + columns * side, y0 + rows * side
    across = [Ruling(x0, y0 + k * side, right, y0 + k * side) for k in range(rows + 1)]
    down = [Ruling(x0 + k * side, y0, x0 + k * side, bottom) for k in range(columns + 1)]
    thin = _rule(page, across + down, tall)
    heavy = across[::3] + down[::3]
    page.rule(heavy, thin * rng.choice([1, 1.5, 2]), rng.uniform(0.4, 1))
    filled, printed = rng.choice([0.2, 0.4, 0.9]), rng.random() < 0.5
    for row in range(rows):
        for column in range(columns):
            if rng.random() < filled:
                x, y = x0 + column * side, y0 + row * side
                _fill(page, x, y, side, side, tall, 0.05, printed=printed and rng.random() < 0.7)


def table(page: Page, tall: float) -> None:
    """Write numbers into the cells of a table, ruled in full, in part, or not at all."""
    rng = page.rng
    many = int(rng.integers(1, 6))
    wide = tall * rng.uniform(0.75 * many + 0.5, 1.1 * many + 2)
    high = tall * rng.uniform(1.15, 2.4)
    x0, y0 = (
        rng.uniform(-wide, 0.3 * page.width) * (rng.random() < 0.8),
        rng.uniform(-high, 0.3 * page.height) * (rng.random() < 0.8),
    )
    columns, rows = int((page.width - x0) / wide) + 2, int((page.height - y0) / high) + 2
    if rng.random() < 0.3:
        columns, rows = int(rng.integers(1, columns + 1)), int(rng.integers(1, rows + 1))
    _rule_table(page, tall, (x0, y0, wide, high), columns, rows)
    filled, signs, gap = rng.choice([0.3, 0.7, 1]), rng.choice([0, 0, 0.3]), rng.uniform(0.02, 0.2)
    printed, by_hand = rng.random() < 0.15, rng.random() < 0.15
    for row in range(rows):
        for column in range(columns):
            if rng.random() > filled:
                continue
            x, y = x0 + column * wide, y0 + row * high
            base = y + high - rng.uniform(0.1, 0.5) * (high - tall)
            start = x + rng.uniform(0.08, 0.35) * wide
            if (column == 0 and by_hand) or rng.random() < 0.03:
                page.word(int(rng.integers(1, 2 + many)), start, base, 0.85 * tall, 0.05)
            elif many == 1 and signs == 0:
                _fill(page, x, y, wide, high, tall, 0.05, printed=printed)
            else:
                text = "#" * int(rng.integers(1, many + 1))
                if rng.random() < signs:
                    text = number(rng, 1)[: many + 1]
                page.write(text, start, base, tall, gap)
    if rng.random() < 0.15:
        words(page, tall)


def _rule_table(
    page: Page, tall: float, cell: tuple[float, float, float, float], columns: int, rows: int
) -> None:
    """Rule a table in full, in part, or not at all."""
    rng = page.rng
    x0, y0, wide, high = cell
    ruled = rng.choice(["both", "across", "down", "none"], p=[0.6, 0.18, 0.12, 0.1])
    right, bottom = x0 + columns * wide, y0 + rows * high
    drawn = []
    if ruled in ("both", "across"):
        drawn += [Ruling(x0, y0 + k * high, right, y0 + k * high) for k in range(rows + 1)]
    if ruled in ("both", "down"):
        drawn += [Ruling(x0 + k * wide, y0, x0 + k * wide, bottom) for k in range(columns + 1)]
    if drawn:
        _rule(page, drawn, tall)


def huge(page: Page, tall: float) -> None:
    """Write one character much higher than the network has to find."""
    rng = page.rng
    high = max(tall * rng.uniform(2, 6), 50)
    kind, tile = page.digit(high, _often_one(rng))
    page.put(
        tile, rng.uniform(-0.1, 1.1) * page.width, rng.uniform(-0.1, 1.1) * page.height, kind, high
    )
    if rng.random() < 0.4:
        scatter(page, tall)


def dwarf(page: Page, tall: float) -> None:
    """Write lines much smaller than the network has to find."""
    lines(page, tall * 0.3)


def single(page: Page, tall: float) -> None:
    """Write one digit in the middle of nothing."""
    rng = page.rng
    kind, tile = page.digit(tall, _often_one(rng))
    x, y = rng.uniform(0.2, 0.8) * page.width, rng.uniform(0.2, 0.8) * page.height
    page.put(tile, x, y, kind, tall)


def _often_one(rng: np.random.Generator) -> int | None:
    """Return a one, more often than others, or ``None``: alone it looks like a ruling."""
    return 1 if rng.random() < 0.3 else None


def nothing(page: Page, tall: float) -> None:
    """Write nothing that is read."""
    rng = page.rng
    if rng.random() < 0.5:
        scribbles(page, tall)
    if rng.random() < 0.4:
        words(page, tall)
    if rng.random() < 0.4:
        shapes(page)


CONTENTS: dict[str, tuple[float, Callable[[Page, float], None]]] = {
    "lines": (0.36, lines),
    "table": (0.15, table),
    "boxes": (0.12, boxes),
    "scatter": (0.08, scatter),
    "sudoku": (0.05, sudoku),
    "letters": (0.06, letters),
    "nothing": (0.05, nothing),
    "single": (0.13, single),
    "huge": (0.05, huge),
    "dwarf": (0.02, dwarf),
}
"""Kinds, each with its share of pages."""


def fill(page: Page, tall: float, kind: str | None = None) -> None:
    """Write on a page.

    Args:
        page: to write on.
        tall: usual height of a digit in pixels.
        kind: one of :data:`CONTENTS`; by default any, by their shares, with what else may be there.
    """
    rng = page.rng
    if kind is not None:
        CONTENTS[kind][1](page, tall)
        return
    shares = [share for share, _ in CONTENTS.values()]
    kind = str(rng.choice(list(CONTENTS), p=np.array(shares) / sum(shares)))
    if kind in ("scatter", "lines", "nothing", "huge", "letters", "single") and rng.random() < 0.28:
        ruled_paper(page, tall)
    CONTENTS[kind][1](page, tall)
    if rng.random() < 0.08:
        page.pen = Pen.random(rng)
        CONTENTS["scatter"][1](page, tall * rng.uniform(0.7, 1.4))
    if rng.random() < 0.08:
        scribbles(page, tall)
    if rng.random() < 0.06:
        words(page, tall)
    if rng.random() < 0.06:
        cross_out(page)
    if rng.random() < 0.2:
        specks(page)


def ruled_paper(page: Page, tall: float) -> None:
    """Rule the page in lines or squares."""
    rng = page.rng
    pitch, width, height = tall * rng.uniform(0.5, 2.4), page.width, page.height
    ys, xs = (np.arange(rng.uniform(-2 * pitch, 0), n + pitch, pitch) for n in (height, width))
    ruled = [Ruling(-width, y, 2 * width, y) for y in ys]
    if rng.random() < 0.4:
        ruled += [Ruling(x, -height, x, 2 * height) for x in xs]
    elif rng.random() < 0.3:
        x = rng.uniform(0, width)
        ruled.append(Ruling(x, -height, x, 2 * height))
    page.rule(ruled, rng.uniform(0.3, 0.9), rng.uniform(0.08, 0.8))


def words(page: Page, tall: float) -> None:
    """Print some words."""
    rng = page.rng
    for _ in range(int(rng.integers(1, 4))):
        high = tall * rng.uniform(0.4, 1)
        tile = page.glyph(_WORDS[rng.integers(len(_WORDS))], high)
        if tile is not None:
            x, y = rng.uniform(0, page.width), rng.uniform(0, page.height)
            page.put(pale(tile, rng.uniform(0.5, 1)), x, y)


def scribbles(page: Page, tall: float) -> None:
    """Scribble: not straight, since one straight stroke is a one."""
    rng = page.rng
    drawn = []
    for _ in range(int(rng.integers(1, 4))):
        steps = rng.normal(0, tall * rng.uniform(0.2, 1.5), (int(rng.integers(5, 12)), 2))
        points = rng.uniform(-10, (page.width + 10, page.height + 10)) + np.cumsum(steps, 0)
        fine = np.linspace(0, len(points) - 1, 8 * len(points))
        drawn.append(
            np.stack(
                [
                    np.interp(fine, range(len(points)), ndimage.gaussian_filter1d(axis, 0.6))
                    for axis in points.T
                ],
                1,
            )
        )
    tile = draw_lines(drawn, max(0.4, page.pen.radius * tall), page.width, page.height)
    np.maximum(page.scrap, tile, out=page.scrap)


def cross_out(page: Page) -> None:
    """Cross out some of the digits, which are none then."""
    rng = page.rng
    for index, one in enumerate(page.characters):
        if one.kind == OTHER or rng.random() > 0.25:
            continue
        left, top, right, bottom = one[1:5]
        width, height = right - left, bottom - top
        strokes = []
        for _ in range(int(rng.integers(2, 5))):
            y0, y1 = rng.uniform(top, bottom, 2)
            strokes.append(np.array([[left - 0.2 * width - 1, y0], [right + 0.2 * width + 1, y1]]))
        if rng.random() < 0.4:
            strokes.append(np.array([[left, top], [right, bottom]]))
        tile = draw_lines(strokes, max(0.5, page.pen.radius * height), page.width, page.height)
        np.maximum(page.scrap, tile, out=page.scrap)
        page.characters[index] = one._replace(kind=OTHER)


def specks(page: Page) -> None:
    """Leave specks of dirt."""
    rng = page.rng
    for _ in range(int(rng.integers(1, 12))):
        tile = np.full(rng.integers(1, 4, 2), rng.integers(80, 256), np.uint8)
        page.put(tile, rng.uniform(0, page.width), rng.uniform(0, page.height))


def shapes(page: Page) -> None:
    """Draw areas, what photographs of anything else may show; a bar is a one, a ring a nought."""
    from PIL import Image, ImageDraw

    rng = page.rng
    image = Image.new("L", (page.width, page.height))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 6))):
        x, y = rng.uniform(0, page.width), rng.uniform(0, page.height)
        a = math.exp(rng.uniform(1, math.log(page.width)))
        b = a * rng.uniform(0.5, 2)
        shade = int(rng.integers(60, 256))
        kind = rng.integers(3)
        if kind == 0:
            draw.ellipse((x - a, y - b, x + a, y + b), fill=shade)
        elif kind == 1:
            draw.rectangle((x - a, y - b, x + a, y + b), fill=shade)
        else:
            points = [(x + rng.normal(0, a), y + rng.normal(0, b)) for _ in range(5)]
            draw.polygon(points, fill=shade)
    np.maximum(page.scrap, np.asarray(image), out=page.scrap)


def _gap(rng: np.random.Generator) -> float:
    kind = rng.choice(3, p=[0.3, 0.45, 0.25])
    return (rng.uniform(-0.08, 0.04), rng.uniform(0.05, 0.25), rng.uniform(0.2, 0.7))[kind]


def _rule(page: Page, ruled: list[Ruling], tall: float) -> float:
    """Draw the lines of a form or table; return how thick."""
    rng = page.rng
    thin = rng.uniform(0.4, 1.1) * (1 + (tall > 22))
    page.rule(ruled, thin, rng.uniform(0.25, 1))
    return thin


def _fill(
    page: Page,
    x: float,
    y: float,
    wide: float,
    high: float,
    tall: float,
    sloppy: float,
    *,
    printed: bool = False,
) -> None:
    """Write one character into a cell."""
    rng = page.rng
    tall = tall * math.exp(rng.normal(0, 0.08))
    if printed:
        kind = int(rng.integers(10))
        tile = page.glyph(str(kind), 0.8 * tall)
    elif rng.random() < 0.08:
        kind, tile = OTHER, page.letter(0.8 * tall, alone=True).tile
    else:
        kind, tile = page.digit(tall)
    if tile is None:
        return
    spare_x, spare_y = max(wide - tile.shape[1], 3), max(high - tile.shape[0], 3)
    page.put(
        tile,
        x + wide / 2 + rng.normal(0, 0.08 + sloppy) * spare_x,
        y + high / 2 + rng.normal(0, 0.1 + sloppy) * spare_y,
        kind,
        tall,
    )
