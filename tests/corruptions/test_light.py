"""mnistlab.corruptions.light, compared with values worked out by hand."""

import numpy as np
import pytest

from mnistlab.corruptions import corrupt, generator


def corrupted(images, name, severity=None):
    return corrupt(images, name, severity=severity, generator=generator(0, name))


@pytest.mark.parametrize(
    ("severity", "added"), [(1, 25.5), (2, 51), (3, 76.5), (4, 102), (5, 127.5)]
)
def test_brightness_adds_and_clips(severity, added):
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    found = corrupted(images, "brightness", severity)
    exact = np.minimum(images + float(added), 255)
    assert np.abs(found - exact).max() <= 0.501
    assert found[0, 15, 15] == 255


def test_stripe_inverts_the_outer_quarters():
    images = np.arange(2 * 28 * 28, dtype=np.int64).astype(np.uint8).reshape(2, 28, 28)
    found = corrupted(images, "stripe")
    inside = np.zeros(28, bool)
    inside[7:21] = True
    assert np.array_equal(found[:, :, inside], images[:, :, inside])
    assert np.array_equal(found[:, :, ~inside], 255 - images[:, :, ~inside])


@pytest.mark.parametrize(("width", "inverted"), [(2, 1), (3, 1), (8, 2), (30, 7), (64, 16)])
def test_a_quarter_of_other_widths(width, inverted):
    (found,) = corrupted(np.zeros((1, 5, width), np.uint8), "stripe")
    assert (found[0] == 255).tolist() == [
        column < inverted or column >= width - inverted for column in range(width)
    ]
