"""mnistlab.statistics.classes against figures worked out by hand."""

import numpy as np
import pytest
from scipy.stats import t
from statsmodels.stats.multitest import multipletests

from mnistlab.statistics import RunGroup, class_differences, class_errors
from mnistlab.statistics.classes import errors_of_runs
from mnistlab.statistics.sign_flip import sign_flip_p
from tests.statistics.records import made_group, made_record


def of_zeros(label, counts, others=()):
    """Runs that misclassified so many of the hundred zeros, and ``others``; every tenth image is a
    zero."""
    return RunGroup.of(
        label,
        [
            made_record(seed=seed, wrong=[*range(0, 10 * count, 10), *others])
            for seed, count in enumerate(counts)
        ],
    )


def test_the_errors_of_a_class_by_hand():
    found = class_errors(of_zeros("a", [1, 2, 3, 6], others=[1]))
    assert (found[0].images, found[0].error) == (100, 3.0)
    # SD 2.160247, 3.182446 is t(3)'s 97.5 % quantile.
    half = 3.182446 * 2.160247 / 2
    assert (found[0].interval.low, found[0].interval.high) == pytest.approx(
        (0.0, 3 + half), abs=1e-5
    )
    assert found[1].error == 1.0
    assert found[2].error == 0.0
    assert class_errors(of_zeros("a", [1, 2]))[0].interval is None


def test_the_differences_are_paired_by_seed_and_corrected_over_classes():
    one, other = of_zeros("a", [3, 4, 6, 7, 9, 9, 8, 8]), of_zeros("b", [1, 1, 4, 4, 7, 6, 6, 5])
    found = class_differences([one, other], other)
    assert list(found) == ["a"]
    differences = np.array([2, 3, 2, 3, 2, 3, 2, 3.0])
    assert found["a"][0].mean == 2.5
    # Of ten classes at once: Bonferroni's, which Holm's p of 0.08 lets be drawn out to 0.
    half = t.ppf(1 - 0.025 / 10, 7) * differences.std(ddof=1) / 8**0.5
    assert (found["a"][0].interval.low, found["a"][0].interval.high) == pytest.approx(
        (0.0, 2.5 + half)
    )
    raw = [sign_flip_p(differences), *[1.0] * 9]
    assert [one.p for one in found["a"]] == pytest.approx(multipletests(raw, method="holm")[1])
    # One of 2^8 throws, either way, times ten classes.
    assert found["a"][0].p == pytest.approx(10 * 2 / 2**8)


def test_seeds_that_one_lacks_are_left_out_of_pairs():
    one, other = of_zeros("a", [3, 4, 6]), of_zeros("b", [1, 1]).on([1])
    found = class_differences([one, other], other)["a"][0]
    assert (found.mean, found.interval) == (3.0, None)


def test_more_recipes_are_corrected_for_all_of_them():
    groups = [
        of_zeros(label, counts)
        for label, counts in (("a", [4] * 8), ("b", [1] * 8), ("c", [2] * 8))
    ]
    found = class_differences(groups, groups[1])
    assert list(found) == ["a", "c"]
    assert found["a"][0].p == found["c"][0].p == pytest.approx(20 * 2 / 2**8)


def test_a_class_without_images_has_no_figures():
    group = made_group("a", [12, 0, 3])
    records = [
        record.model_copy(
            update={
                "predictions": record.predictions.model_copy(
                    update={"test_labels": (0, *record.predictions.test_labels[1:])}
                )
            }
        )
        for record in made_group("a", [0, 0, 0]).records
    ]
    empty = RunGroup.of("empty", records)
    assert class_errors(empty)[0].error is None
    assert class_errors(empty)[0].interval is None
    assert np.isnan(errors_of_runs(empty)[:, 0]).all()
    (found, *_) = class_differences([group, empty], empty)["a"]
    assert (found.mean, found.interval, found.p) == (None, None, None)
