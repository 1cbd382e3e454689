"""mnistlab.glyphs.negatives: images that are no digit."""

import numpy as np
import pytest
from scipy import ndimage

from mnistlab.glyphs import draw_negatives
from mnistlab.glyphs.negatives import _beside, _cut, _half, _main_part, _touching, _with_slice


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.train.images[:2000, 0]


def inked(image):
    return image > 96


def test_negatives_are_prepared_as_digits_are(digits):
    negatives = draw_negatives(digits, 60, np.random.default_rng(0))
    assert negatives.shape == (60, 28, 28)
    assert negatives.dtype == np.uint8
    for negative in negatives:
        rows, columns = np.nonzero(negative)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        weights = negative[rows, columns] / negative.sum()
        # As close to the middle as the box of 20 allows.
        for axis in (rows, columns):
            assert abs((axis * weights).sum() - 14) <= 1 or axis.min() == 0 or axis.max() == 27


def test_the_seed_decides_and_a_longer_draw_begins_alike(digits):
    one, two = (draw_negatives(digits, count, np.random.default_rng(5)) for count in (10, 14))
    np.testing.assert_array_equal(one, two[:10])
    assert (draw_negatives(digits, 10, np.random.default_rng(6)) != one).any()


def test_images_with_a_channel_give_the_same(digits):
    plain, shaped = (
        draw_negatives(images, 10, np.random.default_rng(3))
        for images in (digits, digits[:, np.newaxis])
    )
    np.testing.assert_array_equal(plain, shaped)


def test_no_negatives():
    assert draw_negatives(
        np.full((1, 28, 28), 255, np.uint8), 0, np.random.default_rng(0)
    ).shape == (0, 28, 28)


def test_what_touches_is_one_piece_or_a_hair_apart_and_wider_than_one_digit(digits):
    random = np.random.default_rng(1)
    widths, joined = [], []
    for _ in range(40):
        pair = _touching(digits, random)
        rows, columns = np.nonzero(inked(pair))
        widths.append(np.ptp(columns) / np.ptp(rows))
        near = ndimage.binary_dilation(inked(pair), iterations=4)
        joined.append(ndimage.label(near)[1] == 1)
    # Some digits consist of two pieces themselves.
    assert np.mean(joined) > 0.9
    single = [
        np.ptp(np.nonzero(inked(d))[1]) / np.ptp(np.nonzero(inked(d))[0]) for d in digits[:200]
    ]
    assert np.median(widths) > 1.5 * np.median(single)


def test_a_half_is_a_part_of_a_digit_and_neither_all_nor_a_speck(digits):
    random = np.random.default_rng(2)
    halves = [half for half in (_half(digits, random) for _ in range(60)) if half is not None]
    assert len(halves) > 20
    # Enlarged three times: nine times the ink of the piece; digits have about 100 inked pixels.
    shares = [inked(half).sum() / 9 / 100 for half in halves]
    assert 0.15 < np.mean(shares) < 0.9


def test_a_slice_adds_to_a_digit_and_less_than_another(digits):
    random = np.random.default_rng(3)
    pairs = np.mean([inked(_touching(digits, random)).sum() for _ in range(60)])
    sliced = np.mean([inked(_with_slice(digits, random)).sum() for _ in range(60)])
    assert 0.5 * pairs < sliced < 0.97 * pairs


@pytest.mark.parametrize("gap", [-3, -1, 0, 1])
def test_neighbours_stand_so_far_apart(gap):
    block = np.full((10, 6), 255, np.uint8)
    both, begin = _beside(block, block, gap, 0)
    assert begin == 6 + gap
    assert inked(both).any(axis=0).sum() == 12 + min(gap, 0)
    assert both.shape[1] == 12 + gap


def test_neighbours_that_interlock_move_until_they_meet():
    one, other = np.zeros((9, 10), np.uint8), np.zeros((9, 10), np.uint8)
    one[:3], one[:, :4] = 255, 255
    other[6:], other[:, 6:] = 255, 255
    both, begin = _beside(one, other, 0, 0)
    # The upper arm of one meets the upright of the other, and the lower arm the upright of the one,
    # at once.
    assert begin == 4
    assert both.shape[1] == 14


def test_a_drop_lowers_the_other():
    block = np.full((10, 6), 255, np.uint8)
    for drop in (-3, 0, 2):
        both, begin = _beside(block, block, 0, drop)
        tops = [int(np.flatnonzero(inked(both)[:, column])[0]) for column in (0, begin)]
        assert tops[1] - tops[0] == drop


def test_a_cut_parts_without_loss():
    ink = np.random.default_rng(0).integers(0, 256, (20, 16), dtype=np.uint8)
    left, right = (_cut(ink, 7.5, np.random.default_rng(4), left=side) for side in (True, False))
    np.testing.assert_array_equal(left + right, ink)
    assert not (inked(left) & inked(right)).any()
    assert left.any()
    assert right.any()


def test_small_pieces_apart_are_left_out():
    ink = np.zeros((20, 20), np.uint8)
    ink[2:18, 2:8] = 255
    ink[3:5, 15:17] = 255
    kept = _main_part(ink)
    np.testing.assert_array_equal(kept[:, :8], ink[:, :8])
    assert not kept[:, 12:].any()
