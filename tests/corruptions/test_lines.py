"""mnistlab.corruptions.lines: compared with lines drawn by hand."""

import math

import numpy as np
import pytest

from mnistlab.corruptions import corrupt, generator
from mnistlab.corruptions.lines import dotted_line, zigzag
from tests.corruptions.scripted import Scripted

BESIDE = 1 + math.log(1 - 1 / 2.3)
BLACK = np.zeros((1, 28, 28), np.float32)


def test_a_level_dotted_line():
    (found,) = dotted_line(BLACK, rngs=[Scripted(np.array([10, 10]))])
    dots = [column for column in range(27) if column % 4 in (2, 3)]
    expected = np.zeros((28, 28))
    expected[10, dots] = 1
    expected[np.ix_([9, 11], dots)] = BESIDE
    assert np.allclose(found, expected, atol=1e-6)
    assert found[9, 2] == pytest.approx(0.42946, abs=1e-5)


def test_a_dotted_line_falls_from_its_begin_to_its_end():
    (found,) = dotted_line(BLACK, rngs=[Scripted(np.array([0, 26]))])
    for column in (2, 3, 6, 7, 22, 23, 26):
        assert found[:, column].argmax() == round(26 / 27 * column)
    assert not found[:, [0, 1, 4, 5, 24, 25, 27]].any()


def test_dots_grow_with_the_image():
    (found,) = dotted_line(np.zeros((1, 56, 56), np.float32), rngs=[Scripted(np.array([20, 20]))])
    assert np.flatnonzero(found[20]).tolist() == [column for column in range(55) if column % 8 >= 4]
    assert found[22, 4] == pytest.approx(BESIDE)


def test_a_level_zigzag():
    (found,) = zigzag(BLACK, rngs=[Scripted(10, 0)])
    assert not found[:, :2].any()
    assert not found[:, 25:].any()
    # From the axis at column 2, with tips two below and two above it in turn, every fourth column.
    course = {
        2: 10,
        3: 11,
        4: 12,
        5: 11,
        6: 10,
        7: 9,
        8: 8,
        9: 9,
        12: 12,
        16: 8,
        20: 12,
        23: 8 + 2 / 3,
    }
    for column, row in course.items():
        assert found[round(row), column] >= 1 + math.log(1 - abs(round(row) - row) / 2.3) - 1e-5, (
            column
        )
    rows = np.arange(28)
    for column, row in ((3, 11), (5, 11), (9, 9), (11, 11)):
        expected = np.maximum(1 + np.log(1 - np.minimum(np.abs(rows - row) / 2.3, 0.99)), 0)
        assert np.allclose(found[:, column], expected, atol=1e-5)


def test_a_zigzag_follows_its_axis():
    (found,) = zigzag(BLACK, rngs=[Scripted(20, -5)])
    rows = (found * np.arange(28)[:, None]).sum(axis=0)[3:24] / found.sum(axis=0)[3:24]
    slope = np.polyfit(np.arange(3, 24), rows, 1)[0]
    assert slope == pytest.approx(-5 / 23, abs=0.06)


@pytest.mark.parametrize("name", ["dotted_line", "zigzag"])
def test_lines_only_add_light(mnist, name):
    images = mnist.test.images[:300]
    found = corrupt(images, name, generator=generator(0, name))
    assert (found >= images).all()
    lit = (found > images).mean(axis=(1, 2, 3))
    # A line that leaves the image, or lies on the digit, may be short.
    assert np.median(lit) > 0.04
    assert lit.max() < 0.25


@pytest.mark.parametrize("name", ["dotted_line", "zigzag"])
def test_lines_begin_at_any_row_but_the_last(name):
    found = corrupt(np.zeros((2000, 28, 28), np.uint8), name, generator=generator(0, name))
    first = found[:, :, 2].argmax(axis=1)
    assert set(first) >= set(range(26))
