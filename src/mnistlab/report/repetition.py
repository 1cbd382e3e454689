"""A repetition's files: one HTML page, tables as Markdown and CSV, a plot, and all figures as
JSON.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnistlab.recipe import Recipe, to_toml
from mnistlab.report.canvas import COLOURS, figure, panel, png, svg
from mnistlab.report.page import environment_lines, render_template
from mnistlab.report.repetition_tables import (
    disputed_table,
    figure_table,
    repetition_remarks,
    repetition_sentence,
    seed_table,
    tested_images,
)
from mnistlab.report.table import Table, sentences
from mnistlab.runs import write_atomically
from mnistlab.statistics import Interval, RunGroup, Summary
from mnistlab.text import to_json

_BINS, _DOT, _MARGIN = 40, 0.16, 0.62
"""Places for dots side by side; inches for a dot's height, and for what is below and above them."""
_ALONE = 0.1
"""Points of accuracy to either side of runs that are all alike."""
_FEWEST, _TALLEST = 6, 24
"""Dots above each other for which there is room at least, and from which on they shrink."""


def draw_accuracies(figures: Summary) -> Figure:
    """Draw a dot for each run's final accuracy, equal ones above each other, and the mean with its
    95 % interval.
    """
    values = np.sort(figures.accuracies)
    levels = _stack(values)
    tallest = int(levels.max()) + 1
    room = max(tallest, _FEWEST)
    drawn = figure(8, _MARGIN + _DOT * min(room, _TALLEST))
    axes = drawn.subplots()
    panel(axes)
    if figures.interval:
        axes.axvspan(
            figures.interval.low, figures.interval.high, color=COLOURS[0], alpha=0.15, lw=0
        )
        axes.axvline(figures.accuracy, color=COLOURS[0], lw=2)
    axes.plot(
        values, levels + 0.5, "o", color=COLOURS[1], ms=8 * min(1.0, _TALLEST / tallest), mew=0
    )
    axes.set_ylim(-0.2, room + 0.2)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.ticklabel_format(axis="x", useOffset=False)
    if figures.lowest == figures.highest:
        axes.set_xlim(figures.accuracy - _ALONE, figures.accuracy + _ALONE)
    shown = "a dot a seed"
    shown += "; line and band: the mean and its 95 % interval" if figures.interval else ""
    axes.set_xlabel(f"final accuracy (% of {tested_images(figures)}): {shown}")
    return drawn


def markdown(figures: Summary, failures: Sequence[str] = ()) -> str:
    """Return the sentences and the tables as Markdown."""
    said = sentences(repetition_sentence(figures), repetition_remarks(figures), failures)
    return "\n".join((said, figure_table(figures).markdown(), seed_table(figures).markdown()))


def summary(
    group: RunGroup, figures: Summary, command: str = "", failures: Sequence[str] = ()
) -> dict[str, Any]:
    """Return all figures as plain values: accuracies in percent, losses in nats, times in
    seconds.
    """
    found, data = figures.disputed, group.records[0].data
    environments = [record.environment.model_dump(mode="json") for record in group.records]
    return {
        "sentence": repetition_sentence(figures),
        "remarks": repetition_remarks(figures),
        "recipe": _recipe(group).model_dump(mode="json"),
        "digest": group.recipe.digest,
        "data": {"name": data.name, "fingerprint": data.fingerprint, "note": data.note},
        "tested_on": f"{figures.test_images:,} {tested_images(figures)}",
        "parameters": figures.parameters,
        "epochs": figures.epochs,
        "seeds": list(figures.seeds),
        "test_accuracy": list(figures.accuracies),
        "mean": round(figures.accuracy, 4),
        "interquartile_mean": round(figures.interquartile_mean, 4),
        "odd_seeds": list(figures.odd_seeds),
        "standard_deviation": None if figures.std is None else round(figures.std, 4),
        "interval": _ends(figures.interval),
        "median": round(figures.median, 4),
        "lowest": round(figures.lowest, 4),
        "highest": round(figures.highest, 4),
        "loss": round(figures.loss, 6),
        "training_seconds": list(figures.training_seconds),
        "training_seconds_median": round(figures.seconds, 3),
        "disputed": found
        and {
            "images": list(found.images),
            "runs_that_read_it_as_labelled": list(found.as_labelled),
            "read_as_labelled": round(found.read_as_labelled, 4),
            "test_accuracy_without": list(found.accuracies),
            "mean_without": round(found.accuracy, 4),
            "interval_without": _ends(found.interval),
        },
        "failures": list(failures),
        "environment": [
            one for number, one in enumerate(environments) if one not in environments[:number]
        ],
        "version": version("mnistlab"),
        "command": command,
    }


