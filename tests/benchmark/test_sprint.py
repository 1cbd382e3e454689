"""benchmarks.sprint: what is timed, and the published figures."""

import json
import statistics
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sprint import _run
from mnistlab import built_in, load_dataset
from mnistlab.data import Dataset, Split
from mnistlab.recipe import Recipe
from mnistlab.statistics.interval import mean_interval

SUMMARY = Path(__file__).parents[2] / "results" / "sprint99" / "summary.json"


@pytest.fixture(scope="module")
def published():
    return json.loads(SUMMARY.read_text(encoding="utf-8"))


def test_a_run_is_timed_from_its_weights_to_its_last_step_without_tests():
    whole = load_dataset()
    small = Dataset(
        "mnist",
        Split(whole.train.images[:2000], whole.train.labels[:2000]),
        whole.test,
        whole.classes,
    )
    seconds, trainer = _run(built_in("sprint99"), small, 0)
    trained = sum(epoch.train_seconds for epoch in trainer.history)
    assert len(trainer.history) == built_in("sprint99").epochs
    assert seconds > trained > 0


def test_the_published_figures_follow_from_the_runs_beside_them(published):
    shares, seconds = [*published["accuracies"].values()], [*published["runs"].values()]
    assert len(shares) == len(seconds) == 20
    assert published["mean"] == pytest.approx(np.mean(shares))
    assert published["std"] == pytest.approx(np.std(shares, ddof=1))
    interval = mean_interval(np.array(shares))
    assert published["interval"] == pytest.approx([interval.low, interval.high])
    assert published["seconds"]["median"] == pytest.approx(statistics.median(seconds), abs=1e-4)
    assert published["ratio"] == pytest.approx(
        published["seconds"]["median"] / published["epoch"]["median"]
    )


def test_they_are_of_the_recipe_that_ships(published):
    assert Recipe.parse(published["recipe"]).digest == built_in("sprint99").digest
    assert published["mean"] >= 0.99
