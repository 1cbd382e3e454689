"""Colour jitter, compared with Pillow's enhancement of the same images, and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from mnistlab import Recipe
from mnistlab.training.augmentations import augment, draw_augmentation
from mnistlab.training.augmentations.colour_jitter import jitter

FACTORS = st.floats(0, 2)


@settings(deadline=None)
@given(brightness=FACTORS, contrast=FACTORS, saturation=FACTORS, seed=st.integers(0, 99))
def test_it_is_pillows_brightness_contrast_and_colour_in_that_order(
    brightness, contrast, saturation, seed
):
    """Pillow's images are bytes, rounded after each step, as is its mean grey."""
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), np.uint8)
    image = Image.fromarray(pixels)
    for kind, factor in (
        (ImageEnhance.Brightness, brightness),
        (ImageEnhance.Contrast, contrast),
        (ImageEnhance.Color, saturation),
    ):
        image = kind(image).enhance(factor)
    unit = torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0) / 255
    ours = jitter(unit, torch.tensor([[brightness, contrast, saturation]]))
    expected = np.asarray(image).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(ours[0].numpy(), expected, atol=7.5 / 255)


@settings(deadline=None)
@given(brightness=FACTORS, contrast=FACTORS, saturation=FACTORS, seed=st.integers(0, 99))
def test_a_grey_image_is_the_same_worked_out_in_float64(brightness, contrast, saturation, seed):
    pixels = np.random.default_rng(seed).random((6, 5))
    expected = np.clip(pixels * brightness, 0, 1)
    expected = np.clip(contrast * expected + (1 - contrast) * expected.mean(), 0, 1)
    images = torch.from_numpy(pixels).float()[None, None]
    ours = jitter(images, torch.tensor([[brightness, contrast, saturation]]))
    np.testing.assert_allclose(ours[0, 0].numpy(), expected, atol=1e-6)


def test_one_colour_by_hand():
    orange = torch.tensor([0.8, 0.4, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    grey = 0.2989 * 0.4 + 0.587 * 0.2
    # Half as bright; contrast about its own grey; then as grey as can be.
    darker = jitter(orange, torch.tensor([[0.5, 1.0, 1.0]]))
    assert darker[0, :, 0, 0].tolist() == pytest.approx([0.4, 0.2, 0.0])
    flat = jitter(orange, torch.tensor([[0.5, 0.5, 1.0]]))
    assert flat[0, :, 1, 1].tolist() == pytest.approx(
        [0.2 + grey / 2, 0.1 + grey / 2, grey / 2], abs=1e-6
    )
    assert jitter(orange, torch.tensor([[0.5, 1.0, 0.0]]))[0, :, 0, 1].tolist() == pytest.approx(
        [grey] * 3, abs=1e-6
    )
    # No change at 1, and clipped to white at 2.
    assert jitter(orange, torch.ones(1, 3)).flatten().tolist() == orange.flatten().tolist()
    assert jitter(orange, torch.tensor([[2.0, 1.0, 1.0]]))[0, :2, 0, 0].tolist() == pytest.approx(
        [1.0, 0.8]
    )


def test_factors_are_uniform_in_the_recipes_strengths():
    recipe = Recipe(colour_jitter=(0.4, 0.2, 1.0))
    shape = (3, 4, 4)
    drawn = draw_augmentation(recipe, 20_000, shape, torch.Generator().manual_seed(1))["jitters"]
    for factors, strength in zip(drawn.unbind(1), (0.4, 0.2, 1.0)):
        assert factors.min() >= 1 - strength
        assert factors.max() <= 1 + strength
        assert factors.mean().item() == pytest.approx(1, abs=0.02)
        assert factors.std().item() == pytest.approx(2 * strength / 12**0.5, rel=0.02)
    one = draw_augmentation(
        Recipe(colour_jitter=(0.5, 0.0, 0.0)), 50, shape, torch.Generator().manual_seed(1)
    )
    images = torch.rand(50, *shape, generator=torch.Generator().manual_seed(2))
    expected = (images * one["jitters"][:, 0].view(-1, 1, 1, 1)).clamp(0, 1)
    torch.testing.assert_close(augment(images, one), expected)
