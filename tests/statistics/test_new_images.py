"""Differences on new images: a two-way variance of seeds and images."""

import numpy as np
import pytest
from scipy.stats import norm, t

from benchmarks.simulations import readings
from mnistlab.statistics.interval import mean_interval
from mnistlab.statistics.new_images import on_new_images

IMAGES = 1000


def test_without_noise_over_seeds_new_images_are_all_that_is_unsure():
    """Every run misreads the same images: 30 by the one alone, 10 by the other alone, as McNemar's
    setting."""
    one, other = (np.ones((8, IMAGES), bool) for _ in range(2))
    one[:, :30], other[:, 30:40] = False, False
    found = on_new_images(one, other)
    error = 100 * np.sqrt((40 - 20**2 / IMAGES) / IMAGES / (IMAGES - 1))
    reach = t.ppf(0.975, IMAGES - 1) * error
    assert (found.interval.low, found.interval.high) == pytest.approx((-2 - reach, -2 + reach))
    assert found.seeds_reach == 0
    assert found.images_reach == pytest.approx(1.959964 * error, rel=1e-6)


def test_where_images_are_all_alike_seeds_are_all_that_is_unsure():
    """Run s of the one reads every image rightly or none; the other reads all."""
    one = np.repeat(np.array([1, 1, 1, 0, 1, 1], bool)[:, None], IMAGES, axis=1)
    found = on_new_images(one, np.ones((6, IMAGES), bool))
    reach = 100 * t.ppf(0.975, 5) * np.std([0, 0, 0, 1, 0, 0], ddof=1) / 6**0.5
    assert (found.interval.high - found.interval.low) / 2 == pytest.approx(reach)
    assert found.images_reach == 0
    assert found.seeds_reach == pytest.approx(reach)


def test_the_components_are_those_of_a_textbook_table():
    """Against sums of squares worked out cell by cell."""
    draws = np.random.default_rng(3)
    one, other = draws.random((5, 7)) > 0.4, draws.random((5, 7)) > 0.5
    cells = one.astype(int) - other.astype(int)
    mean = cells.mean()
    seeds = sum(7 * (row.mean() - mean) ** 2 for row in cells) / 4
    images = sum(5 * (column.mean() - mean) ** 2 for column in cells.T) / 6
    both = (
        sum(
            (cells[s, i] - cells[s].mean() - cells[:, i].mean() + mean) ** 2
            for s in range(5)
            for i in range(7)
        )
        / 24
    )
    spread = seeds + max(images - both, 0)
    degrees = max(spread**2 / (seeds**2 / 4 + images**2 / 6 + both**2 / 24), 4)
    found = on_new_images(one, other).interval
    reach = max(t.ppf(0.975, degrees) * (spread / 35) ** 0.5, t.ppf(0.975, 4) * (seeds / 35) ** 0.5)
    assert (found.high - found.low) / 2 == pytest.approx(100 * reach)
    assert (found.high + found.low) / 2 == pytest.approx(100 * mean)


@pytest.mark.parametrize("differ", [False, True])
@pytest.mark.parametrize("seeds", [6, 20])
def test_it_holds_the_difference_as_often_as_it_says(seeds, differ):
    random, held = np.random.default_rng([4, seeds]), 0
    for _ in range(300):
        found = on_new_images(*readings(random, seeds, 500, differ=differ)).interval
        held += found.low <= 0 <= found.high
    # Three standard errors of 300 trials about 95 %.
    assert 0.912 <= held / 300 <= 0.988


def test_images_matter_only_where_recipes_differ_by_image():
    """One-sided at 5 %; the F test of the same table says so of a third of equal recipes."""
    shown = {
        differ: np.mean(
            [
                on_new_images(
                    *readings(np.random.default_rng([seed, 9]), 8, 2000, differ=differ)
                ).images_p
                < 0.05
                for seed in range(120)
            ]
        )
        for differ in (False, True)
    }
    assert shown[False] <= 0.05 + 3 * (0.05 * 0.95 / 120) ** 0.5
    assert shown[True] == 1


def test_the_evidence_of_images_by_hand():
    """Of three runs, two differ on image 0 alike, and one on image 1."""
    one, other = np.ones((3, 100), bool), np.ones((3, 100), bool)
    other[:2, 0], other[2, 1] = False, False
    cells = (one.astype(float) - other) - 0.01
    products = cells.sum(axis=0) ** 2 - (cells**2).sum(axis=0)
    assert on_new_images(one, other).images_p == pytest.approx(
        norm.sf(products.sum() / (products**2).sum() ** 0.5)
    )


def test_it_is_never_narrower_than_over_the_seeds_alone():
    for seed in range(30):
        one, other = readings(np.random.default_rng(seed), 6, 300, differ=seed % 2 == 0)
        found, points = (
            on_new_images(one, other).interval,
            100 * (one.mean(axis=1) - other.mean(axis=1)),
        )
        alone = mean_interval(points)
        assert found.low <= alone.low + 1e-9
        assert found.high >= alone.high - 1e-9


def test_readings_without_spread_say_nothing():
    alike = np.ones((6, 60), bool)
    assert on_new_images(alike, alike) is None
