"""mnistlab.recogniser.ruling: lines found by runs of pixels along slopes, held against scipy and
numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from mnistlab.recogniser.ruling import _runs, _sheared, erase_rulings

masks = arrays(
    bool,
    array_shapes(min_dims=2, max_dims=2, max_side=40),
    elements=st.booleans(),
    fill=st.just(True),
)


@given(masks, st.integers(1, 45))
def test_runs_are_scipys_opening_by_a_row(level, length):
    # Scipy's opening leaves runs at the border alone only if there is room around them.
    padded = np.pad(level, ((0, 0), (length, length)))
    expected = ndimage.binary_opening(padded, np.ones((1, length), bool))[:, length:-length]
    assert (_runs(level, length) == expected).all()


@given(masks, st.data())
def test_a_shear_is_a_roll_of_each_column_and_turns_back(level, data):
    shifts = np.array(
        data.draw(st.lists(st.integers(-50, 50), min_size=level.shape[1], max_size=level.shape[1]))
    )
    sheared = _sheared(level, shifts)
    for column, shift in enumerate(shifts):
        assert (sheared[:, column] == np.roll(level[:, column], -shift)).all()
    assert (_sheared(sheared, -shifts) == level).all()


@pytest.mark.parametrize("slope", [0.0, 0.04, -0.1])
@pytest.mark.parametrize("turned", [False, True])
def test_lines_go_and_a_stroke_across_them_stays(slope, turned):
    columns = np.arange(300)
    paper = np.zeros((200, 300), bool)
    for start in (60, 100, 140):
        rows = np.round(start + slope * (columns - 150)).astype(int)
        for thick in (0, 1):
            paper[rows + thick, columns] = True
    written = np.zeros_like(paper)
    written[40:160, 148:154] = True
    found = erase_rulings((paper | written).T).T if turned else erase_rulings(paper | written)
    assert found[written].mean() > 0.98
    assert found[~written].sum() < 0.03 * paper.sum()
