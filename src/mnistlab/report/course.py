"""The course project's deliverables: a table and three plots, under the names that the course gave
them.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mnistlab.recipe import TESTED_IMAGES
from mnistlab.report.table import Table, display_name, duration, percent
from mnistlab.runs import RunRecord, write_atomically
from mnistlab.text import to_json


def course_table(records: Sequence[RunRecord]) -> Table:
    """Return one row a run: accuracies in percent, the final epoch's first.

    The best epoch's accuracy, its number behind it, flatters, since the images tested on picked it
    themselves.
    """
    rows = (
        (
            display_name(record),
            str(record.parameters),
            percent(record.final.test_accuracy),
            f"{record.final.test_loss:.4f}",
            f"{percent(record.final.best_test_accuracy)} ({record.final.best_epoch})",
            duration(record.seconds),
        )
        for record in records
    )
    on = " or ".join(sorted({record.recipe.tested_on for record in records}))
    headings = (
        "Parameters",
        f"{on} accuracy".capitalize(),
        f"{on} loss".capitalize(),
        f"Best epoch, picked on {on}",
    )
    return Table(("Model", *headings, "Time"), tuple(rows))


def write_course_report(
    lenet5: RunRecord, custom_mlp: RunRecord, out: Path, command: str = ""
) -> list[Path]:
    """Write ``table.txt``, ``table.md``, ``summary.json`` and the three plots under ``plot/``.

    Returns:
        The files written.

    Raises:
        OSError: the folder cannot be written to.
    """
    from mnistlab.report.canvas import png
    from mnistlab.report.run_plots import learning_curves, test_comparison

    records = (lenet5, custom_mlp)
    table = course_table(records)
    contents: dict[str, bytes | str] = {
        "table.txt": table.text(),
        "table.md": table.markdown(),
        "summary.json": f"{to_json(_summary(records, command))}\n",
        "plot/LeNet5_train_test_plot.png": png(learning_curves(lenet5)),
        "plot/Custom_model_train_test_plot.png": png(learning_curves(custom_mlp)),
        "plot/test_performance_comparison.png": png(test_comparison(records)),
    }
    (out / "plot").mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write_atomically(out / name, content)
    return [out / name for name in contents]


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
        "tested_on": f"{data.test_images:,} {TESTED_IMAGES[on]}",
        "recipes": recipes,
        "version": version("mnistlab"),
        "command": command,
    }
