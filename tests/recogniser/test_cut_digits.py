"""Recogniser: digits of which the picture's edge leaves a part."""

import numpy as np
import pytest

from tests.recogniser.drawing import cover, drawn

DIGITS = "0123456789"


def cut(digit, share):
    """A digit of which so much of the width is in the picture, and its picture's width."""
    columns = np.flatnonzero(cover(digit, size=(220, 180)).any(0))
    width = int(columns[0] + share * (columns[-1] + 1 - columns[0]))
    return np.ascontiguousarray(drawn(digit, size=(220, 180))[:, :width]), width


def is_told(reading):
    return any("cut by the edge" in note for note in reading.notes)


@pytest.mark.parametrize("share", [0.6, 0.7, 0.8])
def test_of_most_digits_that_are_cut_it_is_told(reader, share):
    readings = [reader.read(cut(digit, share)[0]) for digit in DIGITS]
    assert sum(map(is_told, readings)) >= 5
    assert sum(reading.sure for reading in readings) <= 3


def test_of_a_digit_that_touches_the_edge_it_is_not_told(reader):
    for digit in DIGITS:
        reading = reader.read(cut(digit, 1)[0])
        assert (reading.text, is_told(reading), reading.sure) == (digit, False, True)


def test_boxes_do_not_reach_beyond_the_picture(reader):
    for digit in DIGITS:
        image, width = cut(digit, 0.75)
        for one in reader.read(image).characters:
            assert 0 <= one.box.left < one.box.right <= width
