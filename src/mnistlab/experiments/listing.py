"""Listing: the finished runs below a folder as a table, best first: the log of a search."""

import json
from collections.abc import Iterable, Sequence

from mnistlab.experiments.grid import describe
from mnistlab.recipe import TESTED_IMAGES, Recipe, TestedOn
from mnistlab.report.table import Column, Table, Value, count, number, text
from mnistlab.runs import RunRecord

_OF_THEIR_OWN = ("name", "epochs", "validation")
"""Fields that other columns show."""


def run_listing(records: Iterable[RunRecord]) -> Table:
    """Return one row per run, the highest accuracy first and of equal ones the lowest loss.

    Accuracies are in percent of the images that the run was tested on, losses in nats, both by the
    weights that were kept; seconds leave out the tests between epochs. What differs are the
    recipe's fields that are not the same in all runs.
    """
    ordered = sorted(
        records,
        key=lambda record: (
            -record.final.test_accuracy,
            record.final.test_loss,
            record.recipe.name,
            record.seed,
        ),
    )
    fields = _differing([record.recipe for record in ordered])
    columns = [
        text("Name"),
        number("Seed", 0),
        text("What differs"),
        count("Parameters"),
        number("Epochs", 0),
        Column("Tested on", _write_tested, "", ("images", "")),
        number("Accuracy (%)"),
        number("Loss", 4),
        number("Training seconds", 1),
    ]
    return Table(columns, [_row(record, fields) for record in ordered])


def _differing(recipes: list[Recipe]) -> list[str]:
    values = [recipe.model_dump(mode="json") for recipe in recipes]
    return [
        field
        for field in Recipe.model_fields
        if field not in _OF_THEIR_OWN and len({json.dumps(value[field]) for value in values}) > 1
    ]


def _row(record: RunRecord, fields: list[str]) -> tuple[Value, ...]:
    return (
        record.recipe.name,
        record.seed,
        describe(record.recipe, fields),
        record.parameters,
        len(record.history),
        (record.data.test_images, record.recipe.tested_on),
        100 * record.final.test_accuracy,
        record.final.test_loss,
        record.training_seconds,
    )


def _write_tested(values: Sequence[tuple[int, TestedOn]]) -> list[str]:
    return [f"{images:,} {TESTED_IMAGES[on]}" for images, on in values]
