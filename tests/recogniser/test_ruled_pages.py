"""Rendered pages with rulings: forms and tables."""

import math
from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistlab import load_dataset
from mnistlab.recogniser import Recogniser
from mnistlab.rendering import Page
from mnistlab.rendering.page import Ruling
from tests.handwriting import small_bank
from tests.recogniser.drawing import cover, drawn, paint, pixels, sheet

TALL = 30


@pytest.fixture(scope="module")
def reader() -> Recogniser:
    return Recogniser()


def ruled(rows: int, columns: int, *, tilt: float = 0, apart: float = 0) -> Page:
    """A page with a digit in each of its boxes."""
    page = Page(600, 500, np.random.default_rng(5), small_bank(), angle=math.radians(tilt))
    page.pen.radius, page.pen.outline, page.pen.rough, page.pen.drawn = 0.05, False, 0, 0
    wide, high, drawn = 1.5 * TALL, 1.7 * TALL, []
    left = 300 - columns * (wide + apart) / 2
    top = 250 - rows * high / 2
    for row in range(rows):
        for column in range(columns):
            x, y = left + column * (wide + apart), top + row * high
            kind, tile = page.digit(TALL)
            page.put(tile, x + wide / 2, y + high / 2, kind, TALL)
            drawn += [Ruling(x, y, x + wide, y), Ruling(x, y + high, x + wide, y + high)]
            drawn += [Ruling(x, y, x, y + high), Ruling(x + wide, y, x + wide, y + high)]
    page.rule(drawn, 0.9, 0.8)
    return page


@pytest.mark.parametrize("apart", [0, 0.4 * TALL])
def test_digits_in_the_boxes_of_a_form_are_one_number(reader, apart):
    reading = reader.read(255 - np.maximum(*layers(ruled(1, 7, apart=apart))))
    assert [len(group.characters) for group in reading.groups] == [7]
    assert reading.tables == ()


@pytest.mark.parametrize("tilt", [0, -5, 15])
def test_every_box_of_a_table_is_a_cell_with_its_digit(reader, tilt):
    reading = reader.read(255 - np.maximum(*layers(ruled(4, 5, tilt=tilt))))
    (table,) = reading.tables
    assert table.ruled
    assert [[bool(cell.text) for cell in row] for row in table.rows] == [[True] * 5] * 4


def layers(page: Page) -> tuple[np.ndarray, np.ndarray]:
    return page.ink, page.printed


FORMS = {
    "filled": [["12", "407", "8"], ["35", "69", "120"], ["7", "", "58"], ["204", "91", "3"]],
    "few in a row": [["1", "5"], ["219", ""], ["3", ""], ["126", "642"]],
    "narrow": [["15", "35"], ["0", "9"], ["369", ""], ["363", "86"], ["4", "7"]],
}


def form(rows: list[list[str]], wide: int = 190) -> Image.Image:
    """Numbers between thin rulings."""
    picture = Image.fromarray(sheet(rows, wide))
    right, bottom = wide * len(rows[0]) + 18, 100 * len(rows) + 10
    draw = ImageDraw.Draw(picture)
    for row in range(len(rows) + 1):
        draw.line([(18, 10 + 100 * row), (right, 10 + 100 * row)], fill=(60, 60, 60), width=2)
    for column in range(len(rows[0]) + 1):
        x = 18 + wide * column
        draw.line([(x, 10), (x, bottom)], fill=(60, 60, 60), width=2)
    return picture


@pytest.mark.parametrize("scale", [1.6, 1, 0.8, 0.6])
@pytest.mark.parametrize("name", FORMS)
def test_thin_rulings_are_found_at_any_size_of_the_picture(reader, name, scale):
    picture = form(FORMS[name])
    small = picture.resize((int(scale * picture.width), int(scale * picture.height)))
    (table,) = reader.read(np.asarray(small)).tables
    assert [[cell.text for cell in row] for row in table.rows] == FORMS[name]


def test_two_numbers_in_a_cell_are_not_sure(reader):
    rows = [["12", "407"], ["35", "69"], ["7", "58"]]
    picture = np.asarray(form(rows)).copy()
    # A second number below the first one of a row that is no higher than the others.
    picture[155:200, 225:390] = 240
    for at, text in ((118, "35"), (165, "24")):
        small = drawn(text, size=(90, 40), height=30, pen=4)
        picture[at : at + 40, 40:130] = np.minimum(picture[at : at + 40, 40:130], small)
    reading = reader.read(picture)
    (table,) = reading.tables
    assert not table.rows[1][0].sure
    assert table.rows[0][0].sure


