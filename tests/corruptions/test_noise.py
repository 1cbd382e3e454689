"""mnistlab.corruptions.noise compared with the distributions that it draws from."""

import numpy as np
import pytest
from scipy import stats

from mnistlab.corruptions import corrupt, generator

PHOTONS = {1: 60, 2: 25, 3: 12, 4: 5, 5: 3}
SHARES = {1: 0.03, 2: 0.06, 3: 0.09, 4: 0.17, 5: 0.27}
GREYS = (26, 128, 230)


@pytest.mark.parametrize("severity", PHOTONS)
@pytest.mark.parametrize("grey", GREYS)
def test_shot_noise_counts_photons(severity, grey):
    images = np.full((100, 28, 28), grey, np.uint8)
    found = corrupt(images, "shot_noise", severity=severity, generator=generator(0, "shot_noise"))
    photons = PHOTONS[severity]
    counts = np.arange(photons * 6 + 60)
    chances = stats.poisson.pmf(counts, grey / 255 * photons)
    values = np.rint(255 * np.minimum(counts / photons, 1))
    mean, square = (chances * values).sum(), (chances * values**2).sum()
    spread = np.sqrt(square - mean**2)
    assert set(np.unique(found)) <= set(values)
    assert found.mean() == pytest.approx(mean, abs=5 * spread / np.sqrt(found.size))
    assert found.std() == pytest.approx(spread, rel=0.03)


@pytest.mark.parametrize("severity", SHARES)
def test_impulse_noise_hits_its_share_half_of_it_white(severity):
    images = np.full((100, 28, 28), 100, np.uint8)
    found = corrupt(
        images, "impulse_noise", severity=severity, generator=generator(0, "impulse_noise")
    )
    for grey, share in (
        (255, SHARES[severity] / 2),
        (0, SHARES[severity] / 2),
        (100, 1 - SHARES[severity]),
    ):
        low, high = stats.binom.ppf([1e-6, 1 - 1e-6], found.size, share)
        assert low <= (found == grey).sum() <= high
    assert set(np.unique(found)) == {0, 100, 255}


def test_pixels_are_hit_independently_of_their_neighbours():
    images = np.full((200, 28, 28), 100, np.uint8)
    hit = (
        corrupt(images, "impulse_noise", severity=5, generator=generator(3, "impulse_noise")) != 100
    )
    for one, other in (
        (hit[:, :, 1:], hit[:, :, :-1]),
        (hit[:, 1:], hit[:, :-1]),
        (hit[1:], hit[:-1]),
    ):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(one.size)
