"""Flips, compared with numpy's reversed axes, on grey and colour images."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import Recipe
from mnistlab.training.augmentations import augment, draw_augmentation

AXES = {"horizontal": 3, "vertical": 2}


@pytest.mark.parametrize("way", AXES)
@settings(deadline=None)
@given(
    channels=st.sampled_from([1, 3]),
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    seed=st.integers(0, 99),
)
def test_a_flipped_image_is_reversed_and_the_others_are_left_alone(
    way, channels, height, width, seed
):
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(20, channels, height, width, generator=random)
    recipe = Recipe(**{f"flip_{way}": 0.5})
    drawn = draw_augmentation(recipe, 20, (channels, height, width), random)
    flipped = drawn[f"{way}_flips"].numpy()
    reversed_axis = [slice(None)] * 4
    reversed_axis[AXES[way]] = slice(None, None, -1)
    expected = images.numpy().copy()
    expected[flipped] = images.numpy()[tuple(reversed_axis)][flipped]
    assert (augment(images, drawn).numpy() == expected).all()


def test_as_many_are_flipped_as_the_recipe_says_each_way_on_its_own():
    recipe = Recipe(flip_horizontal=0.5, flip_vertical=0.2)
    drawn = draw_augmentation(recipe, 20_000, (1, 4, 4), torch.Generator().manual_seed(1))
    across, down = drawn["horizontal_flips"], drawn["vertical_flips"]
    assert across.float().mean().item() == pytest.approx(0.5, abs=0.015)
    assert down.float().mean().item() == pytest.approx(0.2, abs=0.015)
    assert (across & down).float().mean().item() == pytest.approx(0.1, abs=0.015)
    everyone = draw_augmentation(Recipe(flip_vertical=1.0), 99, (1, 4, 4), torch.Generator())
    assert everyone["vertical_flips"].all()
