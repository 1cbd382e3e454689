"""Augmentation, compared with exact rotations, a Gaussian by hand, and slow float64 references."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mnistlab import Recipe
from mnistlab.training.augmentations import augment, draw_augmentation
from mnistlab.training.augmentations.blur import blur
from mnistlab.training.augmentations.erasing import erase
from mnistlab.training.augmentations.resample import affine_matrices, bspline_weights, resample

SHAPE = (1, 32, 32)


def affine(angle=0.0, scale=1.0, shear=0.0, right=0.0, down=0.0):
    return affine_matrices(*(torch.tensor([value]) for value in (angle, scale, shear, right, down)))


def rotate(images, angles):
    ones, none = torch.ones_like(angles), torch.zeros_like(angles)
    return resample(images, affine_matrices(angles, ones, none, none, none), None)


def random_images(count=4, height=9, width=9, seed=0):
    return torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_quarter_turns_are_counter_clockwise_and_exact(quarters):
    images = random_images()
    angles = torch.full((4,), quarters * math.pi / 2)
    torch.testing.assert_close(
        rotate(images, angles), torch.rot90(images, quarters, (2, 3)), atol=1e-5, rtol=0
    )


def test_half_a_turn_of_an_oblong_image():
    images = random_images(height=6, width=11)
    torch.testing.assert_close(
        rotate(images, torch.full((4,), math.pi)), images.flip(2, 3), atol=1e-5, rtol=0
    )


@given(
    degrees=st.floats(-180, 180),
    height=st.integers(5, 12),
    width=st.integers(5, 12),
    seed=st.integers(0, 99),
)
def test_rotation_is_bilinear_interpolation_at_the_turned_place(degrees, height, width, seed):
    image = random_images(1, height, width, seed)[0, 0].double().numpy()
    angle = math.radians(degrees)
    turned = rotate(torch.from_numpy(image).float()[None, None], torch.tensor([angle]))[
        0, 0
    ].numpy()
    expected = np.zeros_like(image)
    padded = np.pad(image, 2)
    centre_y, centre_x = (height - 1) / 2, (width - 1) / 2
    for y in range(height):
        for x in range(width):
            # Counter-clockwise as displayed, where y points down; each pixel comes from the place
            # rotated back.
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
    expected = sum(
        taps[i] * taps[j] * padded[i : i + 7, j : j + 6] for i in range(3) for j in range(3)
    )
    np.testing.assert_allclose(
        blur(image, torch.tensor([sigma]))[0, 0].numpy(), expected, atol=1e-6
    )


def test_nothing_changes_without_angle_and_sigma():
    images = random_images()
    assert torch.equal(blur(images, torch.zeros(4)), images)
    torch.testing.assert_close(rotate(images, torch.zeros(4)), images, atol=1e-6, rtol=0)
    none = draw_augmentation(Recipe(), 4, SHAPE, torch.Generator())
    assert augment(images, none) is images


def test_each_image_has_a_change_of_its_own():
    images = random_images(1).repeat(3, 1, 1, 1)
    blurred = blur(images, torch.tensor([0.0, 0.5, 1.0]))
    assert torch.equal(blurred[0], images[0])
    assert blurred[1].var() > blurred[2].var()


def test_draws_are_uniform_in_the_recipes_ranges():
    recipe = Recipe(rotation=30.0, blur=(0.1, 1.0))
    drawn = draw_augmentation(recipe, 100_000, SHAPE, torch.Generator().manual_seed(1))
    degrees = torch.atan2(drawn["matrices"][:, 1, 0], drawn["matrices"][:, 0, 0]).rad2deg()
    assert degrees.abs().max() <= 30.001
    assert degrees.mean().abs() < 0.3
    assert degrees.std() == pytest.approx(60 / math.sqrt(12), rel=0.01)
    assert drawn["sigmas"].min() >= 0.1
    assert drawn["sigmas"].max() <= 1
    assert drawn["sigmas"].mean() == pytest.approx(0.55, rel=0.01)


def test_noise_is_gaussian_of_an_amplitude_of_each_image_and_cut_off():
    drawn = draw_augmentation(Recipe(noise=0.4), 2000, SHAPE, torch.Generator().manual_seed(1))
    assert drawn["amplitudes"].max() <= 0.4
    assert drawn["amplitudes"].mean() == pytest.approx(0.2, rel=0.03)
    grey = torch.full((2000, *SHAPE), 0.5)
    noisy = augment(grey, drawn)
    assert noisy.min() == 0
    assert noisy.max() == 1
    faint = drawn["amplitudes"] < 0.1
    spread = (noisy - grey)[faint].flatten(1).std(dim=1)
    torch.testing.assert_close(spread, drawn["amplitudes"][faint], atol=0.01, rtol=0.15)
    # Neighbouring pixels are independent, and so are images.
    rest = ((noisy - grey) / drawn["amplitudes"].view(-1, 1, 1, 1))[faint]
    assert (rest[..., 1:] * rest[..., :-1]).mean().abs() < 0.02
    assert (rest[1:] * rest[:-1]).mean().abs() < 0.02


def test_the_channels_of_a_colour_image_have_noise_of_their_own():
    drawn = draw_augmentation(Recipe(noise=0.4), 500, (3, 32, 32), torch.Generator().manual_seed(1))
    noisy = augment(torch.full((500, 3, 32, 32), 0.5), drawn) - 0.5
    assert noisy.std() > 0.1
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (noisy[:, one] * noisy[:, other]).mean().abs() < 0.002
    # The last start's grain reaches to the last pixel.
    drawn["starts"].fill_((1 << 17) - 1)
    assert augment(torch.rand(500, 3, 32, 32), drawn).isfinite().all()


def test_inversion_turns_about_so_many_images_and_leaves_the_others():
    drawn = draw_augmentation(Recipe(inversion=0.25), 4000, SHAPE, torch.Generator().manual_seed(1))
    images = random_images(4000)
    turned = drawn["inversions"].bool()
    assert turned.float().mean() == pytest.approx(0.25, abs=0.03)
    seen = augment(images, drawn)
    torch.testing.assert_close(seen[turned], 1 - images[turned])
    assert torch.equal(seen[~turned], images[~turned])


def test_noise_leaves_the_other_draws_as_they_were():
    with_it, without = (
        draw_augmentation(
            Recipe(rotation=9.0, blur=(0.1, 1.0), noise=n),
            9,
            SHAPE,
            torch.Generator().manual_seed(1),
        )
        for n in (0.3, 0.0)
    )
    assert torch.equal(with_it["matrices"], without["matrices"])
    assert torch.equal(with_it["sigmas"], without["sigmas"])


def test_a_batch_has_its_images_draws():
    drawn = draw_augmentation(
        Recipe(rotation=30.0, erasing=0.5), 10, SHAPE, torch.Generator().manual_seed(1)
    )
    part = drawn.of(3, 7, torch.device("cpu"))
    assert torch.equal(part["matrices"], drawn["matrices"][3:7])
    assert torch.equal(part["erasures"], drawn["erasures"][3:7])
    assert "sigmas" not in part


def test_translation_moves_by_whole_pixels_exactly():
    images = random_images(1)
    moved = resample(images, affine(right=2.0, down=-1.0), None)
    torch.testing.assert_close(moved[..., :-1, 2:], images[..., 1:, :-2], atol=1e-5, rtol=0)
    assert moved[..., -1, :].abs().max() == moved[..., :2].abs().max() == 0


def test_scale_enlarges_about_the_centre():
    image = torch.zeros(1, 1, 9, 9)
    image[..., 4, 6] = 1
    assert resample(image, affine(scale=2.0), None)[0, 0].argmax() == 4 * 9 + 8


def test_shear_moves_the_upper_half_right():
    image = torch.zeros(1, 1, 9, 9)
    image[..., 2, 4] = image[..., 6, 4] = 1
    sheared = resample(image, affine(shear=math.pi / 4), None)[0, 0]
    assert sheared[2].argmax() == 6
    assert sheared[6].argmax() == 2


@given(
    *(st.floats(low, high) for low, high in ((-3, 3), (0.2, 3), (-1, 1), (-5, 5), (-5, 5))),
    st.tuples(st.floats(-9, 9), st.floats(-9, 9)),
)
def test_matrices_lead_back_from_scaled_sheared_turned_and_moved(
    angle, scale, shear, right, down, point
):
    x, y = point[0] * scale, point[1] * scale
    x -= math.tan(shear) * y
    x, y = (
        math.cos(angle) * x + math.sin(angle) * y + right,
        -math.sin(angle) * x + math.cos(angle) * y + down,
    )
    back = affine(angle, scale, shear, right, down)[0].double() @ torch.tensor(
        [x, y, 1.0], dtype=torch.float64
    )
    assert back.tolist() == pytest.approx(point, abs=1e-3)


@pytest.mark.parametrize(("side", "points"), [(32, 8), (28, 4), (5, 8), (1, 8)])
def test_splines_weigh_to_one_and_follow_a_straight_line(side, points):
    weights = bspline_weights(side, points)
    torch.testing.assert_close(weights.sum(1), torch.ones(side))
    line = weights @ torch.arange(points, dtype=torch.float32)
    expected = 1 + torch.arange(side) * (points - 3) / max(side - 1, 1)
    torch.testing.assert_close(line, expected, atol=1e-5, rtol=0)


def test_splines_are_scipys():
    from scipy.interpolate import BSpline

    knots = np.arange(-3, 9)  # uniform, with 8 basis functions on 0..5
    expected = np.stack(
        [BSpline(knots, np.eye(8)[i], 3)(np.linspace(0, 5, 32)) for i in range(8)], axis=1
    )
    np.testing.assert_allclose(bspline_weights(32, 8).numpy(), expected, atol=1e-6)


def test_equal_displacements_move_the_whole_image():
    images = random_images()
    displacements = torch.zeros(4, 2, 8, 8)
    displacements[:, 0] = 1.0
    moved = resample(images, None, displacements)
    torch.testing.assert_close(moved[..., :-1], images[..., 1:], atol=1e-5, rtol=0)


def test_erasing_blackens_the_box_alone():
    images = torch.ones(2, 1, 6, 5)
    erased = erase(images, torch.tensor([[1, 2, 3, 2], [0, 0, 0, 0]], dtype=torch.int32))
    assert erased[0].sum() == 30 - 6
    assert erased[0, 0, 1:4, 2:4].sum() == 0
    assert torch.equal(erased[1], images[1])


def test_boxes_are_drawn_as_often_and_as_large_as_the_paper_says():
    drawn = draw_augmentation(
        Recipe(erasing=0.25), 50_000, SHAPE, torch.Generator().manual_seed(1)
    )["erasures"]
    top, left, height, width = drawn.T
    some = height > 0
    assert some.double().mean().item() == pytest.approx(0.25, abs=0.01)
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert ((top + height) <= 32).all()
    assert ((left + width) <= 32).all()
    areas = (height * width)[some] / 1024
    assert areas.mean().item() == pytest.approx(0.11, abs=0.01)
    assert areas.max() < 0.24


def test_everything_at_once_is_drawn_in_its_range():
    recipe = Recipe(translation=3.0, scale=0.2, elastic=1.5)
    drawn = draw_augmentation(recipe, 20_000, SHAPE, torch.Generator().manual_seed(1))
    scales = 1 / torch.linalg.det(drawn["matrices"][:, :, :2]).sqrt()
    assert scales.min() >= 0.799
    assert scales.max() <= 1.201
    moves = -torch.linalg.solve(drawn["matrices"][:, :, :2], drawn["matrices"][:, :, 2])
    assert moves.abs().max() <= 3.001
    assert moves.std().item() == pytest.approx(6 / math.sqrt(12), rel=0.02)
    assert drawn["displacements"].std().item() == pytest.approx(1.5, rel=0.02)
