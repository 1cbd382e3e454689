"""Recogniser: slanted strokes, whose boxes overlap while their ink does not."""

from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageDraw


def strokes(number, apart, slant):
    """Parallel strokes on paper, uint8 ``(260, 500)``."""
    image = Image.new("L", (500, 260), 255)
    draw = ImageDraw.Draw(image)
    for left in range(120, 120 + number * apart, apart):
        draw.line((left + slant, 40, left, 200), fill=0, width=10)
    return np.asarray(image)


@pytest.fixture(scope="module")
def readings(reader):
    every = product((2, 3, 4), (40, 50, 60), (40, 60, 80, 100))
    return {one: reader.read(strokes(*one)) for one in every}


def test_slanted_ones_are_read(readings):
    right = [one for one, reading in readings.items() if reading.text == "1" * one[0]]
    assert len(right) >= 33


def test_no_stroke_is_missed_in_silence(readings):
    wrong = {
        one: reading.text
        for one, reading in readings.items()
        if reading.sure and reading.text != "1" * one[0]
    }
    assert not wrong
