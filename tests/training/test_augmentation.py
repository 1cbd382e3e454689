"""Augmentation against scipy-free references: exact turns, a Gaussian worked out by hand, and float64."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mnistlab import Recipe
from mnistlab.training.augmentation import blur, distort, draw_distortions, rotate


def random_images(count=4, height=9, width=9, seed=0):
    return torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_quarter_turns_are_counter_clockwise_and_exact(quarters):
    images = random_images()
    angles = torch.full((4,), quarters * math.pi / 2)
    torch.testing.assert_close(rotate(images, angles), torch.rot90(images, quarters, (2, 3)), atol=1e-5, rtol=0)


def test_half_a_turn_of_an_oblong_image():
    images = random_images(height=6, width=11)
    torch.testing.assert_close(rotate(images, torch.full((4,), math.pi)), images.flip(2, 3), atol=1e-5, rtol=0)


@given(degrees=st.floats(-180, 180), height=st.integers(5, 12), width=st.integers(5, 12), seed=st.integers(0, 99))
def test_rotation_is_bilinear_interpolation_at_the_turned_place(degrees, height, width, seed):
    image = random_images(1, height, width, seed)[0, 0].double().numpy()
    angle = math.radians(degrees)
    turned = rotate(torch.from_numpy(image).float()[None, None], torch.tensor([angle]))[0, 0].numpy()
    expected = np.zeros_like(image)
    padded = np.pad(image, 2)
    centre_y, centre_x = (height - 1) / 2, (width - 1) / 2
    for y in range(height):
        for x in range(width):
            # Counter-clockwise on a screen whose y points down; a pixel shows what lay at the place turned back.
            dy, dx = y - centre_y, x - centre_x
            from_y = centre_y + math.cos(angle) * dy + math.sin(angle) * dx
            from_x = centre_x - math.sin(angle) * dy + math.cos(angle) * dx
            row, column = math.floor(from_y), math.floor(from_x)
            for ny, wy in ((row, 1 - (from_y - row)), (row + 1, from_y - row)):
                for nx, wx in ((column, 1 - (from_x - column)), (column + 1, from_x - column)):
                    if -2 <= ny < height + 2 and -2 <= nx < width + 2:
                        expected[y, x] += wy * wx * padded[ny + 2, nx + 2]
    np.testing.assert_allclose(turned, expected, atol=2e-5)


def test_a_blurred_point_is_the_kernel():
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 2] = 1
    weights = np.exp(-(np.array([-1, 0, 1]) ** 2) / (2 * 0.8**2))
    weights /= weights.sum()
    blurred = blur(image, torch.tensor([0.8]))[0, 0].numpy()
    np.testing.assert_allclose(blurred[1:4, 1:4], np.outer(weights, weights), atol=1e-7)
    assert blurred[0].max() == 0


@given(sigma=st.floats(0.05, 10), seed=st.integers(0, 99))
def test_blur_is_a_convolution_with_a_mirrored_border(sigma, seed):
    image = random_images(1, 7, 6, seed)
    taps = np.exp(-np.array([1.0, 0.0, 1.0]) / (2 * sigma**2))
    taps /= taps.sum()
    padded = np.pad(image[0, 0].double().numpy(), 1, mode="reflect")
    expected = sum(taps[i] * taps[j] * padded[i : i + 7, j : j + 6] for i in range(3) for j in range(3))
    np.testing.assert_allclose(blur(image, torch.tensor([sigma]))[0, 0].numpy(), expected, atol=1e-6)


def test_nothing_changes_without_angle_and_sigma():
    images = random_images()
    assert torch.equal(blur(images, torch.zeros(4)), images)
    torch.testing.assert_close(rotate(images, torch.zeros(4)), images, atol=1e-6, rtol=0)
    none = draw_distortions(Recipe(), 4, torch.Generator())
    assert distort(images, none) is images


def test_each_image_has_a_change_of_its_own():
    images = random_images(1).repeat(3, 1, 1, 1)
    blurred = blur(images, torch.tensor([0.0, 0.5, 1.0]))
    assert torch.equal(blurred[0], images[0])
    assert blurred[1].var() > blurred[2].var()


def test_draws_are_uniform_in_the_recipes_ranges():
    recipe = Recipe(rotation=30.0, blur=(0.1, 1.0))
    drawn = draw_distortions(recipe, 100_000, torch.Generator().manual_seed(1))
    degrees = drawn.angles.rad2deg()
    assert degrees.abs().max() <= 30.001
    assert degrees.mean().abs() < 0.3
    assert degrees.std() == pytest.approx(60 / math.sqrt(12), rel=0.01)
    assert drawn.sigmas.min() >= 0.1
    assert drawn.sigmas.max() <= 1
    assert drawn.sigmas.mean() == pytest.approx(0.55, rel=0.01)


def test_a_batch_has_its_images_draws():
    drawn = draw_distortions(Recipe(rotation=30.0), 10, torch.Generator().manual_seed(1))
    part = drawn.of(3, 7, torch.device("cpu"))
    assert torch.equal(part.angles, drawn.angles[3:7])
    assert part.sigmas is None
