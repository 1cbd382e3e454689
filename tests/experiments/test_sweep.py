"""Sweeps: chosen on held-out training images, scored on the test set."""

import json

import numpy as np
import pytest

from mnistlab import load_dataset, read_recipe
from mnistlab.data import take_subset
from mnistlab.experiments import InProcessExecutor
from mnistlab.experiments.grid import Grid
from mnistlab.experiments.sweep import sweep
from mnistlab.experiments.trial_events import TrialFinished
from mnistlab.runs import RunStore
from tests.statistics.records import made_record

GRID = Grid(
    seeds=2,
    validation=500,
    final_seeds=3,
    set={"epochs": 2, "train_limit": 600, "batch_size": 32},
    grid={"learning_rate": [0.0001, 0.05, 100.0]},
)


def test_the_best_on_validation_is_scored_on_the_test_set(tmp_path):
    found = sweep(
        GRID,
        runs=tmp_path / "runs",
        executor=InProcessExecutor(),
        command="mnistlab sweep grid.toml",
    )
    # What diverges is left out and reported; of the others the higher mean accuracy wins.
    assert [label for label, _ in found.figures] == ["learning_rate=0.05", "learning_rate=0.0001"]
    (failure,) = found.candidates.failures
    assert failure.startswith("learning_rate_100.0, seeds 0, 1: epoch 1: the loss is not finite")
    assert found.chosen.learning_rate == 0.05
    assert found.chosen.validation == 0

    records = {
        (r.recipe.learning_rate, r.recipe.validation, r.seed): r
        for r in RunStore(tmp_path / "runs").records()
    }
    assert len(records) == 2 * 2 + 3
    held_out = take_subset(load_dataset(), validation=500, limit=600)
    for (rate, validation, _), record in records.items():
        assert record.data.test_images == (500 if validation else 10_000)
        if validation:
            assert record.data.fingerprint == held_out.fingerprint
        else:
            assert rate == 0.05  # no other candidate has seen the test set
    validated = [records[0.05, 500, seed].final.test_accuracy for seed in (0, 1)]
    tested = [records[0.05, 0, seed].final.test_accuracy for seed in (0, 1, 2)]
    assert found.verdict.startswith(
        f"chosen by {100 * np.mean(validated):.2f} % on 500 validation images:"
        f" learning_rate=0.05; trained on 600 images, it scores {100 * np.mean(tested):.2f} % on"
        " the test set (3 seeds"
    )

    files = found.write(tmp_path / "out")
    assert files[0].name == "report.html"
    written = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert written["chosen"]["learning_rate"] == 0.05
    assert np.allclose(written["test"]["accuracies"], 100 * np.array(tested))
    assert [row["fields"] for row in written["candidates"]] == [
        "learning_rate=0.05",
        "learning_rate=0.0001",
    ]
    assert read_recipe(tmp_path / "out" / "best.toml") == found.chosen


class HandMade:
    """In place of training, records of 90 images of one class and 10 of another: the first
    candidate misreads the whole rare class, the second 15 images of the frequent one.
    """

    description = "records made by hand"
    wrong = ((0.1, range(90, 100)), (0.2, range(15)))

    def run(self, trials, options, on_event, should_stop):
        for trial in trials:
            record = made_record(
                trial.recipe,
                trial.seed,
                dict(self.wrong)[trial.recipe.dropout],
                images=100,
                classes=("often", "rare"),
                labels=[0] * 90 + [1] * 10,
            )
            on_event(TrialFinished(trial, record))


@pytest.mark.parametrize(
    ("metric", "best", "found"),
    [
        ("accuracy", 0.1, 0.9),
        # Of the classes' shares, 75/90 and 1.
        ("balanced_accuracy", 0.2, (75 / 90 + 1) / 2),
        # F1 is 2 * 75 / (90 + 75) and 2 * 10 / (10 + 25).
        ("macro_f1", 0.2, (150 / 165 + 20 / 35) / 2),
    ],
)
def test_candidates_are_ranked_by_the_metric(tmp_path, metric, best, found):
    grid = Grid(
        recipe="mlp",
        seeds=2,
        final_seeds=2,
        validation=500,
        set={"epochs": 2, "train_limit": 600},
        grid={"dropout": [0.1, 0.2]},
    )
    result = sweep(grid, runs=tmp_path / "runs", executor=HandMade(), metric=metric)
    labels = [label for label, _ in result.figures]
    assert labels == sorted(("dropout=0.1", "dropout=0.2"), key=lambda s: str(best) not in s)
    assert result.chosen.dropout == best
    assert f"chosen by {100 * found:.2f} %" in result.verdict


def test_a_repeated_sweep_trains_nothing(tmp_path):
    for _ in range(2):
        seen = []
        grid = GRID.model_copy(update={"grid": {"learning_rate": [0.01, 0.05]}})
        sweep(grid, runs=tmp_path, executor=InProcessExecutor(), on_event=seen.append)
    assert [type(event).__name__ for event in seen] == ["ExperimentStarted", "ExperimentStarted"]
