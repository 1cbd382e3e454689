"""Reliability diagrams against figures worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.statistics import reliability_diagram
from mnistlab.statistics.calibration import FEWEST_IMAGES, average_bins, calibration_error
from mnistlab.statistics.interval import wilson_interval

BINS = [(4, 1.2, 1), (20, 9.0, 8), (16, 11.2, 9), (29, 23.2, 20), (931, 921.7, 925)]
"""Images, sum of confidences, rightly read."""


def test_bins_of_few_images_are_merged_from_the_surest_down():
    found = reliability_diagram(average_bins(BINS))
    # 931; 29 + 16 = 45; the 20 + 4 = 24 left are too few and join these.
    assert found.images == pytest.approx([69, 931])
    assert found.confidence == pytest.approx([(1.2 + 9.0 + 11.2 + 23.2) / 69, 921.7 / 931])
    assert found.accuracy == pytest.approx([38 / 69, 925 / 931])
    for number, (right, images) in enumerate([(38, 69), (925, 931)]):
        interval = wilson_interval(right, images)
        assert (found.low[number], found.high[number]) == pytest.approx(
            (interval.low, interval.high)
        )


def test_several_runs_count_as_the_images_of_one():
    """Twenty runs that read the same images alike say no more of other images than one."""
    one = reliability_diagram(average_bins(BINS))
    many = reliability_diagram(average_bins(20 * np.array(BINS)), 20)
    for name, values in vars(one).items():
        assert getattr(many, name) == pytest.approx(values), name


def test_wilsons_interval_at_the_fewest_reaches_no_further_than_it_is_said_to():
    for right in range(FEWEST_IMAGES + 1):
        found = wilson_interval(right, FEWEST_IMAGES)
        assert max(right / FEWEST_IMAGES - found.low, found.high - right / FEWEST_IMAGES) <= 0.18


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(0, 80), min_size=1, max_size=15).filter(any),
    runs=st.integers(1, 20),
)
def test_no_image_is_lost_and_no_point_stands_on_few(counts, runs):
    bins = [(runs * n, runs * n * (i + 0.5) / 15, runs * (n // 2)) for i, n in enumerate(counts)]
    found = reliability_diagram(average_bins(bins), runs)
    assert found.images.sum() == pytest.approx(sum(counts))
    assert len(found.images) == 1 or found.images.min() >= FEWEST_IMAGES - 1e-9
    assert (np.diff(found.confidence) > 0).all()
    assert (found.low <= found.accuracy + 1e-9).all()
    assert (found.high >= found.accuracy - 1e-9).all()


def test_the_calibration_error_is_of_the_bins_as_they_are():
    assert calibration_error(BINS) == pytest.approx(sum(abs(c - h) for _, c, h in BINS) / 1000)
