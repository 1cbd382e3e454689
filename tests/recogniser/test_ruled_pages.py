"""Rendered pages with rulings: forms and tables."""

import math

import numpy as np
import pytest

from mnistlab.recogniser import Recogniser
from mnistlab.rendering import Page
from mnistlab.rendering.page import Ruling
from tests.handwriting import small_bank

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
