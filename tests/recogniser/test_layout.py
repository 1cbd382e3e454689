"""mnistlab.recogniser.layout: marks set by hand, and writing whose order is known."""

import numpy as np
import pytest

from mnistlab.recogniser.ink import Ink
from mnistlab.recogniser.layout import Character, arrange
from mnistlab.recogniser.marks import Mark
from tests.recogniser.drawing import cover, paint, pixels


def mark(left, top, width=50, height=80, thickness=8.0, contrast=0.8):
    return Mark(left, top, np.ones((height, width), bool), contrast, thickness, 1.0)


def places(marks):
    """Left and top of each character, line by line."""
    return [[(c.left, c.top) for c in line] for line in arrange(marks)]


def test_nothing_is_no_line():
    assert arrange([]) == []


def test_a_line_is_read_from_left_to_right():
    assert places([mark(200, 12), mark(10, 10), mark(100, 14)]) == [
        [(10, 10), (100, 14), (200, 12)]
    ]


def test_lines_are_read_from_top_to_bottom():
    marks = [mark(100, 150), mark(10, 20), mark(20, 160), mark(110, 10)]
    assert places(marks) == [[(10, 20), (110, 10)], [(20, 160), (100, 150)]]


@pytest.mark.parametrize("slope", [-0.4, -0.2, 0.2, 0.4])
def test_a_line_may_slope(slope):
    marks = [mark(70 * k, round(300 + 70 * k * slope)) for k in range(7)]
    assert [len(line) for line in arrange(marks[::-1])] == [7]
    assert [c.left for c in arrange(marks)[0]] == [70 * k for k in range(7)]


def test_two_sloping_lines_stay_apart():
    marks = [mark(70 * k, 50 + 14 * k + 150 * row) for row in (1, 0) for k in range(5)]
    assert [[c.left for c in line] for line in arrange(marks)] == [[70 * k for k in range(5)]] * 2


@pytest.mark.parametrize(
    ("part", "joined"),
    [
        (mark(12, 12, 50, 6), True),  # the bar of a five, above its belly
        (mark(66, 30, 12, 45), True),  # of a stroke that a pen skipped: beside, near
        (mark(95, 30, 12, 45), False),  # a low mark too far aside
        (mark(14, 150, 40, 30), False),  # below, too far
        (mark(20, 40, 20, 60), True),  # inside
    ],
    ids=["bar", "skipped", "aside", "below", "inside"],
)
def test_parts_of_a_digit_are_joined(part, joined):
    body, neighbour = mark(10, 20), mark(130, 20)
    characters = [c for line in arrange([body, part, neighbour]) for c in line]
    assert any({body, part} <= set(c.marks) for c in characters) == joined
    assert all(c.marks == (neighbour,) for c in characters if neighbour in c.marks)


def test_a_joined_character_is_as_large_as_its_parts():
    body, bar = mark(10, 20, 50, 60), mark(30, 8, 40, 6)
    (character,) = arrange([body, bar])[0]
    assert (character.left, character.top, character.right, character.bottom) == (10, 8, 70, 80)
    expected = np.zeros((72, 60), bool)
    expected[:6, 20:60] = expected[12:, :50] = True
    assert np.array_equal(character.mask(), expected)
    assert (character.contrast, character.thickness) == (0.8, 8.0)


@pytest.mark.parametrize("speck", [mark(65, 85, 6, 8), mark(62, 80, 8, 22), mark(64, 50, 20, 5)])
def test_commas_and_dashes_are_no_digits(speck):
    assert places([mark(0, 20), speck, mark(95, 20)]) == [[(0, 20), (95, 20)]]


def test_a_line_of_small_print_is_not_what_is_meant():
    assert places([mark(0, 0, 60, 120), *(mark(15 * k, 200, 10, 20) for k in range(6))]) == [
        [(0, 0)]
    ]


def test_the_amount_of_ink_is_that_of_the_part_alone():
    contrast = np.zeros((20, 30), np.float32)
    contrast[5:15, 4:8] = 0.8
    contrast[5:15, 20:24] = 0.4
    whole = Character(
        (
            Mark(4, 5, np.ones((10, 4), bool), 0.8, 4.0, 1.0),
            Mark(20, 5, np.ones((10, 4), bool), 0.4, 4.0, 1.0),
        )
    )
    left = whole.mask() & (np.arange(20) < 10)
    amount = whole.amount(Ink(contrast, 0.1), left)
    assert amount.shape == (10, 20)
    np.testing.assert_allclose(amount[:, :4], 1)
    assert not amount[:, 6:].any()


@pytest.mark.parametrize("text", ["12345", "90817", "123 456", "7 8 9"])
def test_written_lines_are_read_in_order(reader, text):
    lines = text.split()
    page = paint(cover(text, size=(95 * max(map(len, lines)), 150 * len(lines)), height=80, pen=8))
    assert reader.read(pixels(page)).text == "\n".join(lines)


def test_specks_and_a_comma_are_not_read(reader):
    ink = cover("57", size=(260, 160), height=90, pen=9)
    for top, left, side in ((12, 20, 3), (140, 230, 4), (60, 128, 2), (20, 200, 3)):
        ink[top : top + side, left : left + side] = 1
    ink[115:135, 134:140] = 1  # a comma between them
    assert reader.read(pixels(paint(ink))).text == "57"
    assert reader.read(pixels(paint(ink), noise=4)).text == "57"


def test_the_boxes_of_two_lines_are_where_the_ink_is(reader):
    ink = cover("40 17", size=(300, 320), height=100, pen=10)
    boxes = [one.box for one in reader.read(pixels(paint(ink))).characters]
    assert len(boxes) == 4
    for box in boxes:
        inside = ink[box.top : box.bottom, box.left : box.right] > 0.5
        assert inside[:2].any()
        assert inside[-2:].any()
        assert inside[:, :2].any()
        assert inside[:, -2:].any()
    assert (
        sum((ink[b.top : b.bottom, b.left : b.right] > 0.5).sum() for b in boxes)
        == (ink > 0.5).sum()
    )
