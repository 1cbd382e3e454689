"""Rendered pages: what is written is where the page says."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mnistlab.rendering import CHARACTERS, OTHER, Page
from mnistlab.rendering.contents import CONTENTS, cross_out, fill
from mnistlab.rendering.photograph import photograph
from tests.handwriting import small_bank


def page_of(width: int, height: int, seed: int, angle: float = 0.0) -> Page:
    return Page(width, height, np.random.default_rng(seed), small_bank(), angle=angle)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), tall=st.floats(12, 60), kind=st.integers(0, 9))
def test_a_digit_is_as_high_as_asked_and_its_box_is_that_of_its_ink(seed, tall, kind):
    page = page_of(160, 160, seed)
    page.pen.rough = 0
    label, tile = page.digit(tall, kind)
    page.put(tile, 80, 80, label, tall)
    (one,) = page.characters
    rows, columns = np.nonzero(page.ink > 64)
    assert one.kind == kind
    assert (one.left, one.top) == (columns.min(), rows.min())
    assert (one.right, one.bottom) == (columns.max() + 1, rows.max() + 1)
    # Turned and slanted a little, with a pen's width of doubt.
    assert 0.75 * tall - 3 < one.bottom - one.top < 1.25 * tall + 3


def test_a_text_has_its_characters_in_order_and_signs_where_they_belong():
    page = page_of(600, 100, 3)
    page.write("-12.50,7%", 20, 70, 40, 0.2)
    assert "".join(CHARACTERS[one.kind] for one in page.characters) == "-12.50,7%"
    lefts = [one.left for one in page.characters]
    assert lefts == sorted(lefts)
    minus, one, _, dot, *_, comma, _, _ = page.characters
    assert dot.top > (one.top + one.bottom) / 2
    assert comma.bottom > one.bottom - 3
    assert abs((minus.top + minus.bottom) / 2 - (one.top + one.bottom) / 2) < 12
    assert {character.tall for character in page.characters} == {40}


@pytest.mark.parametrize("degrees", [-20, 7, 20])
def test_a_tilted_line_lies_on_a_line_of_that_angle(degrees):
    page = page_of(400, 400, 5, math.radians(degrees))
    page.write("8888888", 60, 210, 24, 0.3)
    x = [(one.left + one.right) / 2 for one in page.characters]
    y = [(one.top + one.bottom) / 2 for one in page.characters]
    assert math.degrees(math.atan(np.polyfit(x, y, 1)[0])) == pytest.approx(degrees, abs=2)


@pytest.mark.parametrize("degrees", [0, 12])
def test_slanted_digits_stand_as_close_as_their_ink_lets_them(degrees):
    boxed, kerned = (page_of(400, 200, 4, math.radians(degrees)) for _ in range(2))
    kerned.kerned = True
    gaps = []
    for page in (boxed, kerned):
        page.pen.slant, page.pen.drawn, page.pen.outline, page.pen.radius = -0.5, 0, False, 0.03
        page.write("11111", 60, 130, 60, 0.15)
        ones = page.characters
        gaps.append([two.left - one.right for one, two in pairwise(ones)])
        # Every stroke hangs together, and touches no other.
        assert ndimage.label(page.ink > 100, np.ones((3, 3)))[1] == 5
    assert min(gaps[0]) > 0 > min(gaps[1])
    assert all(near <= apart for apart, near in zip(*gaps, strict=True))


def test_a_character_beyond_the_edge_is_cut_by_as_much():
    page = page_of(100, 100, 1)
    page.put(np.full((20, 10), 255, np.uint8), 0, 50, 4, 20)
    (one,) = page.characters
    assert (one.left, one.right, one.inside) == (-5, 5, 0.5)
    assert page.ink[:, :5].sum() == 20 * 5 * 255


@settings(max_examples=20, deadline=None)
@given(
    kind=st.sampled_from(sorted(CONTENTS)),
    width=st.integers(40, 300),
    height=st.integers(40, 300),
    seed=st.integers(0, 99),
)
def test_every_content_fits_every_page(kind, width, height, seed):
    page = page_of(width, height, seed, angle=0.1)
    fill(page, 18, kind)
    image = photograph(page)
    assert (image.shape, image.dtype) == ((height, width), np.uint8)
    for one in page.characters:
        assert 0 <= one.kind <= OTHER
        assert one.right > one.left
        assert one.bottom > one.top
        assert 0 < one.inside <= 1


def test_pages_of_letters_have_no_digits():
    page = page_of(200, 200, 2)
    fill(page, 20, "letters")
    assert len(page.characters) > 10
    assert {one.kind for one in page.characters} == {OTHER}


def test_what_is_crossed_out_is_no_digit():
    page = page_of(300, 300, 4)
    fill(page, 20, "lines")
    before = [one.kind for one in page.characters]
    cross_out(page)
    after = [one.kind for one in page.characters]
    changed = [one for one, other in zip(before, after, strict=True) if one != other]
    assert changed
    assert len(changed) < len(before)
    assert all(other in (one, OTHER) for one, other in zip(before, after, strict=True))
