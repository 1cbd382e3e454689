"""Augmentation by random filters and by grey boxes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import correlate

from mnistlab import Recipe
from mnistlab.kernels import AugmentationParams
from mnistlab.training.augmentations import augment, draw_augmentation
from mnistlab.training.augmentations.erasing import erase
from mnistlab.training.augmentations.filtering import filter_images
from tests.training.test_augmentation import SHAPE, random_images


@given(side=st.sampled_from([3, 5]), seed=st.integers(0, 99))
def test_a_filter_is_scipys_correlation_stretched(side, seed):
    image = random_images(1, 7, 6, seed)
    weights = torch.randn(1, side, side, generator=torch.Generator().manual_seed(seed))
    expected = correlate(image[0, 0].double().numpy(), weights[0].double().numpy(), mode="constant")
    if weights[0, side // 2, side // 2] < 0:
        expected = abs(expected)
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    np.testing.assert_allclose(filter_images(image, weights)[0, 0].numpy(), expected, atol=1e-5)


def test_filters_are_drawn_for_so_many_images_half_of_them_small():
    drawn = draw_augmentation(
        Recipe(filtering=0.4), 20_000, SHAPE, torch.Generator().manual_seed(1)
    )["filters"]
    some = (drawn != 0).any(dim=(1, 2))
    assert some.float().mean().item() == pytest.approx(0.4, abs=0.02)
    small = (drawn[some][:, 0] == 0).all(dim=1)
    assert small.float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert (drawn[some][small][:, 1:4, 1:4] != 0).all()
    assert drawn[some][:, 2, 2].std().item() == pytest.approx(1, abs=0.03)
    images = random_images(100)
    left_alone = augment(images, AugmentationParams({"filters": drawn[:100]}))[~some[:100]]
    assert torch.equal(left_alone, images[~some[:100]])


def test_a_box_has_one_grey():
    images = torch.zeros(2, 1, 6, 5)
    filled = erase(
        images,
        torch.tensor([[1, 2, 3, 2], [0, 0, 6, 5]], dtype=torch.int32),
        torch.tensor([0.25, 0.5]),
    )
    assert (filled[0, 0, 1:4, 2:4] == 0.25).all()
    assert filled[0].sum() == 6 * 0.25
    assert (filled[1] == 0.5).all()
