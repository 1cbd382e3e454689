"""Listing: the finished runs below a folder as a table, best first: the log of a search."""

import json
from collections.abc import Iterable

from mnistlab.experiments.grid import describe
from mnistlab.recipe import TESTED_IMAGES, Recipe
from mnistlab.report.table import Table
from mnistlab.runs import RunRecord

_HEADINGS = (
    "Name",
    "Seed",
    "What differs",
    "Parameters",
    "Epochs",
    "Tested on",
    "Accuracy (%)",
    "Loss",
    "Training seconds",
)
_OF_THEIR_OWN = ("name", "epochs", "validation")
"""Fields that other columns show."""


def run_listing(records: Iterable[RunRecord]) -> Table:
    """Return one row per run, the highest accuracy first and of equal ones the lowest loss.

    Accuracies are in percent of the images that the run was tested on, losses in nats, both of the
    final epoch; seconds leave out the tests between epochs. What differs are the recipe's fields
    that are not the same in all runs.
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
    return Table(_HEADINGS, tuple(_row(record, fields) for record in ordered))


def _differing(recipes: list[Recipe]) -> list[str]:
    values = [recipe.model_dump(mode="json") for recipe in recipes]
    return [
        field
        for field in Recipe.model_fields
        if field not in _OF_THEIR_OWN and len({json.dumps(value[field]) for value in values}) > 1
    ]


def _row(record: RunRecord, fields: list[str]) -> tuple[str, ...]:
    return (
        record.recipe.name,
        str(record.seed),
        describe(record.recipe, fields),
        f"{record.parameters:,}",
        str(len(record.history)),
        f"{record.data.test_images:,} {TESTED_IMAGES[record.recipe.tested_on]}",
        f"{100 * record.final.test_accuracy:.2f}",
        f"{record.final.test_loss:.4f}",
        f"{sum(epoch.train_seconds for epoch in record.history):.1f}",
    )