@pytest.mark.parametrize("thick", [4, 6])
@pytest.mark.parametrize("wall", [1, 3, 5])
def test_a_wall_between_boxes_is_no_one(reader, wall, thick):
    text, pitch = "34934386", 60
    size = (pitch * len(text) + 40, 120)
    ink = np.zeros(size[::-1])
    for place, digit in enumerate(text):
        at = (35 + pitch * place, 38)
        ink = np.maximum(ink, cover(digit, size=size, height=44, pen=5, at=at))
    picture = Image.fromarray(pixels(paint(ink)))
    draw = ImageDraw.Draw(picture)
    for y in (30, 90):
        draw.line([(20, y), (size[0] - 20, y)], fill=(150, 150, 150))
    for place in range(len(text) + 1):
        x = 20 + pitch * place
        if place == wall:
            draw.line([(x, 36), (x, 84)], fill=(60, 60, 60), width=thick)
        else:
            draw.line([(x, 30), (x, 90)], fill=(150, 150, 150))
    assert reader.read(np.asarray(picture)).text == text


def lines_drawn(texts: list[tuple[str, float, float]], size: tuple[int, int]) -> Image.Image:
    """Each character at its place, 44 pixels high."""
    ink = np.zeros(size[::-1])
    for text, x, y in texts:
        ink = np.maximum(ink, cover(text, size=size, height=44, pen=5, at=(x, y)))
    return Image.fromarray(pixels(paint(ink)))


@pytest.mark.parametrize("seed", [38, 42, 117])
def test_a_one_close_to_its_neighbours_between_two_rulings_is_no_wall(reader, seed):
    page = Page(420, 110, np.random.default_rng(seed), small_bank())
    page.pen.radius, page.pen.outline, page.pen.rough, page.pen.drawn = 0.05, False, 0, 0
    text, x, tall, gaps = "", 30.0, 36, np.random.default_rng(1000 + seed)
    for _ in range(8):
        kind, tile = page.digit(tall)
        inked = np.flatnonzero(tile.max(0) > 60)
        wide = inked[-1] - inked[0] + 1
        x += wide / 2 + gaps.uniform(2, 7)
        page.put(tile, x, 55, kind, tall)
        x += wide / 2
        text += str(kind)
    above, below = 55 - 0.75 * tall, 55 + 0.75 * tall
    page.rule([Ruling(10, y, x + 20, y) for y in (above, below)], 0.9, 0.8)
    assert reader.read(255 - np.maximum(*layers(page))).text == text


def test_numbers_beside_a_table_are_not_in_its_cells(reader):
    rows, pitch = ("53.7", "6.19", ".98.", "8.63"), 60
    texts = [
        (text, 76 + pitch * column, 38 + pitch * row)
        for row, line in enumerate(rows)
        for column, text in enumerate(line)
        if text != "."
    ]
    labels = [(str(row + 1), 306, 38 + pitch * row) for row in range(4)]
    picture = lines_drawn(texts + labels, (380, 300))
    draw = ImageDraw.Draw(picture)
    for line in range(5):
        draw.line([(60 + pitch * line, 30), (60 + pitch * line, 270)], fill=(60, 60, 60), width=2)
        draw.line([(60, 30 + pitch * line), (300, 30 + pitch * line)], fill=(60, 60, 60), width=2)
    (table,) = reader.read(np.asarray(picture)).tables
    assert ["".join(cell.text or "." for cell in row) for row in table.rows] == list(rows)


@pytest.mark.parametrize("faint", [{3}, {2, 3}, {4, 5}], ids=str)
def test_a_ruling_that_is_faint_parts_cells_as_well(reader, faint):
    """Of a table of 4 x 5 numbers: one within, two, and those around the last column."""
    left, top, wide, high = 60, 50, 100, 70
    image = Image.new("L", (620, 380), 214)
    draw = ImageDraw.Draw(image)
    for row in range(5):
        draw.line((left, top + row * high, left + 5 * wide, top + row * high), 120, 2)
    for column in range(6):
        x, grey = left + column * wide, 205 if column in faint else 120
        draw.line((x, top, x, top + 4 * high), grey, 2)
    digits, rng, written = load_dataset("mnist").test, np.random.default_rng(1), []
    for row, column in product(range(4), range(5)):
        written.append("")
        for place in range(rng.integers(1, 3)):
            which = rng.integers(300)
            ink = Image.fromarray(digits.images[which, 0] // 5 * 4).resize((42, 42))
            at = left + column * wide + 8 + 36 * place, top + row * high + 14
            image.paste(0, at, ink)
            written[-1] += str(digits.labels[which])
    (table,) = reader.read(np.asarray(image)).tables
    assert [len(row) for row in table.rows] == [5] * 4
    assert ["".join(cell.text.split()) for row in table.rows for cell in row] == written
