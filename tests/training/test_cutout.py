"""Cutout: a square around any pixel, cut off at the edges."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import Recipe
from mnistlab.training.augmentations import augment, draw_augmentation
from mnistlab.training.augmentations.box import boxes_around

WHITE = torch.ones(1, 3, 6, 8)


@pytest.mark.parametrize(
    ("centre", "side", "box"),
    [
        ((3, 4), 3, [2, 3, 3, 3]),
        ((3, 4), 4, [1, 2, 4, 4]),
        ((0, 0), 3, [0, 0, 2, 2]),
        ((5, 7), 4, [3, 5, 3, 3]),
        ((2, 7), 5, [0, 5, 5, 3]),
        ((3, 4), 99, [0, 0, 6, 8]),
    ],
)
def test_squares_by_hand(centre, side, box):
    row, column = (torch.tensor([at]) for at in centre)
    found = boxes_around(row, column, torch.full((1, 2), side), (6, 8))
    assert found.dtype == torch.int32
    assert found.tolist() == [box]


@settings(deadline=None)
@given(channels=st.sampled_from([1, 3]), side=st.integers(1, 12), seed=st.integers(0, 99))
def test_the_square_is_black_and_the_rest_as_it_was(channels, side, seed):
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(30, channels, 7, 9, generator=random) / 2 + 0.5
    drawn = draw_augmentation(Recipe(cutout=side), 30, (channels, 7, 9), random)
    seen = augment(images, drawn)
    for image, (top, left, height, width) in enumerate(drawn["cutouts"].tolist()):
        assert 0 < height <= min(side, 7)
        assert 0 < width <= min(side, 9)
        black = seen[image, :, top : top + height, left : left + width]
        assert black.numel() == channels * height * width
        assert black.abs().max() == 0
        assert (seen[image] == 0).sum() == channels * height * width
        kept = seen[image] > 0
        assert torch.equal(seen[image][kept], images[image][kept])


def test_every_pixel_is_as_often_the_centre():
    drawn = draw_augmentation(Recipe(cutout=1), 24_000, (1, 6, 8), torch.Generator().manual_seed(1))
    top, left, height, width = drawn["cutouts"].T
    assert (height == 1).all()
    assert (width == 1).all()
    counts = torch.bincount(top * 8 + left, minlength=48)
    assert len(counts) == 48
    assert counts.min() > 400
    assert counts.max() < 600
