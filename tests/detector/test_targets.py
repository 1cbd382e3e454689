"""What the detector is asked to say of a crop."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.detector.network import CELL, REACH, UNIT
from mnistlab.detector.targets import CELLS, make_target
from mnistlab.rendering.crops import SIDE, Crop
from mnistlab.rendering.page import Character, Ruling


def crop_of(*characters: Character, rulings: tuple[Ruling, ...] = ()) -> Crop:
    blank = np.zeros((SIDE, SIDE), np.uint8)
    return Crop(blank, list(characters), list(rulings), blank)


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(20, 140),
    y=st.floats(20, 140),
    wide=st.floats(3, 36),
    high=st.floats(10, 37),
    kind=st.integers(0, 19),
)
def test_a_characters_box_follows_from_the_cell_of_its_middle(x, y, wide, high, kind):
    one = Character(kind, x - wide / 2, y - high / 2, x + wide / 2, y + high / 2, high, 1.0)
    target = make_target(crop_of(one))
    row, column = np.unravel_index(target.middle.argmax(), target.middle.shape)
    assert (row, column) == (int(y / CELL), int(x / CELL))
    assert (target.middle[row, column], target.weight[row, column]) == (1, 1)
    assert target.kind[row, column] == kind
    right, down, width, height = target.box[:, row, column]
    assert (column + 0.5) * CELL + REACH * right == pytest.approx(x, abs=1e-3)
    assert (row + 0.5) * CELL + REACH * down == pytest.approx(y, abs=1e-3)
    assert UNIT * math.exp(width) == pytest.approx(wide, rel=1e-4)
    assert UNIT * math.exp(height) == pytest.approx(high, rel=1e-4)
    assert (target.middle == 1).sum() == 1
    assert target.asked.all()


@pytest.mark.parametrize(
    ("tall", "inside", "found", "asked"),
    [
        (20, 1.0, True, True),
        (8, 1.0, False, False),  # may be found
        (5, 1.0, False, True),  # must not
        (45, 1.0, False, False),
        (70, 1.0, False, True),
        (20, 0.6, False, False),
        (20, 0.3, False, True),
    ],
)
def test_too_small_too_large_and_cut_characters(tall, inside, found, asked):
    one = Character(3, 70, 70, 84, 90, tall, inside)
    target = make_target(crop_of(one))
    assert bool((target.middle == 1).any()) == found
    assert bool(target.asked.all()) == asked


def test_rulings_and_other_ink_are_mapped():
    scrap = np.zeros((SIDE, SIDE), np.uint8)
    scrap[41:43, 80:90] = 255
    rulings = [Ruling(0, 22, SIDE, 22), Ruling(102, 0, 102, SIDE)]
    level, upright, other = make_target(Crop(scrap, [], rulings, scrap)).maps
    assert level[5].all()
    assert upright[:, 25].all()
    assert (level.sum(), upright.sum()) == (CELLS, CELLS)
    assert np.argwhere(other).tolist() == [[10, 20], [10, 21], [10, 22]]
