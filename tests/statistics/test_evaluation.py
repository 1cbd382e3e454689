"""Evaluations, against hand-worked examples, scipy and statsmodels."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import SquareTable

from mnistlab.errors import DataError
from mnistlab.runs import summarise_predictions
from mnistlab.statistics import evaluate, expected_calibration_error
from mnistlab.statistics.evaluation import THRESHOLDS, wilson_interval

CATS, DOGS, BIRDS = range(3)
NAMES = ("cat", "dog", "bird")
PROBABILITIES = np.array(
    [
        [0.8, 0.1, 0.1],  # a cat, read rightly
        [0.5, 0.3, 0.2],  # a cat, read rightly
        [0.92, 0.06, 0.02],  # a dog, taken for a cat
        [0.3, 0.6, 0.1],  # a dog, read rightly
        [0.25, 0.72, 0.03],  # a cat, taken for a dog
    ]
)
LABELS = np.array([CATS, CATS, DOGS, DOGS, CATS])


def by_hand(**changed):
    return evaluate(np.log(PROBABILITIES).astype(np.float32), LABELS, NAMES, **changed)


def made(seed, images=200, classes=6):
    draws = np.random.default_rng(seed)
    logits = draws.normal(0, 3, (images, classes)).astype(np.float32)
    return logits, draws.integers(0, classes, images), tuple(map(str, range(classes)))


def test_the_figures_by_hand():
    found = by_hand()
    assert (found.images, found.errors, found.accuracy) == (5, 2, 0.6)
    assert found.loss == pytest.approx(-np.log([0.8, 0.5, 0.06, 0.6, 0.25]).mean())
    squares = [0.04 + 0.01 + 0.01, 0.25 + 0.09 + 0.04, 0.8464 + 0.8836 + 0.0004, 0.09 + 0.16 + 0.01]
    assert found.brier == pytest.approx((sum(squares) + 0.5625 + 0.5184 + 0.0009) / 5)
    assert found.confusion.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert found.confusion.dtype == np.int64
    # Each reading has a bin of its own.
    assert found.calibration_error == pytest.approx((0.2 + 0.5 + 0.92 + 0.4 + 0.72) / 5)
    assert found.reliability.confidence == pytest.approx([0.5, 0.6, 0.72, 0.8, 0.92])
    assert found.reliability.accuracy.tolist() == [1, 1, 0, 1, 0]


def test_the_classes_by_hand():
    cat, dog, bird = by_hand().by_class
    assert (cat.name, cat.images, cat.predictions) == ("cat", 3, 3)
    assert (cat.precision, cat.recall, cat.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (dog.precision, dog.recall, dog.f1) == (0.5, 0.5, 0.5)
    assert (bird.images, bird.predictions, bird.interval) == (0, 0, None)
    assert np.isnan([bird.precision, bird.recall, bird.f1]).all()


def test_a_class_with_images_or_predictions_alone():
    never_read, never_there = evaluate(
        np.array([[0, 1]], np.float32), np.array([0]), ("a", "b")
    ).by_class
    assert math.isnan(never_read.precision)
    assert (never_read.recall, never_read.f1) == (0, 0)
    assert math.isnan(never_there.recall)
    assert (never_there.precision, never_there.f1) == (0, 0)


def test_the_worst_errors_come_first():
    found = by_hand()
    assert [(bad.image, bad.label, bad.prediction) for bad in found.worst] == [
        (2, DOGS, CATS),
        (4, CATS, DOGS),
    ]
    assert [bad.confidence for bad in found.worst] == pytest.approx([0.92, 0.72])
    assert [bad.label_probability for bad in found.worst] == pytest.approx([0.06, 0.25])
    fewer = by_hand(worst=1)
    assert (len(fewer.worst), fewer.errors, fewer.worst[0]) == (1, 2, found.worst[0])
    equal = evaluate(
        np.tile(np.array([0, 1], np.float32), (4, 1)), np.zeros(4, np.int64), ("a", "b"), worst=3
    )
    assert [bad.image for bad in equal.worst] == [0, 1, 2]


def test_refusing_by_hand():
    found = by_hand().coverage
    assert tuple(kept.threshold for kept in found) == THRESHOLDS
    # 0.5 in float32 logits is a little less or more than 0.5 in truth.
    assert [kept.images for kept in found[1:]] == [3, 1, 0, 0]
    assert [kept.share for kept in found[1:]] == [0.6, 0.2, 0, 0]
    assert found[1].accuracy == pytest.approx(1 / 3)
    assert found[2].accuracy == 0
    assert math.isnan(found[3].accuracy)
    exact = evaluate(np.zeros((4, 2), np.float32), np.array([0, 0, 0, 1]), ("a", "b")).coverage[0]
    assert (exact.images, exact.accuracy) == (4, 0.75)  # what reaches the threshold is kept


@pytest.mark.parametrize(
    ("right", "images", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(right, images, low, high):
    found = wilson_interval(right, images)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_is_scipys():
    found = by_hand()
    other = binomtest(3, 5).proportion_ci(method="wilson")
    assert (found.interval.low, found.interval.high) == pytest.approx((other.low, other.high))
    recall = binomtest(2, 3).proportion_ci(method="wilson")
    assert (found.by_class[0].interval.low, found.by_class[0].interval.high) == pytest.approx(
        (recall.low, recall.high)
    )


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_the_loss_is_scipys_and_the_table_is_statsmodels(temperature):
    logits, labels, names = made(1)
    found = evaluate(logits, labels, names, temperature)
    logs = log_softmax(logits.astype(float) / temperature, axis=1)
    assert found.loss == pytest.approx(-logs[np.arange(len(labels)), labels].mean())
    assert found.brier == pytest.approx(
        ((np.exp(logs) - np.eye(6)[labels]) ** 2).sum(axis=1).mean()
    )
    table = SquareTable.from_data(
        np.stack([labels, logits.argmax(axis=1)], axis=1), shift_zeros=False
    ).table
    assert (found.confusion == table).all()


def test_it_agrees_with_what_a_run_records():
    logits, labels, names = made(2)
    predictions = summarise_predictions(0.0, 0.0, logits, labels)
    found = evaluate(logits, labels, names, worst=len(labels))
    assert found.calibration_error == pytest.approx(
        expected_calibration_error(predictions), abs=1e-6
    )
    assert sorted((bad.image, bad.label, bad.prediction) for bad in found.worst) == list(
        predictions.mistakes
    )


@given(seed=st.integers(0, 1000), images=st.integers(1, 60), classes=st.integers(1, 12))
def test_the_order_of_images_changes_indices_alone(seed, images, classes):
    logits, labels, names = made(seed, images, classes)
    order = np.random.default_rng(seed + 1).permutation(images)
    one, other = evaluate(logits, labels, names), evaluate(logits[order], labels[order], names)
    assert (one.confusion == other.confusion).all()
    figures = [(e.accuracy, e.loss, e.brier, e.calibration_error) for e in (one, other)]
    assert figures[0] == pytest.approx(figures[1], nan_ok=True)
    assert [bad.image for bad in one.worst] == [order[bad.image] for bad in other.worst]
    assert str(one.by_class) == str(other.by_class)
    assert str(one.coverage) == str(other.coverage)


@given(
    seed=st.integers(0, 1000),
    images=st.integers(1, 60),
    classes=st.integers(1, 12),
    scale=st.floats(0.01, 1e30),
)
def test_the_parts_fit_together(seed, images, classes, scale):
    logits, labels, names = made(seed, images, classes)
    found = evaluate((scale * logits).astype(np.float32), labels, names)
    assert found.confusion.sum() == found.reliability.images.sum() == found.images == images
    assert found.accuracy == pytest.approx(np.trace(found.confusion) / images)
    assert found.errors == images - np.trace(found.confusion)
    assert found.interval.low <= found.accuracy + 1e-12
    assert found.accuracy <= found.interval.high + 1e-12
    assert 0 <= found.brier <= 2
    assert 0 <= found.calibration_error <= 1
    assert found.loss >= 0
    confidences = [bad.confidence for bad in found.worst]
    assert confidences == sorted(confidences, reverse=True)
    shares = [kept.share for kept in found.coverage]
    assert shares == sorted(shares, reverse=True)
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False)) == found.as_dict()


def test_the_plain_values():
    plain = by_hand().as_dict()
    assert plain["accuracy"] == 0.6
    assert plain["confusion"] == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert plain["interval"] == pytest.approx([0.2307, 0.8824], abs=1e-4)
    assert plain["by_class"][BIRDS]["recall"] is None
    assert plain["by_class"][BIRDS]["interval"] is None
    assert plain["worst"][0]["image"] == 2
    assert plain["coverage"][4] == {"threshold": 0.99, "images": 0, "share": 0.0, "accuracy": None}
    assert plain["reliability"]["images"] == [1, 1, 1, 1, 1]


GOOD = np.zeros((3, 2), np.float32)


@pytest.mark.parametrize(
    ("logits", "labels", "temperature", "message"),
    [
        (GOOD, [0, 1], 1, r"logits of 3 images, but labels of 2"),
        (GOOD, [0, 2, 1], 1, r"image 1: label 2 is outside the 2 classes, 0 to 1"),
        (GOOD, [0, 1, -1], 1, r"image 2: label -1 is outside"),
        (GOOD[:0], [], 1, r"no images"),
        (GOOD * np.nan, [0, 1, 1], 1, r"image 0: its logits are not all finite"),
        (
            np.array([[0, 1], [1, 0], [0, np.inf]], np.float32),
            [0, 1, 1],
            1,
            r"image 2: its logits are not all finite",
        ),
        (GOOD[0], [0, 1], 1, r"logits of shape \(2,\)"),
        (np.zeros((3, 4), np.float32), [0, 1, 1], 1, r"logits of 4 classes, but 2 names"),
        (GOOD, [0, 1, 1], 0, r"temperature 0: a finite number above 0"),
        (GOOD, [0, 1, 1], math.nan, r"temperature nan"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_one_line(logits, labels, temperature, message):
    with pytest.raises(DataError, match=message) as refusal:
        evaluate(logits, np.array(labels, np.int64), ("a", "b"), temperature)
    assert "\n" not in str(refusal.value)
