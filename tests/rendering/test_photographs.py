"""mnistlab.rendering.photographs: pictures that are what they say they are."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.rendering import photographs
from mnistlab.rendering.character_bank import load_bank
from mnistlab.rendering.photographs import KINDS, Cell, render_photograph
from mnistlab.rendering.texts import SIGNED

SIGNED_FORMS = {
    "decimal": r"\d{1,3}[.,]\d{1,2}",
    "negative": r"-\d{1,4}",
    "percentage": r"\d{1,3}%",
    "date": r"\d\d/\d\d/\d{4}|\d\d\.\d\d\.\d{4}|\d{4}-\d\d-\d\d|\d/\d\d/\d\d",
    "time": r"\d{1,2}:\d\d",
    "sum": r"\d{1,3}\+\d{1,3}",
    "brackets": r"\(\d{1,4}\)",
}


@pytest.fixture(scope="module")
def bank(mnist, tmp_path_factory):
    test = mnist.test
    return load_bank(test.images[:40, 0], test.labels[:40], tmp_path_factory.mktemp("bank"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_follows_from_its_seed_and_its_index(bank, kind):
    first, again = (render_photograph(kind, 3, 1, bank) for _ in range(2))
    assert (first.image == again.image).all()
    assert (first.text, first.details, first.cells) == (again.text, again.details, again.cells)
    others = [render_photograph(kind, *place, bank).image for place in ((3, 2), (4, 1))]
    assert all(other.shape != first.image.shape or (other != first.image).any() for other in others)


def test_a_page_that_no_light_makes_legible_is_written_anew(bank, monkeypatch):
    first = render_photograph("boxes", 3, 1, bank)
    seen = []

    def is_legible(page, image):
        seen.append(page)
        return len(seen) > photographs._TRIES and legible(page, image)

    legible = photographs._is_legible
    monkeypatch.setattr(photographs, "_TRIES", 20)
    monkeypatch.setattr(photographs, "_is_legible", is_legible)
    other = render_photograph("boxes", 3, 1, bank)
    assert len(seen) > 20
    assert other.text != first.text
    monkeypatch.setattr(photographs, "_PAGES", 1)
    monkeypatch.setattr(photographs, "_is_legible", lambda page, image: False)
    with pytest.raises(AssertionError, match="seed 3, boxes 1: no page is legible in any light"):
        render_photograph("boxes", 3, 1, bank)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_have_the_sizes_that_are_promised(bank, kind):
    for index in range(4):
        image = render_photograph(kind, 5, index, bank).image
        assert image.dtype == np.uint8
        least = 28 if kind == "single" else 300
        assert least <= min(image.shape)
        assert max(image.shape) <= 1600


def test_each_kind_has_the_text_that_it_promises(bank):
    for kind, form in (("single", r"\d"), ("line", r"\d{5}"), ("boxes", r"\d{8}")):
        for index in range(5):
            photograph = render_photograph(kind, 7, index, bank)
            assert re.fullmatch(form, photograph.text)
            assert photograph.image.std() > 0
    assert set(SIGNED) == set(SIGNED_FORMS)
    for index in range(12):
        photograph = render_photograph("signs", 7, index, bank)
        (detail,) = photograph.details
        assert re.fullmatch(SIGNED_FORMS[detail], photograph.text)
    letters, nothing = (render_photograph(kind, 7, 0, bank) for kind in ("letters", "nothing"))
    assert letters.letters > 0
    assert letters.text == nothing.text == ""
    assert nothing.letters == 0


def test_digits_are_those_of_the_bank(bank):
    sevens = replace(bank, labels=np.full_like(bank.labels, 7))
    assert render_photograph("line", 0, 0, sevens).text == "77777"
    assert set(render_photograph("table", 0, 0, sevens).text) == {"7", "\n"}


def test_a_table_says_what_is_in_each_cell_and_where(bank):
    photograph = render_photograph("table", 11, 0, bank)
    places = [(cell.row, cell.column) for cell in photograph.cells]
    rows, columns = (1 + max(ends) for ends in zip(*places, strict=True))
    assert {rows, columns} == {4, 5}
    assert places == [(row, column) for row in range(rows) for column in range(columns)]
    assert all(re.fullmatch(r"\d{0,3}", cell.text) for cell in photograph.cells)
    lines = ["".join(c.text for c in photograph.cells if c.row == row) for row in range(rows)]
    assert photograph.lines == tuple(filter(None, lines))
    for cell in photograph.cells:
        middle = np.mean(cell.corners, axis=0)
        assert [other for other in photograph.cells if other.holds(*middle)] == [cell]


def test_what_is_written_stands_out_from_blank_cells(bank):
    written, blank = [], []
    for index in range(6):
        photograph = render_photograph("table", 13, index, bank)
        for cell in photograph.cells:
            corners = np.array(cell.corners)
            # Within the rulings.
            (left, top), (right, bottom) = np.quantile(corners, [0.25, 0.75], axis=0)
            width, height = 0.15 * (right - left), 0.15 * (bottom - top)
            part = photograph.image[
                int(top + height) : int(bottom - height), int(left + width) : int(right - width)
            ]
            (written if cell.text else blank).append(np.ptp(np.percentile(part, [2, 98])))
    assert len(blank) > 3
    assert np.median(written) > 2 * np.median(blank)


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(0, 0.99), st.floats(0, 0.99))
def test_a_turned_cell_holds_what_is_in_it_and_nothing_else(angle, x, y):
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) @ turn
    cell = Cell(0, 0, "", tuple(map(tuple, square.tolist())))
    inside = np.clip([x, y], 0.01, None) @ turn
    assert cell.holds(*inside)
    assert not cell.holds(*(np.array([x + 1.01, y]) @ turn))
    assert not cell.holds(*(np.array([x, -y - 0.01]) @ turn))