def write_repetition_report(
    out: Path, group: RunGroup, figures: Summary, *, command: str = "", failures: Sequence[str] = ()
) -> list[Path]:
    """Write ``report.html``, ``summary.json``, ``table.md``, ``tables/runs.csv`` and
    ``plots/accuracies.*``.

    Args:
        out: the folder, made if need be.
        group: the runs.
        figures: of them.
        command: what makes it all again.
        failures: a line for each run that failed.

    Returns:
        The files written, the page first.

    Raises:
        OSError: the folder cannot be written to.
    """
    plot = draw_accuracies(figures)
    drawing = svg(plot)
    contents: dict[str, bytes | str] = {
        "report.html": _page(group, figures, drawing, command, failures),
        "summary.json": f"{to_json(summary(group, figures, command, failures))}\n",
        "table.md": markdown(figures, failures),
        "tables/runs.csv": seed_table(figures).csv(),
        "plots/accuracies.svg": drawing,
        "plots/accuracies.png": png(plot),
    }
    for name, content in contents.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out / name, content)
    return [out / name for name in contents]


def _page(
    group: RunGroup, figures: Summary, drawing: str, command: str, failures: Sequence[str]
) -> str:
    starts = sorted(record.started for record in group.records)
    count = len(figures.seeds)
    return render_template(
        "repetition.html",
        {"accuracies": drawing},
        title=f"{figures.label}, {count} seed{'s' if count > 1 else ''}",
        data=group.records[0].data,
        tested=tested_images(figures),
        sentence=repetition_sentence(figures),
        remarks=repetition_remarks(figures),
        failures=failures,
        figures=figures,
        figure_table=_upright(figure_table(figures)),
        seed_table=seed_table(figures),
        disputed_table=figures.disputed and disputed_table(figures.disputed),
        recipe=to_toml(_recipe(group)),
        command=command,
        environments=environment_lines([group]),
        first_begun=f"{starts[0]:%Y-%m-%d %H:%M}",
        last_begun=f"{starts[-1]:%Y-%m-%d %H:%M}",
    )


def _upright(table: Table) -> Table:
    """Turn a table of a single row into one of two columns, which a page has the height for."""
    (row,) = table.rows
    pairs = tuple(zip(table.headings, row, strict=True))
    return Table(pairs[0], pairs[1:])


def _recipe(group: RunGroup) -> Recipe:
    """Return the recipe under the name that was asked for; its runs may have been trained under
    another.
    """
    return group.recipe.model_copy(update={"name": group.label})


def _ends(interval: Interval | None) -> list[float] | None:
    return [round(interval.low, 4), round(interval.high, 4)] if interval else None


def _stack(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many dots lie below each, so that none hides another; values ascending,
    ``(n,)``.
    """
    width = np.ptp(values) / _BINS or 1.0
    # Rounded, since equal steps must not fall to either side of a bin's edge.
    bins = np.floor(np.round((values - values[0]) / width, 6))
    levels: NDArray[np.int64] = np.arange(len(values)) - np.searchsorted(bins, bins)
    return levels
