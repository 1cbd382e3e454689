"""mnistlab.corruptions.edges: squares and steps by hand, and a slow Canny detector."""

import math

import numpy as np
import pytest
from scipy import ndimage

from mnistlab.corruptions import corrupt, generator

RING = np.ones((3, 3))


def edges(image):
    (found,) = corrupt(
        np.asarray(image, np.uint8)[None], "canny_edges", generator=generator(0, "canny_edges")
    )
    return found


def slow_edges(image):
    """Canny's method, pixel by pixel, in float64."""
    height, width = image.shape
    weights = ndimage.gaussian_filter(np.ones(image.shape), 1, mode="constant")
    smooth = ndimage.gaussian_filter(image / 255, 1, mode="constant") / weights
    down, right = ndimage.sobel(smooth, 0), ndimage.sobel(smooth, 1)
    strength = np.hypot(down, right)
    thin = np.zeros(image.shape, bool)
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            size = max(abs(down[row, column]), abs(right[row, column]))
            if size == 0:
                continue
            y, x = down[row, column] / size, right[row, column] / size
            sides = [
                ndimage.map_coordinates(strength, [[row + s * y], [column + s * x]], order=1)[0]
                for s in (1, -1)
            ]
            thin[row, column] = strength[row, column] >= max(sides)
    labels, count = ndimage.label(thin & (strength >= 0.1), RING)
    strong = thin & (strength >= 0.2)
    return sum(
        (labels == label for label in range(1, count + 1) if strong[labels == label].any()),
        np.zeros_like(thin),
    )


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_textbooks(seed):
    rough = np.random.default_rng(seed).normal(0, 1, (28, 37))
    image = np.clip(127 + 200 * ndimage.gaussian_filter(rough, 1.3), 0, 255).astype(np.uint8)
    expected = slow_edges(image)
    assert 0.05 < expected.mean() < 0.5
    assert np.array_equal(edges(image) == 255, expected)


def test_edges_are_white_on_black(mnist):
    found = corrupt(mnist.test.images[:200], "canny_edges", generator=generator(0, "canny_edges"))
    assert set(np.unique(found)) == {0, 255}
    assert 0.05 < (found > 0).mean() < 0.25


def test_a_square_becomes_its_outline():
    image = np.zeros((28, 28))
    image[9:19, 9:19] = 255
    found = edges(image) > 0
    assert ndimage.label(found, RING)[1] == 1
    assert np.array_equal(found, found.T)
    # Within a pixel of where black meets white, and all around.
    near = np.zeros((28, 28), bool)
    near[8:20, 8:20] = True
    near[11:17, 11:17] = False
    assert not (found & ~near).any()
    holes, count = ndimage.label(~found)
    assert count == 2
    assert holes[0, 0] != holes[14, 14]


def test_the_gradient_of_a_step_decides():
    """A step of h has a gradient of 4 h (Phi(0.5) - Phi(-1.5)) = 2.5 h by its side."""
    phi = lambda x: (1 + math.erf(x / math.sqrt(2))) / 2  # noqa: E731
    factor = 4 * (phi(0.5) - phi(-1.5))
    assert factor == pytest.approx(2.5, abs=0.01)
    for step in (5, 10, 13, 19, 22, 26, 100, 255):
        image = np.zeros((28, 28))
        image[:, 14:] = step
        found = edges(image) > 0
        # From 0.2 on; a Gaussian sampled at pixels is not quite the continuous one.
        assert found.any() == (factor * step / 255 >= 0.2), step
        assert not found[:, :13].any()
        assert not found[:, 15:].any()


def test_weak_edges_are_kept_where_they_go_on_strong_ones():
    image = np.zeros((28, 28))
    image[:, 14:] = 15  # 0.147, between 0.1 and 0.2
    assert not edges(image).any()
    image[20:, 14:] = 40
    found = edges(image) > 0
    assert found[2:18, 13:15].any(axis=1).all()
    image[11:13] = 0  # a gap: what is above it is no longer connected
    found = edges(image) > 0
    assert not found[2:8, 13:15].any()


def test_edges_of_one_image_do_not_spread_to_another():
    weak, strong = np.zeros((28, 28), np.uint8), np.zeros((28, 28), np.uint8)
    weak[:, 14:], strong[:, 14:] = 15, 200
    found = corrupt(
        np.stack([strong, weak, strong]), "canny_edges", generator=generator(0, "canny_edges")
    )
    assert [bool(image.any()) for image in found] == [True, False, True]


def test_the_outermost_pixels_are_no_edges():
    image = np.random.default_rng(0).integers(0, 256, (28, 28))
    found = edges(image)
    assert not found[[0, -1]].any()
    assert not found[:, [0, -1]].any()
