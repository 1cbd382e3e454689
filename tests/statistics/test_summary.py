"""Summaries, against published and hand-worked figures."""

import numpy as np
import pytest
from scipy.stats import norm

from mnistlab.statistics import expected_calibration_error, reliability, summarise
from mnistlab.statistics.summary import bootstrap_interval, deviation
from tests.statistics.records import made_record, made_sample

MOUSE = np.array([94.0, 197, 16, 38, 99, 141, 23])
"""Survival in days of seven mice; Efron and Tibshirani, An Introduction to the Bootstrap (1993), table 2.1."""


def bca(values, resamples=200_000, seed=7):
    """Efron's formula (1987), written out."""
    random = np.random.default_rng(seed)
    means = values[random.integers(len(values), size=(resamples, len(values)))].mean(axis=1)
    bias = norm.ppf(((means < values.mean()).mean() + (means <= values.mean()).mean()) / 2)
    left_out = (values.sum() - values) / (len(values) - 1)
    skew = left_out.mean() - left_out
    acceleration = (skew**3).sum() / (6 * (skew**2).sum() ** 1.5)
    ends = [bias + norm.ppf(q) for q in (0.025, 0.975)]
    return np.quantile(means, [norm.cdf(bias + end / (1 - acceleration * end)) for end in ends])


def test_the_interval_is_efrons():
    assert MOUSE.mean() == pytest.approx(86.86, abs=0.005)
    assert deviation(MOUSE) / 7**0.5 == pytest.approx(25.24, abs=0.005)  # as published
    found = bootstrap_interval(MOUSE, np.random.default_rng(0))
    assert (found.low, found.high) == pytest.approx(bca(MOUSE), abs=2.0)
    assert found.high - MOUSE.mean() > MOUSE.mean() - found.low  # longer where the data is


def test_the_interval_covers_the_mean_as_often_as_it_says():
    random = np.random.default_rng(3)
    covered = 0
    for _ in range(300):
        found = bootstrap_interval(random.normal(99.1, 0.1, 20), random)
        covered += found.low <= 99.1 <= found.high
    assert 0.89 <= covered / 300 <= 0.98


def test_few_or_equal_runs_have_no_interval_or_an_empty_one():
    random = np.random.default_rng(0)
    assert bootstrap_interval(np.array([99.0, 99.1]), random) is None
    found = bootstrap_interval(np.array([99.0, 99.0, 99.0]), random)
    assert (found.low, found.high) == (99.0, 99.0)


def test_a_summary_by_hand():
    sample = made_sample("a", [10, 12, 14], losses=[0.04, 0.05, 0.06])
    found = summarise(sample, np.random.default_rng(0))
    assert found.accuracies == (99.0, 98.8, 98.6)
    assert found.accuracy == pytest.approx(98.8)
    assert found.deviation == pytest.approx(0.2)
    assert found.loss == pytest.approx(0.05)
    assert found.loss_deviation == pytest.approx(0.01)
    assert found.lowest_loss == pytest.approx(0.05)
    assert found.gap == pytest.approx(99.9 - 98.8)
    assert found.train_loss == 0.01
    assert found.calibration_error == pytest.approx(np.mean([0.0, 0.2, 0.4]))
    assert found.seconds == 3.0
    assert (found.parameters, found.epochs, found.seeds) == (61_706, 2, (0, 1, 2))


def test_the_lowest_loss_is_that_of_any_epoch():
    sample = made_sample("a", [10]).records[0]
    found = summarise(
        type(made_sample("a", [1])).of("a", [made_record(losses=(0.3, 0.02, 0.07))]), np.random.default_rng(0)
    )
    assert (found.lowest_loss, found.loss) == (0.02, 0.07)
    assert sample.seed == 0


def test_calibration_by_hand():
    # 100 images at 50 % of which 40 are right, 900 at 99 % of which 870 are: 0.1 * 0.1 + 0.9 * (0.99 - 870/900).
    bins = [(0, 0.0, 0)] * 15
    bins[7], bins[14] = (100, 50.0, 40), (900, 891.0, 870)
    record = made_record(reliability=tuple(bins))
    assert expected_calibration_error(record.outcome) == pytest.approx((10 + 21) / 1000)
    sample = type(made_sample("a", [1])).of("a", [record])
    found = reliability(sample)
    assert found.confidence == pytest.approx([0.5, 0.99])
    assert found.accuracy == pytest.approx([0.4, 870 / 900])
    assert found.images.tolist() == [100, 900]
