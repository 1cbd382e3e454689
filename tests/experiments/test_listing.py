"""Listings: the log of a search, by hand."""

import csv
import io

import pytest

from mnistlab import MnistlabError, Recipe
from mnistlab.experiments.listing import find_stores, run_listing
from mnistlab.runs import RunStore
from tests.runs.test_store import keep
from tests.statistics.records import made_record


def test_the_table_by_hand_best_first():
    wide = Recipe(name="wide", dropout=0.5, learning_rate=0.1)
    held = Recipe(name="held", dropout=0.25, validation=1000)
    records = [
        made_record(wide, 3, range(20)),
        made_record(held, 0, range(5), loss=0.0321),
        made_record(wide, 1, range(20), loss=0.04),
    ]
    table = run_listing(records)
    assert table.rows == (
        (
            "held",
            "0",
            "dropout=0.25 learning_rate=0.01",
            "61,706",
            "2",
            "1,000 held-out training images",
            "99.50",
            "0.0321",
            "2.0",
        ),
        (
            "wide",
            "1",
            "dropout=0.5 learning_rate=0.1",
            "61,706",
            "2",
            "1,000 test images",
            "98.00",
            "0.0400",
            "2.0",
        ),
        (
            "wide",
            "3",
            "dropout=0.5 learning_rate=0.1",
            "61,706",
            "2",
            "1,000 test images",
            "98.00",
            "0.0500",
            "2.0",
        ),
    )
    headings, *rows = csv.reader(io.StringIO(table.csv()))
    assert headings == [
        "name",
        "seed",
        "what_differs",
        "parameters",
        "epochs",
        "tested_on_images",
        "tested_on",
        "accuracy",
        "loss",
        "training_seconds",
    ]
    assert rows[-1] == [
        "wide",
        "3",
        "dropout=0.5 learning_rate=0.1",
        "61706",
        "2",
        "1000",
        "test",
        "98",
        "0.05",
        "2",
    ]


def test_runs_of_one_recipe_differ_in_nothing():
    table = run_listing([made_record(Recipe(name="a", dropout=0.5), seed) for seed in (0, 1)])
    assert [row[2] for row in table.rows] == ["", ""]
    assert run_listing([]).rows == ()


def test_names_and_columns_of_their_own_are_not_said_twice():
    one = made_record(Recipe(name="a"), 0)
    other = made_record(Recipe(name="b", validation=1000), 0, losses=(0.3, 0.2, 0.1))
    assert {row[2] for row in run_listing([one, other]).rows} == {""}


def found(folder):
    return sorted(
        (record.recipe.name, record.seed)
        for store in find_stores(folder)
        for record in store.records()
    )


def test_runs_in_a_folder_in_its_runs_and_one_folder_deep(tmp_path):
    keep(tmp_path, Recipe(name="here"), 0)
    keep(tmp_path / "wide", Recipe(name="deep"), 1)
    keep(tmp_path / "out" / "runs", Recipe(name="left"), 2)
    keep(tmp_path / "out" / "records", Recipe(name="aside"), 3)
    keep(tmp_path / "a" / "b", Recipe(name="deeper"), 4)
    (tmp_path / "begun").mkdir()
    (tmp_path / "a file").write_text("")
    assert found(tmp_path) == [("deep", 1), ("here", 0), ("left", 2)]
    assert found(tmp_path / "out") == [("left", 2)]


def test_a_folder_within_a_finished_run_is_no_place_of_runs(tmp_path):
    run = keep(tmp_path, Recipe(name="here"), 0)
    keep(run, Recipe(name="within"), 1)
    assert found(tmp_path) == [("here", 0)]


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("none", "file"):
        with pytest.raises(MnistlabError, match=f"{name}: no such folder"):
            find_stores(tmp_path / name)


def test_a_damaged_run_is_passed_over_where_that_is_wanted(tmp_path):
    keep(tmp_path, Recipe(name="a"), 0)
    damaged = keep(tmp_path, Recipe(name="b"), 0) / "record.json"
    keep(tmp_path, Recipe(name="c"), 0)
    damaged.write_text('{"seed": ')
    for read in (RunStore(tmp_path).records, RunStore(tmp_path).summaries):
        told = []
        assert [run.recipe.name for run in read(told.append)] == ["a", "c"]
        assert [str(error).startswith(f"{damaged}: not a run's record") for error in told] == [True]
