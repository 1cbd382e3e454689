"""mnistlab.glyphs.glyph: the images that a network trained on MNIST gets."""

from functools import cache

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from mnistlab.glyphs.glyph import BOX, SIDE, THICKEST, THINNEST, _thickness, place, prepare, shrink
from tests.recogniser.drawing import cover

HEIGHT = 140
PENS = [1.5, 2, 3, 5, 8, 12, 14, 15, 16, 17, 20, 26, 34]
DIGITS = "0123456789"
LOOPS = {"0": 1, "6": 1, "8": 2, "9": 1}


def thickness(shape):
    return _thickness(ndimage.distance_transform_edt(shape), shape)


def written(digit, pen):
    return cover(digit, size=(220, 220), height=HEIGHT, pen=pen).astype(np.float32)


@cache
def prepared(digit, pen):
    return prepare(written(digit, pen))


def enlarged(image, factor):
    grown = Image.fromarray(image / np.float32(255)).resize(
        (factor * SIDE, factor * SIDE), Image.Resampling.BICUBIC
    )
    return np.asarray(grown).clip(0, 1)


def smooth(pixels):
    """The ink of a prepared digit on a grid six times as fine."""
    return enlarged(pixels, 6) > 0.5


def extent(pixels):
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def frame(height, width, stroke=10):
    ink = np.zeros((height + 40, width + 60), np.float32)
    ink[20 : 20 + height, 30 : 30 + width] = 1
    ink[20 + stroke : 20 + height - stroke, 30 + stroke : 30 + width - stroke] = 0
    return ink


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (100, 100, (20, 20)),
        (120, 60, (20, 10)),
        (60, 120, (10, 20)),
        (200, 50, (20, 5)),
        (37, 74, (10, 20)),
    ],
)
def test_the_longer_side_becomes_20_and_the_aspect_stays(height, width, expected):
    assert extent(prepare(frame(height, width, stroke=max(6, height // 9)))) == expected


@pytest.mark.parametrize("pen", PENS)
def test_the_centre_of_mass_is_in_the_middle(pen):
    for pixels in (prepared(digit, pen) for digit in DIGITS):
        for found, taken in zip(
            ndimage.center_of_mass(pixels.astype(float)), np.nonzero(pixels), strict=True
        ):
            # Within half a pixel, or more where the digit touches the image border.
            assert abs(found - SIDE // 2) < 0.51 or taken.min() == 0 or taken.max() == SIDE - 1


def test_it_is_light_on_black():
    pixels = prepare(written("8", 12))
    assert pixels.shape == (SIDE, SIDE)
    assert pixels.dtype == np.uint8
    assert (pixels.max(), pixels.min()) == (255, 0)
    assert (pixels == 0).mean() > 0.6


@pytest.mark.parametrize("ink", [np.zeros((9, 7), np.float32), np.full((9, 7), 0.5, np.float32)])
def test_without_ink_all_is_black(ink):
    assert not prepare(ink).any()


def test_a_single_pixel_of_ink_is_a_glyph_as_well():
    assert prepare(np.ones((1, 1), np.float32)).any()


@pytest.mark.parametrize("factor", [3, 4, 5, 8, 12])
def test_an_enlarged_digit_comes_back_as_it_was(mnist, factor):
    images = mnist.train.images[:75, 0]
    back = np.stack([prepare(enlarged(image, factor)) for image in images]).astype(float)
    difference = np.abs(back - images)
    shifted = np.abs(np.roll(images, 1, axis=2).astype(float) - images).mean()
    # Half the difference that a shift by one pixel makes: they agree to about half a pixel, even
    # where stroke thickness was corrected.
    assert difference.mean() < 0.5 * shifted
    assert np.mean(difference.mean(axis=(1, 2)) < 20) > 0.97


@pytest.mark.parametrize("pen", PENS)
def test_strokes_of_any_pen_come_out_as_thick_as_those_of_mnist(pen):
    found = {digit: thickness(smooth(prepared(digit, pen))) / 6 for digit in DIGITS}
    assert {
        d: wide for d, wide in found.items() if not THINNEST - 0.45 < wide < THICKEST + 0.45
    } == {}


@pytest.mark.parametrize("pen", PENS)
def test_strokes_of_any_pen_come_out_white(pen):
    lightest = {digit: int(prepared(digit, pen).max()) for digit in DIGITS}
    assert {digit: level for digit, level in lightest.items() if level < 240} == {}


def test_the_digits_of_mnist_come_out_white(mnist):
    lightest = [
        np.quantile(ink[ink > 0], 0.9)
        for ink in (prepare(enlarged(i, 5)) for i in mnist.train.images[:75])
    ]
    assert min(lightest) > 200


@pytest.mark.parametrize("pen", PENS)
def test_loops_stay_open_and_strokes_whole(pen):
    for digit, holes in LOOPS.items():
        ink = smooth(prepared(digit, pen))
        _, pieces = ndimage.label(ink, np.ones((3, 3)))
        _, outside = ndimage.label(~np.pad(ink, 1))
        assert (digit, pieces, outside - 1) == (digit, 1, holes)


@pytest.mark.parametrize(
    ("mark", "corner"),
    [
        ((0, 0), (8, 8)),  # its mass at its first pixel: as far right and down as it fits
        ((19, 19), (0, 0)),
        ((9, 4), (5, 8)),
        ((14, 7), (0, 7)),
    ],
)
def test_place_puts_the_mass_in_the_middle_as_far_as_it_fits(mark, corner):
    small = np.zeros((20, 20), np.float32)
    small[mark] = 1
    rows, columns = np.nonzero(place(small))
    assert (rows.tolist(), columns.tolist()) == ([mark[0] + corner[0]], [mark[1] + corner[1]])


def test_place_rounds_shares_of_ink_to_eight_bits():
    placed = place(np.array([[0.2, 0.6, 0.2]], np.float32))
    assert placed[14].tolist() == [0] * 13 + [51, 153, 51] + [0] * 12
    assert not placed[:14].any()


def test_shrink_averages_squares_of_pixels():
    fine = np.zeros((60, 60), np.float32)
    fine[10:50, 10:30] = 1  # 40 rows, 20 columns: two to one
    fine[10:12, 10:12] = [[1, 0.6], [0.6, 0.6]]
    expected = np.ones((20, 10), np.float32)
    expected[0, 0] = 0.7
    np.testing.assert_allclose(shrink(fine), expected, atol=1e-6)


def test_shrink_keeps_at_least_a_pixel():
    fine = np.zeros((140, 12), np.float32)
    fine[10:130, 5:7] = 1
    assert shrink(fine).shape == (BOX, 1)


@pytest.mark.parametrize("width", [4, 6, 9, 12, 18, 24, 30])
@pytest.mark.parametrize("turn", [0, 45, 90])
def test_the_thickness_of_bars_is_their_width(width, turn):
    y, x = np.mgrid[-200:200, -200:200]
    along, across = (
        np.cos(np.radians(a)) * x + np.sin(np.radians(a)) * y for a in (turn, turn + 90)
    )
    bar = (np.abs(along) < 150) & (np.abs(across + 0.5) < width / 2)
    assert thickness(bar) == pytest.approx(width, rel=0.1)


def test_nothing_has_no_thickness():
    assert thickness(np.zeros((5, 5), bool)) == 0.0


def apart(one, other):
    """Mean absolute difference, at the best shift by at most a pixel, since rounding may shift."""
    moved = (np.roll(one, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1))
    return min(float(np.abs(image.astype(float) - other).mean()) for image in moved)


@pytest.mark.parametrize("factor", [2, 3])
def test_the_size_of_the_writing_hardly_matters(factor):
    pairs = [
        [cover(digit, (f * 150,) * 2, f * 100, f * 14) for f in (1, factor)] for digit in DIGITS
    ]
    assert (
        np.mean([apart(*(prepare(ink.astype(np.float32)) for ink in pair)) for pair in pairs]) < 4
    )


@pytest.mark.parametrize("pen", [1, 2, 3, 5])
def test_hairlines_do_not_vanish(pen):
    for digit in DIGITS:
        large = prepare(cover(digit, (800, 800), 660, pen).astype(np.float32))
        assert apart(large, prepared(digit, 3)) < 20
