"""mnistlab.corruptions.weather: the range of fog, and the colour of mud."""

import numpy as np
import pytest
from scipy import ndimage

from mnistlab.corruptions import SEVERITIES, corrupt, generator
from mnistlab.corruptions.weather import _refined
from tests.corruptions.scripted import Scripted

STRENGTHS = {1: 1.5, 2: 2.0, 3: 2.5, 4: 2.5, 5: 3.0}


def corrupted(images, name, severity=None, seed=0):
    return corrupt(images, name, severity=severity, generator=generator(seed, name))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_white_behind_fog_is_white_darkened_by_no_more_than_it_hides(severity):
    """White becomes (1 + s L) / (1 + s) of itself, where L is the clouds, from 0 to 1."""
    strength = STRENGTHS[severity]
    found = corrupted(np.full((500, 28, 28), 255, np.uint8), "fog", severity) / 255
    clouds = (found * (1 + strength) - 1) / strength
    assert clouds.min() > -0.06
    assert clouds.max() <= 1.01
    # The corners of many maps together have all values from 0 to 1.
    assert 0.35 < clouds.mean() < 0.65
    assert clouds.mean(axis=(1, 2)).std() > 0.1


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_digit_in_fog_is_lighter_than_what_is_around_it_by_what_fog_leaves(mnist, severity):
    images = mnist.test.images[:100].copy()
    images[:, :, 0, 0] = 255
    behind = corrupted(images, "fog", severity).astype(float)
    nothing = np.zeros_like(images)
    nothing[:, :, 0, 0] = 255
    fog = corrupted(nothing, "fog", severity)
    # Where neither is clipped, the difference is that of the digit divided by 1 + strength.
    free = (behind < 254) & (images > 0) & (nothing == 0)
    assert np.abs((behind - fog)[free] - images[free] / (1 + STRENGTHS[severity])).max() <= 1.01


def test_fog_is_rougher_at_higher_severity():
    white = np.full((300, 28, 28), 255, np.uint8)

    def roughness(severity):
        clouds = (
            corrupted(white, "fog", severity).astype(float)
            * (1 + STRENGTHS[severity])
            / STRENGTHS[severity]
        )
        return np.abs(np.diff(clouds, axis=2)).mean()

    steps = [roughness(severity) for severity in (1, 3, 4, 5)]
    assert steps == sorted(steps)
    assert steps[0] < 0.5 * steps[-1]


def test_points_between_are_the_means_of_four_neighbours():
    """A step of diamond-square by hand, without the random part; edges wrap around."""
    heights = np.array([[[0, 4], [8, 12]]], np.float32)
    (found,) = _refined(heights, 0.0, [Scripted(np.zeros((3, 2, 2), np.float32))])
    assert np.array_equal(found[::2, ::2], heights[0])
    assert (found[1::2, 1::2] == 6).all()
    # Between 0 and 4, with 6 above and below; between 0 and 8, with 6 on either side.
    assert found[0, 1] == (0 + 4 + 6 + 6) / 4
    assert found[1, 0] == (0 + 8 + 6 + 6) / 4
    assert found[2, 3] == (12 + 8 + 6 + 6) / 4


def test_points_between_move_by_at_most_their_size():
    noise = np.stack([np.full((2, 2), share, np.float32) for share in (0, 0.5, 1)])
    (found,) = _refined(np.zeros((1, 2, 2), np.float32), 0.25, [Scripted(noise)])
    assert (found[1::2, 1::2] == -0.25).all()
    assert (found[::2, 1::2] == -0.125).all()
    assert (found[1::2, ::2] == 0.125).all()


@pytest.mark.parametrize("severity", SEVERITIES)
def test_mud_has_its_colour_and_edges(severity):
    """The opacity is 0 or 0.8 to 1: black becomes 0 or 50 to 63, white 255 or 63 to 101."""
    for grey, low, high in ((0, 0.8 * 63, 63), (255, 63, 63 + 0.2 * 192)):
        images = np.full((200, 28, 28), grey, np.uint8)
        found = corrupted(images, "spatter", severity)
        muddy = found != grey
        assert low - 0.5 <= found[muddy].min()
        assert found[muddy].max() <= high + 0.5
        assert 0.01 < muddy.mean() < 0.5


def test_mud_is_in_the_same_places_whatever_is_beneath():
    muddy = [
        corrupted(np.full((20, 28, 28), grey, np.uint8), "spatter") != grey for grey in (0, 255)
    ]
    assert np.array_equal(*muddy)


def test_splashes_are_blots_and_not_single_pixels():
    muddy = corrupted(np.zeros((100, 28, 28), np.uint8), "spatter") > 0
    blots = [ndimage.label(image)[1] for image in muddy]
    assert muddy.sum() / sum(blots) > 8
