"""mnistlab.corruptions.blurring: half a Gaussian by hand, and swaps one by one."""

import numpy as np
import pytest
from scipy import ndimage

from mnistlab.corruptions import corrupt, generator
from mnistlab.corruptions.blurring import motion_blur
from tests.corruptions.scripted import Scripted

GLASS = {1: (0.7, 1, 2), 2: (0.9, 2, 1), 3: (1.0, 2, 3), 4: (1.1, 3, 2), 5: (1.5, 4, 2)}
MOTION = {1: (10, 3), 2: (15, 5), 3: (15, 8), 4: (15, 12), 5: (20, 15)}


def half_gaussian(radius, sigma):
    weights = [np.exp(-(step**2) / (2 * sigma**2)) for step in range(2 * radius + 1)]
    return np.array(weights) / sum(weights)


@pytest.mark.parametrize("severity", MOTION)
def test_a_dot_becomes_half_a_gaussian_to_the_left(severity):
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 5, 24] = 1
    (found,) = motion_blur(image, severity=severity, rngs=[Scripted(0.0)])
    weights = half_gaussian(*MOTION[severity])
    expected = np.zeros((28, 28))
    for step, weight in enumerate(weights[:25]):
        expected[5, 24 - step] = weight
    assert np.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("angle", [-45.0, -17.0, 30.0, 45.0])
def test_the_smear_follows_the_angle(angle):
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 14, 20] = 1
    (found,) = motion_blur(image, severity=1, rngs=[Scripted(angle)])
    expected = np.zeros((28, 28))
    for step, weight in enumerate(half_gaussian(10, 3)):
        row = 14 - np.ceil(step * np.sin(np.radians(angle)) - 0.5)
        column = 20 - np.ceil(step * np.cos(np.radians(angle)) - 0.5)
        if 0 <= row < 28 and 0 <= column < 28:
            expected[int(row), int(column)] += weight
    assert np.allclose(found, expected, atol=1e-6)


def test_beyond_the_border_its_pixels_go_on():
    image = np.zeros((1, 28, 28), np.float32)
    image[0, :, 27] = 1
    (found,) = motion_blur(image, severity=1, rngs=[Scripted(0.0)])
    assert np.allclose(found[:, 27], 1)
    assert np.allclose(found[:, 26], 1 - half_gaussian(10, 3)[0])


def test_angles_are_between_45_degrees_up_and_down():
    images = np.zeros((500, 28, 28), np.uint8)
    images[:, 14, 20] = 255
    rows, columns = np.mgrid[:28, :28]
    blurred = corrupt(images, "motion_blur", generator=generator(0, "motion_blur")).astype(float)
    lit = blurred.sum(axis=(1, 2))
    drift = ((blurred * (rows - 14)).sum(axis=(1, 2)) / lit) / (
        (blurred * (20 - columns)).sum(axis=(1, 2)) / lit
    )
    assert -1.1 < drift.min() < -0.8
    assert 0.8 < drift.max() < 1.1
    assert abs(drift.mean()) < 0.1


@pytest.mark.parametrize("severity", GLASS)
def test_glass_blur_is_what_slow_swaps_make(mnist, severity):
    sigma, reach, rounds = GLASS[severity]
    image = mnist.test.images[3, 0]
    (found,) = corrupt(
        image[None], "glass_blur", severity=severity, generator=generator(5, "glass_blur")
    )
    (draw,) = generator(5, "glass_blur").spawn(1)
    pixels = ndimage.gaussian_filter1d(image / 255, sigma, axis=0, mode="nearest")
    rows = list(range(28 - reach, reach, -1))
    drawn = iter(draw.integers(8 * reach**2, size=rounds * len(rows) ** 2, dtype=np.int32))
    for _ in range(rounds):
        for row in rows:
            for column in rows:
                way = int(next(drawn))
                if way < 4 * reach**2:
                    other = row + way // (2 * reach) - reach, column + way % (2 * reach) - reach
                    pixels[row, column], pixels[other] = pixels[other], pixels[row, column]
    exact = 255 * ndimage.gaussian_filter1d(pixels, sigma, axis=0, mode="nearest")
    assert np.abs(found - exact).max() < 0.51


def test_glass_neither_adds_light_nor_takes_it(mnist):
    images = mnist.test.images[:200]
    found = corrupt(images, "glass_blur", generator=generator(0, "glass_blur")).astype(float)
    assert found.sum() == pytest.approx(images.sum(), rel=0.01)
    even = np.full((3, 28, 28), 77, np.uint8)
    assert (
        corrupt(even, "glass_blur", severity=5, generator=generator(0, "glass_blur")) == 77
    ).all()


def test_blurring_grows_with_the_image(mnist):
    """An image enlarged, blurred and shrunk again is about the same as the image blurred."""
    images = mnist.test.images[:50, 0]
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    smeared = corrupt(large, "motion_blur", generator=generator(0, "motion_blur"))
    shrunk = smeared.reshape(50, 28, 2, 28, 2).mean(axis=(2, 4))
    small = corrupt(images, "motion_blur", generator=generator(0, "motion_blur"))
    assert np.abs(shrunk - small).mean() < 0.15 * np.abs(small.astype(int) - images).mean()
