"""A recipe over its seeds, against hand-worked figures and SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, sem, t

from mnistlab import Recipe
from mnistlab.statistics import RunGroup, expected_calibration_error, reliability, summarise
from mnistlab.statistics.interval import interquartile_mean
from tests.statistics.records import made_group, made_record


def test_the_figures_by_hand():
    # 99.0, 98.8, 98.3 and 98.7 %: mean 98.7; deviations 0.3, 0.1, -0.4, 0 have squares of 0.26 in
    # all.
    found = summarise(made_group("a", [10, 12, 17, 13], losses=[0.04, 0.05, 0.09, 0.06]))
    assert found.accuracies == (99.0, 98.8, 98.3, 98.7)
    assert found.errors == (10, 12, 17, 13)
    assert found.losses == (0.04, 0.05, 0.09, 0.06)
    assert found.accuracy == pytest.approx(98.7)
    assert found.interquartile_mean == pytest.approx(98.75)
    assert found.std == pytest.approx((0.26 / 3) ** 0.5)
    assert (found.median, found.lowest, found.highest) == pytest.approx((98.75, 98.3, 99.0))
    assert found.loss == pytest.approx(0.06)
    assert found.loss_std == pytest.approx(np.std([0.04, 0.05, 0.09, 0.06], ddof=1))
    # Two epochs of 1 s training and 0.5 s testing; the first one's loss is twice the last one's.
    assert found.training_seconds == (2.0,) * 4
    assert found.seconds == 2.0
    assert found.lowest_loss == pytest.approx(0.06)
    assert found.gap == pytest.approx(99.9 - 98.7)
    assert found.train_loss == 0.01
    assert found.calibration_error == pytest.approx(np.mean([0.0, 0.2, 0.7, 0.3]))
    assert (found.label, found.parameters, found.epochs, found.test_images) == (
        "a",
        61_706,
        2,
        1000,
    )
    assert (found.seeds, found.tested_on, found.disputed) == ((0, 1, 2, 3), "test", None)


def test_the_interval_is_students():
    found = summarise(made_group("a", [10, 12, 17, 13]))
    # The 97.5 % point of t with three degrees of freedom, as tables have it.
    margin = 3.182446 * (0.26 / 3) ** 0.5 / 2
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (98.7 - margin, 98.7 + margin), abs=1e-6
    )
    values = [99.0, 98.8, 98.3, 98.7]
    assert (found.interval.low, found.interval.high) == pytest.approx(
        t.interval(0.95, 3, np.mean(values), sem(values))
    )


def test_with_many_runs_it_agrees_with_a_bootstrap():
    errors = np.random.default_rng(0).binomial(1000, 0.01, 200).tolist()
    found = summarise(made_group("a", errors))
    other = bootstrap(
        (np.array(found.accuracies),), np.mean, rng=np.random.default_rng(0)
    ).confidence_interval
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (other.low, other.high), abs=0.005
    )


def test_few_or_equal_runs_have_no_interval_or_an_empty_one():
    one = summarise(made_group("a", [10]), disputed=[3])
    assert (one.accuracy, one.std, one.interval, one.disputed.interval) == (99.0, None, None, None)
    assert summarise(made_group("a", [10, 12])).interval is None
    same = summarise(made_group("a", [10] * 3))
    assert (same.std, same.interval.low, same.interval.high) == (0.0, 99.0, 99.0)


@given(values=st.lists(st.floats(0, 100), min_size=4, max_size=20), odd=st.floats(0, 100))
def test_one_odd_value_moves_the_interquartile_mean_no_further_than_its_neighbours(values, odd):
    values = np.sort(values)
    moved = interquartile_mean(np.array([*values[1:], odd]))
    assert values[1:].min() - 1e-9 <= moved <= values[1:].max() + 1e-9
    assert interquartile_mean(values) == pytest.approx(interquartile_mean(values[::-1]))


def test_interquartile_means_by_hand():
    assert interquartile_mean(np.array([99.0, 99.0, 10.0])) == 99.0
    assert interquartile_mean(np.array([1.0, 2.0, 4.0, 6.0, 90.0])) == pytest.approx(
        (0.75 * 2 + 4 + 0.75 * 6) / 2.5
    )
    assert interquartile_mean(np.arange(8.0)) == pytest.approx(np.mean([2, 3, 4, 5]))


def test_the_lowest_loss_is_that_of_any_epoch():
    found = summarise(RunGroup.of("a", [made_record(losses=(0.3, 0.02, 0.07))]))
    assert (found.lowest_loss, found.loss) == (0.02, 0.07)


def test_training_time_is_the_median_and_leaves_out_the_tests():
    def timed(seed, seconds):
        record = made_record(seed=seed)
        history = tuple(
            epoch.model_copy(update={"train_seconds": seconds / 2}) for epoch in record.history
        )
        return record.model_copy(update={"history": history})

    found = summarise(RunGroup.of("a", [timed(0, 4.0), timed(1, 90.0), timed(2, 5.0)]))
    assert found.training_seconds == (4.0, 90.0, 5.0)
    assert found.seconds == 5.0


def test_held_out_images_are_called_so():
    assert (
        summarise(made_group("a", [1, 2], Recipe(name="a", validation=1000))).tested_on
        == "validation"
    )


@pytest.mark.parametrize(
    ("errors", "odd"),
    [
        ([10, 11, 9, 10, 12, 10], ()),
        ([10, 11, 9, 900, 12, 10], (3,)),
        ([900, 11, 9, 905, 12, 10], (0, 3)),
        ([10, 10, 10, 10, 10, 22], ()),
        ([10, 10, 10, 10, 10, 23], (5,)),
        # Two of a few runs lie close by chance.
        ([10, 11, 90], ()),
        ([10, 11, 10, 11, 900], ()),
        ([10, 900], ()),
    ],
)
def test_runs_that_collapsed_are_odd(errors, odd):
    assert summarise(made_group("a", errors)).odd_seeds == odd


def test_disputed_images_by_hand():
    # Of the disputed 2, 5 and 900 the first run misreads two, the second one, the third none.
    records = [
        made_record(seed=0, wrong=[0, 1, 2, 5]),
        made_record(seed=1, wrong=[5]),
        made_record(seed=2, wrong=[7]),
    ]
    found = summarise(RunGroup.of("a", records), disputed=[900, 2, 5]).disputed
    assert found.images == (2, 5, 900)
    assert found.as_labelled == (2, 1, 3)
    assert found.read_as_labelled == pytest.approx((1 + 2 + 3) / 3)
    expected = [100 * right / 997 for right in (995, 997, 996)]
    assert found.accuracies == pytest.approx(expected, abs=1e-6)
    assert found.accuracy == pytest.approx(np.mean(expected))
    low, _ = t.interval(0.95, 2, np.mean(expected), sem(expected))
    assert (found.interval.low, found.interval.high) == pytest.approx((low, 100.0))


def test_calibration_by_hand():
    # 100 images at 50 % of which 40 are right, 900 at 99 % of which 870 are: 0.1 * 0.1 + 0.9 *
    # (0.99 - 870/900).
    bins = [(0, 0.0, 0)] * 15
    bins[7], bins[14] = (100, 50.0, 40), (900, 891.0, 870)
    record = made_record(reliability=tuple(bins))
    assert expected_calibration_error(record.predictions) == pytest.approx((10 + 21) / 1000)
    group = type(made_group("a", [1])).of("a", [record])
    found = reliability(group)
    assert found.confidence == pytest.approx([0.5, 0.99])
    assert found.accuracy == pytest.approx([0.4, 870 / 900])
    assert found.images.tolist() == [100, 900]


def test_an_interval_of_accuracies_ends_at_what_is_possible():
    found = summarise(made_group("lenet5", (922, 814, 883))).interval
    assert found.low == 0.0
    assert found.high < 30
