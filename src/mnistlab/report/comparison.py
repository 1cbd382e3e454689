"""A comparison's files: one HTML page, tables as Markdown and CSV, plots as PNG and SVG, and a
summary as JSON.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnistlab.recipe import TESTED_IMAGES
from mnistlab.report.canvas import png, svg
from mnistlab.report.class_tables import class_table
from mnistlab.report.comparison_tables import (
    field_table,
    loss_table,
    pair_table,
    recipe_table,
    run_table,
)
from mnistlab.report.image_plots import calibration, confusion_matrix, errors_by_class
from mnistlab.report.page import render_page
from mnistlab.report.seed_plots import (
    accuracies,
    forest,
    learning_curves,
    paired_differences,
)
from mnistlab.report.table import sentences
from mnistlab.runs import write_atomically
from mnistlab.statistics import Comparison, Interval, RunGroup
from mnistlab.text import to_json

_MOST_PAIRS, _MOST_MATRICES = 3, 4


def draw_plots(groups: Sequence[RunGroup], comparison: Comparison) -> dict[str, Figure]:
    """Return the plots that fit a comparison, by name."""
    plots = {"accuracies": accuracies(comparison.summaries), "curves": learning_curves(groups)}
    if comparison.baseline and comparison.differences:
        plots["forest"] = forest(comparison)
    elif len(comparison.differences) <= _MOST_PAIRS:
        for number, difference in enumerate(comparison.differences, 1):
            plots[f"paired{number}"] = paired_differences(difference)
    plots |= {"calibration": calibration(groups), "classes": errors_by_class(groups)}
    for number, group in enumerate(groups[:_MOST_MATRICES], 1):
        plots[f"confusion{number}"] = confusion_matrix(group)
    return plots


def markdown(groups: Sequence[RunGroup], comparison: Comparison) -> str:
    """Return the verdict and the tables as Markdown."""
    tables = [
        recipe_table(comparison),
        *(t for t in (pair_table(comparison), field_table(groups)) if t.rows),
    ]
    return "\n".join(
        (sentences(comparison.verdict, comparison.remarks), *(table.markdown() for table in tables))
    )


def summary(groups: Sequence[RunGroup], comparison: Comparison, command: str) -> dict[str, Any]:
    """Return what a comparison comes to, as plain values: accuracies in percent, differences in
    points.
    """
    data = groups[0].records[0].data
    return {
        "verdict": comparison.verdict,
        "remarks": list(comparison.remarks),
        "data": data.name,
        "tested_on": f"{data.test_images:,} {TESTED_IMAGES[comparison.tested_on]}",
        "recipes": [
            {
                "name": figures.label,
                "digest": group.recipe.digest,
                "parameters": figures.parameters,
                "epochs": figures.epochs,
                "seeds": list(figures.seeds),
                "test_accuracy": list(figures.accuracies),
                "mean": round(figures.accuracy, 4),
                "interquartile_mean": round(figures.interquartile_mean, 4),
                "standard_deviation": None if figures.std is None else round(figures.std, 4),
                "interval": _ends(figures.interval),
                "odd_seeds": list(figures.odd_seeds),
            }
            for group, figures in zip(groups, comparison.summaries, strict=True)
        ],
        "differences": [
            {
                "first": found.first,
                "second": found.second,
                "verdict": found.verdict,
                "difference": round(found.mean, 4),
                "interquartile_mean": round(found.interquartile_mean, 4),
                "interval": _ends(found.simultaneous),
                "p": found.adjusted_p,
                "margin": found.margin,
                "p_equivalence": found.adjusted_equivalence_p,
                "correlation": found.correlation and round(found.correlation, 4),
                "look": found.look.number,
            }
            for found in comparison.differences
        ],
        "version": version("mnistlab"),
        "command": command,
    }


def _ends(interval: Interval | None) -> list[float] | None:
    return [round(interval.low, 4), round(interval.high, 4)] if interval else None


def write_comparison_report(
    out: Path,
    title: str,
    groups: Sequence[RunGroup],
    comparison: Comparison,
    *,
    command: str = "",
    failures: Sequence[str] = (),
    test_images: NDArray[np.uint8] | None = None,
) -> list[Path]:
    """Write ``report.html``, ``table.md``, ``summary.json``, ``tables/*.csv`` and ``plots/*.png``
    and ``*.svg``.

    Args:
        out: the folder, made if need be.
        title: of the page.
        groups: the runs.
        comparison: of them.
        command: what makes it all again.
        failures: a line for the runs that failed for the same reason.
        test_images: uint8, ``(n, height, width)``, for the gallery; ``None`` leaves it out.

    Returns:
        The files written, the page first.

    Raises:
        OSError: the folder cannot be written to.
    """
    plots = draw_plots(groups, comparison)
    drawings = {name: svg(figure) for name, figure in plots.items()}
    page = render_page(
        title,
        groups,
        comparison,
        drawings,
        command=command,
        failures=failures,
        test_images=test_images,
    )
    contents: dict[str, bytes | str] = {
        "report.html": page,
        "table.md": markdown(groups, comparison),
        "summary.json": f"{to_json(summary(groups, comparison, command))}\n",
    }
    tables = {"recipes": recipe_table, "pairs": pair_table, "losses": loss_table, "runs": run_table}
    contents |= {f"tables/{name}.csv": make(comparison).csv() for name, make in tables.items()}
    contents["tables/classes.csv"] = class_table(groups, comparison).csv()
    contents |= {f"plots/{name}.svg": drawing for name, drawing in drawings.items()}
    contents |= {f"plots/{name}.png": png(figure) for name, figure in plots.items()}
    for folder in ("tables", "plots"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write_atomically(out / name, content)
    return [out / name for name in contents]
