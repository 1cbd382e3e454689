"""mnistlab.data.shifted_views."""

import numpy as np
import pytest
from scipy.ndimage import shift
from scipy.special import softmax

from mnistlab.data.shifted_views import read_views

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(30, 4)).astype(np.float32) / 500


def read(images):
    return images.reshape(len(images), -1).astype(np.float32) @ WEIGHTS


@pytest.mark.parametrize("pixels", [0, 1, 2])
def test_probabilities_are_averaged_over_all_copies(pixels):
    images = RANDOM.integers(0, 256, (7, 5, 6), dtype=np.uint8)
    moves = range(-pixels, pixels + 1)
    copies = [
        np.stack([shift(image, (y, x), order=0) for image in images]) for y in moves for x in moves
    ]
    expected = np.mean([softmax(read(copy).astype(np.float64), axis=1) for copy in copies], axis=0)
    np.testing.assert_allclose(np.exp(read_views(read, images, pixels)), expected, atol=1e-6)


def test_each_copy_is_read_once():
    seen = []
    read_views(
        lambda images: seen.append(images.copy()) or read(images), np.ones((3, 5, 6), np.uint8), 1
    )
    assert [images.shape for images in seen] == [(3, 5, 6)] * 9
    assert len({images.tobytes() for images in seen}) == 9
