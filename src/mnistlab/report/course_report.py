"""The report of the course project: its table and three plots, under the names that it asks for."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mnistlab.recipe import TESTED_IMAGES
from mnistlab.report.data_lines import data_lines, note_lines, note_list
from mnistlab.report.result_files import write_results
from mnistlab.report.table import Column, Table, display_name, number, text, times
from mnistlab.runs import RunRecord


def course_table(records: Sequence[RunRecord]) -> Table:
    """Return one row per run: accuracies of the final epoch and of the best one, in percent.

    The best epoch's accuracy, with its number in brackets, is optimistic, since it was selected on
    the images tested on.
    """
    on = " or ".join(sorted({record.recipe.tested_on for record in records}))
    best = Column(f"Best epoch, picked on {on}", _write_best, "best", ("accuracy", "epoch"))
    return Table(
        [
            text("Model"),
            number("Parameters", 0),
            number(f"{on} accuracy".capitalize(), unit=" %"),
            number(f"{on} loss".capitalize(), 4),
            best,
            times("Time"),
        ],
        [
            (
                display_name(record),
                record.parameters,
                100 * record.final.test_accuracy,
                record.final.test_loss,
                (100 * record.final.best_test_accuracy, record.final.best_epoch),
                record.seconds,
            )
            for record in records
        ],
    )


def write_course_report(
    lenet5: RunRecord, custom_mlp: RunRecord, out: Path, command: str = ""
) -> list[Path]:
    """Write ``table.txt``, ``table.md``, ``summary.json`` and the three plots under ``plot/``.

    Returns:
        The files written.

    Raises:
        OSError: the folder cannot be written to.
    """
    from mnistlab.report.run_plots import learning_curves, test_comparison

    records = (lenet5, custom_mlp)
    table = course_table(records)
    runs = _by_name(records)
    return write_results(
        out,
        {
            "table.txt": table,
            "table.md": "\n".join((table.markdown(), *note_list(note_lines(runs)))),
            "summary.json": _summary(records, command),
            "plot/LeNet5_train_test_plot.png": learning_curves(lenet5),
            "plot/Custom_model_train_test_plot.png": learning_curves(custom_mlp),
            "plot/test_performance_comparison.png": test_comparison(records),
        },
    )


def _by_name(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    return {display_name(record): [record] for record in records}


def _write_best(values: Sequence[tuple[float, int]]) -> list[str]:
    return [f"{accuracy:.2f} % ({epoch})" for accuracy, epoch in values]


def _summary(records: Sequence[RunRecord], command: str) -> dict[str, Any]:
    recipes = [
        {
            "name": record.recipe.name,
            "digest": record.recipe.digest,
            "parameters": record.parameters,
            "epochs": record.recipe.epochs,
            "seeds": [record.seed],
            "test_accuracy": [round(100 * record.final.test_accuracy, 6)],
            "mean": round(100 * record.final.test_accuracy, 4),
            # One run has neither.
            "standard_deviation": None,
            "interval": None,
        }
        for record in records
    ]
    data, on = records[0].data, records[0].recipe.tested_on
    return {
        "data": data.name,
        "notes": data_lines(_by_name(records)),
        "tested_on": f"{data.test_images:,} {TESTED_IMAGES[on]}",
        "recipes": recipes,
        "version": version("mnistlab"),
        "command": command,
    }
