"""Listings: the log of a search, by hand."""

import csv
import io

from mnistlab import Recipe
from mnistlab.experiments.listing import run_listing
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
            "1,000 validation images",
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


def test_a_damaged_run_is_passed_over_where_that_is_wanted(tmp_path):
    keep(tmp_path, Recipe(name="a"), 0)
    damaged = keep(tmp_path, Recipe(name="b"), 0) / "record.json"
    keep(tmp_path, Recipe(name="c"), 0)
    damaged.write_text('{"seed": ')
    for read in (RunStore(tmp_path).records, RunStore(tmp_path).summaries):
        told = []
        assert [run.recipe.name for run in read(told.append)] == ["a", "c"]
        assert [str(error).startswith(f"{damaged}: not a run's record") for error in told] == [True]
