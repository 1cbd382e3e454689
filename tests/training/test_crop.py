"""Random crops, compared with slices of a padded array."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import Recipe
from mnistlab.training.augmentations import augment, draw_augmentation


@settings(deadline=None)
@given(
    padding=st.integers(1, 12),
    channels=st.sampled_from([1, 3]),
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    seed=st.integers(0, 99),
)
def test_a_crop_is_a_slice_of_the_padded_image(padding, channels, height, width, seed):
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(10, channels, height, width, generator=random)
    drawn = draw_augmentation(Recipe(crop=padding), 10, (channels, height, width), random)
    cropped = augment(images, drawn)
    assert cropped.is_contiguous()
    sides = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(images.numpy(), sides)
    for image, (row, column) in enumerate((drawn["crops"] + padding).tolist()):
        expected = padded[image, :, row : row + height, column : column + width]
        assert (cropped[image].numpy() == expected).all()


def test_every_place_is_as_probable_as_the_others():
    drawn = draw_augmentation(Recipe(crop=2), 25_000, (3, 8, 8), torch.Generator().manual_seed(1))
    places = (drawn["crops"] + 2) @ torch.tensor([5, 1], dtype=torch.int32)
    counts = torch.bincount(places, minlength=25)
    assert len(counts) == 25
    assert counts.min() > 850
    assert counts.max() < 1150
