"""mnistlab.statistics.robustness against figures worked out by hand."""

import numpy as np
import pytest
from scipy.stats import t

from mnistlab.errors import DataError
from mnistlab.statistics.interval import wilson_interval
from mnistlab.statistics.robustness import measure_robustness


def marks(text):
    """Misread images are crosses."""
    return np.array([letter == "x" for letter in text])


def test_a_table_by_hand():
    first, second = measure_robustness(
        {
            "A": {"none": marks("...."), "fog": marks("xx.."), "rain": marks("x...")},
            "B": {"none": marks("...x"), "fog": marks("xxx."), "rain": marks("xxxx")},
        }
    )
    assert (first.model, second.model) == ("A", "B")
    assert (first.clean.errors, first.clean.error) == (0, 0.0)
    assert [(name, score.errors, score.error) for name, score in first.corrupted.items()] == [
        ("fog", 2, 0.5),
        ("rain", 1, 0.25),
    ]
    assert first.corrupted["fog"].interval == wilson_interval(2, 4)
    assert (first.mean_error, first.relative) == (0.375, 1.0)
    assert (second.mean_error, second.relative) == (0.875, pytest.approx(0.875 / 0.375))
    assert (first.hardest, second.hardest) == ("fog", "rain")
    assert first.interval is not None
    assert (first.interval.low, first.interval.high) == (0, 1)


def test_the_interval_of_the_mean_by_hand():
    """Half of eight images have all errors: mean 0.5, SD 0.534522, and 2.364624 is t(7)'s 97.5 %
    quantile."""
    (found,) = measure_robustness({"A": dict.fromkeys(("none", "fog", "rain"), marks("x.x.x.x."))})
    half = 2.364624 * 0.534522 / 8**0.5
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (0.5 - half, 0.5 + half), abs=1e-6
    )


def test_the_interval_of_the_mean_covers_as_often_as_it_says():
    draws = np.random.default_rng(0)
    correct = 0
    for _ in range(400):
        # Images each hard to its own degree, whose errors hang together.
        hardness = draws.beta(0.5, 4.5, 300)
        misclassified = {"none": draws.random(300) < 0.01}
        misclassified |= {name: draws.random(300) < hardness for name in "abcdefgh"}
        (found,) = measure_robustness({"model": misclassified})
        assert found.interval is not None
        correct += found.interval.low <= 0.1 <= found.interval.high
    assert 0.91 <= correct / 400 <= 0.98


def test_without_errors_nothing_is_relative_and_no_interval_is_claimed():
    first, second = measure_robustness(
        {
            name: {"none": marks("..."), "fog": marks(text)}
            for name, text in (("A", "..."), ("B", "x.."))
        }
    )
    assert (first.interval, first.relative, second.relative) == (None, None, None)
    assert first.corrupted["fog"].interval.high > 0.5
    (one,) = measure_robustness({"A": {"none": marks("."), "fog": marks("x")}})
    assert one.interval is None


def test_as_json_has_it():
    (found,) = measure_robustness({"A": {"none": marks(".x"), "fog": marks("xx")}})
    low, high = (wilson_interval(2, 2).low, wilson_interval(2, 2).high)
    assert found.as_dict() == {
        "model": "A",
        "runs": 1,
        "clean": {
            "errors": 1,
            "error": 0.5,
            "interval": [wilson_interval(1, 2).low, wilson_interval(1, 2).high],
        },
        "corrupted": {"fog": {"errors": 2, "error": 1.0, "interval": [low, high]}},
        "mean_error": 1.0,
        "mean_interval": None,
        "relative_to_first": 1.0,
        "relative_interval": None,
    }


def runs(*texts):
    return np.stack([marks(text) for text in texts])


