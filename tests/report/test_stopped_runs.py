"""Runs of different lengths: curves, summaries and the sentence about early stopping."""

import numpy as np

from mnistlab import Recipe, RunRecord
from mnistlab.report.data_lines import data_lines, note_lines, when
from mnistlab.report.run_frame import run_frame
from mnistlab.report.seed_plots import learning_curves
from mnistlab.statistics import RunGroup, band, summarise
from tests.statistics.records import made_record


def stopped(seed, losses):
    """A run with patience 2 whose test and watched losses are these."""
    content = made_record(Recipe(name="one"), seed, range(seed), losses=losses).model_dump(
        exclude={"final", "seconds"}
    )
    history = [
        epoch | {"watched_loss": epoch["test_loss"], "watched_accuracy": 0.5}
        for epoch in content["history"]
    ]
    content["recipe"] |= {"patience": 2, "epochs": 20}
    content["data"] |= {"watched_images": 10}
    kept = history[losses.index(min(losses))]
    return RunRecord.model_validate(content | {"history": history, "kept": kept})


LOSSES = [[0.5, 0.3, 0.4, 0.6], [0.9, 0.7, 0.5, 0.3, 0.2, 0.4, 0.8]]


def group():
    return RunGroup.of("one", [stopped(seed, losses) for seed, losses in enumerate(LOSSES)])


def test_in_a_curve_a_run_that_has_ended_counts_with_its_weights():
    drawn = band(group(), "test_loss")
    whole = np.array([[0.5, 0.3, 0.4, 0.6, 0.3, 0.3, 0.3], LOSSES[1]])
    assert drawn.epochs.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert np.allclose(drawn.mean, whole.mean(axis=0))
    assert len(learning_curves([group()]).axes) == 2


def test_the_figures_are_of_the_weights_kept():
    found = summarise(group())
    assert found.losses == (0.3, 0.2)
    assert found.epochs == 7
    frame = run_frame([group()])
    assert frame["kept_epoch"].tolist() == [2, 5]
    assert frame["epochs"].tolist() == [4, 7]


def test_reports_say_so():
    assert note_lines({"one": group().records, "two": [made_record(Recipe(name="two"))]}) == [
        "early stopping: training ended after epoch 4 to 7, and the figures are of the weights of"
        " epoch 2 to 5, the best on the watched images (one)",
    ]
    runs = {"one": group().records, "two": [made_record(Recipe(name="two"))]}
    fewer = runs["one"][0].data.model_copy(update={"train_images": 4500, "note": "a; b"})
    runs["one"] = [record.model_copy(update={"data": fewer}) for record in runs["one"]]
    assert "made: 4,500 or 5,000 training and 1,000 test images" in data_lines(runs)[0]
    assert note_lines(runs)[:2] == ["a (one)", "b (one)"]
    stopped_ones, whole = summarise(group()), summarise(RunGroup.of("two", [made_record()]))
    assert when([stopped_ones]) == "with the weights of the best epoch on the watched images"
    assert when([whole]) == "after the last epoch"
    assert "or, if stopped early, with the weights" in when([stopped_ones, whole])
