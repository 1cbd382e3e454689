"""Temperatures, against cases whose temperature is known and against trying them all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from mnistlab.errors import DataError
from mnistlab.statistics import evaluate, fit_temperature
from mnistlab.statistics.temperature import HIGHEST, LOWEST

THREE_OF_FOUR = np.array([0, 0, 0, 1])


def calibrated(scale):
    """Four images read with a confidence of 75 % of which three are right, and their logits times a
    scale."""
    return (scale * np.tile([np.log(3), 0.0], (4, 1))).astype(np.float32)


def loss(logits, labels, temperature):
    return -log_softmax(logits.astype(float) / temperature, axis=1)[
        np.arange(len(labels)), labels
    ].mean()


def made(seed, images=400, classes=5):
    """Labels drawn from a model's probabilities, and its logits twice too large."""
    draws = np.random.default_rng(seed)
    logits = draws.normal(0, 2, (images, classes))
    labels = (logits + draws.gumbel(size=logits.shape)).argmax(axis=1)
    return (2 * logits).astype(np.float32), labels


@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0, 2.0, 7.0, 15.0])
def test_logits_multiplied_are_mended_by_the_same_number(scale):
    assert fit_temperature(calibrated(scale), THREE_OF_FOUR) == pytest.approx(scale, rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_no_temperature_of_a_fine_grid_is_better(seed):
    logits, labels = made(seed)
    found = fit_temperature(logits, labels)
    grid = np.geomspace(LOWEST, HIGHEST, 3001)
    losses = [loss(logits, labels, temperature) for temperature in grid]
    assert loss(logits, labels, found) <= min(losses) + 1e-12
    assert found == pytest.approx(grid[np.argmin(losses)], rel=0.003)
    assert found == pytest.approx(2, abs=0.4)


@given(seed=st.integers(0, 1000), scale=st.floats(0.2, 5))
def test_the_temperature_grows_with_the_logits(seed, scale):
    logits, labels = made(seed, 60)
    found = fit_temperature(logits, labels)
    if LOWEST * 6 < found < HIGHEST / 6:
        assert fit_temperature((scale * logits).astype(np.float32), labels) == pytest.approx(
            scale * found, rel=1e-3
        )


def test_it_mends_the_calibration_and_leaves_the_readings():
    logits, labels = made(0, 4000)
    names = tuple("abcde")
    before, after = (
        evaluate(logits, labels, names),
        evaluate(logits, labels, names, fit_temperature(logits, labels)),
    )
    assert after.calibration_error < before.calibration_error / 3
    assert after.loss < before.loss
    assert (after.errors, after.confusion.tolist()) == (before.errors, before.confusion.tolist())


def test_it_stays_within_its_bounds():
    right = np.array([[1, 0], [0, 1]], np.float32)
    assert fit_temperature(right, np.array([0, 1])) == pytest.approx(LOWEST, rel=0.01)
    assert fit_temperature(right, np.array([1, 0])) == pytest.approx(HIGHEST, rel=0.01)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(DataError, match="logits of 4 images, but labels of 2"):
        fit_temperature(calibrated(1), np.array([0, 1]))
