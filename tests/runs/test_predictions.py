"""Outcomes: what a record keeps of the final logits."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import Recipe, RunRecord, train
from mnistlab.runs import Predictions, summarise_predictions
from mnistlab.runs.predictions import BINS
from tests.statistics.records import made_record


def test_a_hand_worked_outcome():
    logits = np.log(
        np.array(
            [[0.5, 0.3, 0.2], [0.1, 0.83, 0.07], [0.2, 0.18, 0.62], [0.9, 0.05, 0.05]], np.float32
        )
    )
    found = summarise_predictions(0.1, 0.9, logits, np.array([0, 1, 1, 2]))
    assert found.mistakes == ((2, 1, 2), (3, 2, 0))
    assert found.test_labels == (1, 2, 1)
    held = {number: row for number, row in enumerate(found.reliability) if row[0]}
    # 15 times 0.5, 0.62, 0.83 and 0.9 are 7.5, 9.3, 12.45 and 13.5.
    assert {number: (row[0], round(row[1], 4), row[2]) for number, row in held.items()} == {
        7: (1, 0.5, 1),
        9: (1, 0.62, 0),
        12: (1, 0.83, 1),
        13: (1, 0.9, 0),
    }


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 200), st.integers(2, 12), st.integers(0, 2**32 - 1), st.floats(0, 60))
def test_an_outcome_agrees_with_pytorch(count, classes, seed, spread):
    random = np.random.default_rng(seed)
    logits = (random.standard_normal((count, classes)) * spread).astype(np.float32)
    labels = random.integers(classes, size=count)
    found = summarise_predictions(0.0, 1.0, logits, labels)
    probabilities = torch.from_numpy(logits).double().softmax(dim=1)
    confidences, predictions = probabilities.max(dim=1)
    wrong = [
        (i, int(labels[i]), int(predictions[i]))
        for i in range(count)
        if predictions[i] != labels[i]
    ]
    first, second = probabilities.topk(2, dim=1).values.T
    # Logits that hardly differ give the same probabilities.
    if (first > second).all():
        assert found.mistakes == tuple(wrong)
    assert sum(row[0] for row in found.reliability) == count
    assert abs(sum(row[1] for row in found.reliability) - float(confidences.sum())) < 1e-4
    assert sum(row[2] for row in found.reliability) == count - len(found.mistakes)
    assert len(found.reliability) == BINS


def test_a_run_records_how_it_ended(small_mnist):
    trained = train(
        Recipe(epochs=3, batch_size=64, learning_rate=0.05, mean=0.1307, std=0.3081), small_mnist
    )
    predictions, final = trained.record.predictions, trained.record.final
    assert isinstance(predictions, Predictions)
    assert len(predictions.mistakes) == final.test_errors
    wrong = np.flatnonzero(trained.test_logits.argmax(axis=1) != small_mnist.test.labels)
    assert [image for image, _, _ in predictions.mistakes] == wrong.tolist()
    assert 0 < predictions.train_accuracy <= 1
    with torch.no_grad():
        pixels = torch.nn.functional.pad(torch.tensor(small_mnist.train.images), (2, 2, 2, 2))
        logits = trained.model((pixels / 255 - 0.1307) / 0.3081)
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(small_mnist.train.labels))
    assert abs(predictions.train_loss - float(loss)) < 1e-4


def test_a_record_is_read_back_and_a_row_stands_on_a_line():
    record = made_record(wrong=[3, 14, 159])
    text = record.to_json()
    assert RunRecord.from_json(text, "x") == record
    assert "      [14, 4, 5],\n" in text
    noted = record.model_copy(update={"data": record.data.model_copy(update={"note": "[ 1, 2 ]"})})
    assert RunRecord.from_json(noted.to_json(), "x") == noted


def test_a_record_of_an_older_version_has_none():
    old = made_record().model_dump_json(exclude={"predictions"})
    assert RunRecord.from_json(old, "x").predictions is None