def test_runs_of_a_recipe_are_told_by_their_mean_over_seeds():
    one, other = measure_robustness(
        {
            "A": {"none": runs("....", "...x", "...."), "fog": runs("xx..", "x...", "xx..")},
            "B": {
                "none": runs("....", "....", "...."),
                "fog": runs("xxx.", "xxxx", "xxx."),
            },
        }
    )
    assert (one.runs, other.runs) == (3, 3)
    assert (one.clean.errors, one.clean.error) == (pytest.approx(1 / 3), pytest.approx(1 / 12))
    # Shares 0.5, 0.25, 0.5: mean 5/12, SD 0.144338; 4.302653 is t(2)'s 97.5 % quantile.
    half = 4.302653 * 0.144338 / 3**0.5
    fog = one.corrupted["fog"].interval
    assert (fog.low, fog.high) == pytest.approx((5 / 12 - half, 5 / 12 + half), abs=1e-5)
    assert one.mean_error == pytest.approx(5 / 12)
    assert (one.interval.low, one.interval.high) == pytest.approx((fog.low, fog.high))
    assert other.clean.interval is None
    assert one.relative_interval is None


def test_the_interval_of_a_ratio_by_hand():
    """Means 0.4 and 0.8 of SDs 0.1 and 0.1 over 4 and 4: SD of the logarithm (0.0156 + 0.0039) **
    0.5."""
    draws = {0.3: "xxx.......", 0.5: "xxxxx.....", 0.7: "xxxxxxx...", 0.9: "xxxxxxxxx."}
    clean = runs(*["." * 10] * 4)
    low, high = (
        runs(*[draws[share] for share in shares])
        for shares in ((0.3, 0.5, 0.3, 0.5), (0.7, 0.9, 0.7, 0.9))
    )
    first, second = measure_robustness(
        {"A": {"none": clean, "fog": high}, "B": {"none": clean, "fog": low}}
    )
    variances = [0.04 / 3 / 4 / 0.8**2, 0.04 / 3 / 4 / 0.4**2]
    freedom = sum(variances) ** 2 / sum(v**2 / 3 for v in variances)
    reach = t.ppf(0.975, freedom) * sum(variances) ** 0.5
    assert second.relative == pytest.approx(0.5)
    assert np.log([second.relative_interval.low, second.relative_interval.high]) == pytest.approx(
        [np.log(0.5) - reach, np.log(0.5) + reach]
    )
    assert (first.relative, first.relative_interval) == (1.0, None)


def test_the_interval_of_a_ratio_covers_as_often_as_it_says():
    draws, correct = np.random.default_rng(0), 0
    for _ in range(400):
        shares = [draws.normal(mean, 0.1 * mean, (8, 1)) for mean in (0.6, 0.3)]
        misclassified = {
            name: {"none": np.zeros((8, 1000), bool), "fog": np.arange(1000) < 1000 * of_runs}
            for name, of_runs in zip("AB", shares)
        }
        found = measure_robustness(misclassified)[1].relative_interval
        correct += found.low <= 0.5 <= found.high
    assert 0.92 <= correct / 400 <= 0.98


def test_two_runs_have_a_mean_and_no_interval():
    one, single = measure_robustness(
        {
            "A": {"none": runs("..", ".x"), "fog": runs("x.", "xx")},
            "B": {"none": marks(".."), "fog": marks("x.")},
        }
    )
    assert (one.mean_error, one.interval, one.clean.interval) == (0.75, None, None)
    assert (single.runs, single.relative, single.relative_interval) == (
        1,
        pytest.approx(2 / 3),
        None,
    )


@pytest.mark.parametrize(
    "misclassified",
    [
        {},
        {"A": {"none": marks("")}},
        {"A": {"none": marks("."), "fog": marks("")}},
        {"A": {"none": marks(""), "fog": marks("")}},
        {"A": {"none": marks("x.")}},
        {"A": {"fog": marks("x."), "none": marks("x.")}},
        {
            "A": {"none": marks("x."), "fog": marks("x.")},
            "B": {"none": marks("x."), "rain": marks("x.")},
        },
        {
            "A": {"none": marks("x."), "fog": marks("x.")},
            "B": {"none": marks("x"), "fog": marks("x")},
        },
    ],
)
def test_what_cannot_be_held_against_each_other_is_refused(misclassified):
    with pytest.raises(DataError):
        measure_robustness(misclassified)
