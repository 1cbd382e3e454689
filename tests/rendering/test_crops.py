"""The stream of crops."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.rendering.crops import SIDE, render_crops, render_digit, stretch
from tests.handwriting import small_bank


def test_a_page_is_the_same_whenever_it_is_rendered_and_its_views_differ():
    first, second = render_crops(7, 40, small_bank())
    again = render_crops(7, 40, small_bank())[1]
    assert np.array_equal(second.image, again.image)
    assert second.characters == again.characters
    assert not np.array_equal(first.image, second.image)
    assert not np.array_equal(first.image, render_crops(8, 40, small_bank())[0].image)


@settings(max_examples=40, deadline=None)
@given(index=st.integers(0, 5000))
def test_crops_are_of_one_size_and_their_shares_inside_are_true(index):
    for crop in render_crops(1, index, small_bank()):
        assert crop.image.shape == crop.scrap.shape == (SIDE, SIDE)
        for one in crop.characters:
            assert 0 <= one.inside <= 1
            whole = min(one.left, one.top) >= 0 and max(one.right, one.bottom) <= SIDE
            assert whole or one.inside < 1


def test_most_of_a_page_can_be_found_and_every_character_occurs():
    seen, whole = set(), []
    for index in range(150):
        for one in render_crops(2, index, small_bank(), views=1)[0].characters:
            seen.add(one.kind)
            whole.append(one.inside > 0.8)
    assert seen == set(range(20))
    assert np.mean(whole) > 0.55


@settings(max_examples=40, deadline=None)
@given(index=st.integers(0, 5000))
def test_a_digit_by_itself_is_drawn_where_it_is_said_to_be(index):
    crop, again = render_digit(1, index, small_bank()), render_digit(1, index, small_bank())
    assert np.array_equal(crop.image, again.image)
    assert crop.image.shape == crop.scrap.shape == (28, 28)
    (one,) = crop.characters
    assert one.kind < 10
    ground = int(np.median(crop.image))
    rows, columns = np.nonzero(np.abs(crop.image.astype(int) - ground) > 64)
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    inside = np.clip([one.left, one.top, one.right, one.bottom], 0, 28)
    assert np.abs(inside - box).max() <= 1


def test_contrast_is_stretched_to_the_readers_range():
    image = np.linspace(100, 180, SIDE * SIDE).reshape(SIDE, SIDE).astype(np.uint8)
    stretched = stretch(image)
    assert (stretched.min(), stretched.max()) == (20, 235)
    flat = np.full((SIDE, SIDE), 90, np.uint8)
    assert stretch(flat).min() == stretch(flat).max()
