"""mnistlab.runs.confusion against figures worked out by hand, and against loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import RunRecord
from mnistlab.errors import RunError
from mnistlab.runs import Predictions, confusion_matrix, score_classes, unequal
from mnistlab.runs.confusion import balanced_accuracy, f1, macro_f1, precision, recall
from mnistlab.runs.predictions import summarise_predictions
from tests.statistics.records import made_record

# Of four cats one is taken for a dog; of two dogs one for a cat; the one bird for a cat.
MISTAKES = ((1, 0, 1), (4, 1, 0), (6, 2, 0))
PETS = Predictions(
    train_loss=0.1,
    train_accuracy=0.9,
    test_labels=(4, 2, 1),
    mistakes=MISTAKES,
    reliability=((7, 3.0, 4),) * 15,
)


def test_figures_worked_out_by_hand():
    matrix = confusion_matrix(PETS)
    assert matrix.tolist() == [[3, 1, 0], [1, 1, 0], [1, 0, 0]]
    assert recall(matrix).tolist() == [3 / 4, 1 / 2, 0]
    assert precision(matrix).tolist()[:2] == [3 / 5, 1 / 2]
    assert math.isnan(precision(matrix)[2])
    # Harmonic means; the bird, which is never predicted, counts 0.
    assert f1(matrix).tolist() == [2 / 3, 1 / 2, 0]
    assert macro_f1(matrix) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert balanced_accuracy(matrix) == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)


def test_a_record_says_them_by_class():
    scores = score_classes(PETS, ("cat", "dog", "bird"))
    assert scores.model_dump(mode="json")["classes"][2] == {
        "name": "bird",
        "images": 1,
        "predictions": 0,
        "precision": None,
        "recall": 0.0,
        "f1": 0.0,
    }
    assert [one.images for one in scores.classes] == [4, 2, 1]
    assert [one.predictions for one in scores.classes] == [5, 2, 0]


@given(st.integers(2, 6), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1))
@settings(deadline=None)
def test_they_are_those_of_a_loop_over_images(classes, pairs):
    labels = np.array([label % classes for label, _ in pairs])
    taken = np.array([prediction % classes for _, prediction in pairs])
    logits = np.eye(classes, dtype=np.float32)[taken]
    matrix = confusion_matrix(summarise_predictions(0.1, 0.5, logits, labels))
    scores, recalls = [], []
    for one in range(classes):
        right = float(sum((labels == one) & (taken == one)))
        there, said = float(sum(labels == one)), float(sum(taken == one))
        if there:
            recalls.append(right / there)
        if there and said and right:
            p, r = right / said, right / there
            scores.append(2 * p * r / (p + r))
        elif there or said:
            scores.append(0.0)
    assert macro_f1(matrix) == pytest.approx(math.fsum(scores) / len(scores), rel=1e-12)
    assert balanced_accuracy(matrix) == pytest.approx(math.fsum(recalls) / len(recalls), rel=1e-12)


def test_scikit_learn_finds_the_same():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    labels, taken = random.choice(4, (2, 300), p=[0.7, 0.2, 0.1, 0.0])
    logits = np.eye(4, dtype=np.float32)[taken]
    matrix = confusion_matrix(summarise_predictions(0.1, 0.5, logits, labels))
    assert macro_f1(matrix) == pytest.approx(
        metrics.f1_score(labels, taken, average="macro", zero_division=0)
    )
    assert balanced_accuracy(matrix) == pytest.approx(
        metrics.balanced_accuracy_score(labels, taken)
    )


def test_a_record_without_them_works_them_out_and_stays_as_it_was():
    record = made_record(wrong=range(50))
    assert "scores" not in record.to_json()
    assert record.macro_f1 == pytest.approx(record.final.test_accuracy, abs=0.01)
    assert record.balanced_accuracy == pytest.approx(record.final.test_accuracy)
    text = record.model_copy(
        update={"scores": score_classes(record.predictions, record.data.classes)}
    ).to_json()
    assert RunRecord.from_json(text, "it").scores.macro_f1 == record.macro_f1


def test_scores_that_contradict_the_predictions_are_refused():
    record = made_record(wrong=range(50))
    scores = score_classes(record.predictions, record.data.classes)
    other = record.model_copy(update={"scores": scores.model_copy(update={"macro_f1": 0.99})})
    with pytest.raises(RunError, match="it: scores: not those that follow from the predictions"):
        RunRecord.from_json(other.to_json(), "it")


@pytest.mark.parametrize(
    ("images", "are"),
    [((892, 1135), False), ((100, 150), False), ((100, 151), True), ((0, 1), True)],
)
def test_classes_are_unequal_from_half_as_many_images_more(images, are):
    assert unequal(images) is are
