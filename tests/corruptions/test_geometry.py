"""mnistlab.corruptions.geometry compared with pixels moved by hand and slow interpolation."""

import math

import numpy as np
import pytest

from mnistlab.corruptions import corrupt, generator

ANGLES = {1: 0.2, 2: 0.4, 3: 0.6, 4: 0.8, 5: 1.0}
SIZES = {1: 0.9, 2: 0.8, 3: 0.7, 4: 0.6, 5: 0.5}


def corrupted(images, name, severity=None):
    return corrupt(images, name, severity=severity, generator=generator(0, name))


def at(image, row, column):
    height, width = image.shape
    return float(image[row, column]) if 0 <= row < height and 0 <= column < width else 0.0


def looked_up(image, place):
    """Take each pixel bilinearly from ``place(row, column)`` about the centre; black outside."""
    height, width = image.shape
    middle = (height - 1) / 2, (width - 1) / 2
    found = np.zeros(image.shape)
    for row in range(height):
        for column in range(width):
            y, x = place(row - middle[0], column - middle[1])
            y, x = y + middle[0], x + middle[1]
            top, left = math.floor(y), math.floor(x)
            down, right = y - top, x - left
            found[row, column] = (
                (1 - down) * (1 - right) * at(image, top, left)
                + (1 - down) * right * at(image, top, left + 1)
                + down * (1 - right) * at(image, top + 1, left)
                + down * right * at(image, top + 1, left + 1)
            )
    return found


def one_of(found, *expected):
    """Return which of them it is, up to rounding."""
    (which,) = (
        number for number, image in enumerate(expected) if np.abs(found - image).max() < 0.51
    )
    return which


@pytest.mark.parametrize("severity", ANGLES)
@pytest.mark.parametrize("shape", [(28, 28), (20, 33)])
def test_rotate_turns_either_way_about_the_middle(severity, shape):
    image = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    sine, cosine = math.sin(ANGLES[severity]), math.cos(ANGLES[severity])
    ways = [
        looked_up(image, lambda y, x, s=s: (cosine * y + s * x, cosine * x - s * y))
        for s in (sine, -sine)
    ]
    found = corrupted(np.stack([image] * 20), "rotate", severity)
    assert {one_of(turned, *ways) for turned in found} == {0, 1}


@pytest.mark.parametrize("severity", ANGLES)
def test_shear_slants_either_way_about_the_middle(severity):
    image = np.random.default_rng(2).integers(0, 256, (28, 28), np.uint8)
    sine, cosine = math.sin(ANGLES[severity]), math.cos(ANGLES[severity])
    ways = [looked_up(image, lambda y, x, s=s: (cosine * y, x - s * y)) for s in (sine, -sine)]
    found = corrupted(np.stack([image] * 20), "shear", severity)
    assert {one_of(slanted, *ways) for slanted in found} == {0, 1}


@pytest.mark.parametrize("severity", SIZES)
def test_scale_makes_smaller_about_the_middle(severity):
    image = np.random.default_rng(3).integers(0, 256, (28, 28), np.uint8)
    exact = looked_up(image, lambda y, x: (y / SIZES[severity], x / SIZES[severity]))
    (found,) = corrupted(image[None], "scale", severity)
    assert np.abs(found - exact).max() < 0.51


def test_half_the_size_is_half_the_size():
    square = np.zeros((1, 29, 29), np.uint8)
    square[0, 6:23, 6:23] = 255  # 17 pixels, from 8 left of the middle to 8 right of it
    (found,) = corrupted(square, "scale", 5)
    expected = np.zeros((29, 29), np.uint8)
    expected[10:19, 10:19] = 255
    assert np.array_equal(found, expected)


def test_a_turned_blob_is_where_a_protractor_puts_it():
    image = np.zeros((12, 29, 29), np.uint8)
    image[:, 13:16, 22:25] = 255  # its middle 9 pixels right of the image's
    rows, columns = np.mgrid[-14:15, -14:15]
    for turned in corrupted(image, "rotate", 2).astype(float):
        down, right = ((turned * axis).sum() / turned.sum() for axis in (rows, columns))
        assert right == pytest.approx(9 * math.cos(0.4), abs=0.03)
        assert abs(down) == pytest.approx(9 * math.sin(0.4), abs=0.03)


@pytest.mark.parametrize(
    ("side", "severity", "length"),
    [(28, 1, 1), (28, 3, 3), (28, 5, 5), (56, 3, 6), (14, 3, 2), (5, 1, 1)],
)
def test_translate_moves_to_the_four_corners_by_whole_pixels(side, severity, length):
    image = np.random.default_rng(4).integers(1, 256, (side, side), np.uint8)
    found = corrupted(np.stack([image] * 60), "translate", severity)
    wide = np.pad(image, length)
    corners = [wide[y : y + side, x : x + side] for y in (0, 2 * length) for x in (0, 2 * length)]
    counts = [sum(np.array_equal(moved, corner) for moved in found) for corner in corners]
    assert sum(counts) == 60
    assert min(counts) > 3


def test_a_pixel_moves_three_rows_and_columns_as_published():
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 10, 12] = 200
    places = {
        tuple(map(int, place[1:])) for place in np.argwhere(corrupted(images, "translate") == 200)
    }
    assert places == {(7, 9), (7, 15), (13, 9), (13, 15)}
