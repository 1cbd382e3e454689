"""The report of a repetition: one HTML page, tables as Markdown and CSV, a plot, and all figures as
JSON.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.recipe import TESTED_IMAGES, Recipe, to_toml
from mnistlab.report.class_tables import class_score_table
from mnistlab.report.confusion_table import confusion_table, frequent_errors, mean_confusions
from mnistlab.report.data_lines import data_lines, note_lines, note_list, of_groups, when
from mnistlab.report.result_files import plot_files, write_results
from mnistlab.report.table import (
    Column,
    Table,
    Value,
    count,
    duration,
    estimate,
    interval,
    metric_figures,
    number,
    sentences,
    text,
    times,
)
from mnistlab.statistics import Interval, RunGroup, Summary, summarise_metric
from mnistlab.statistics.interval import FEWEST
from mnistlab.statistics.metric import METRIC_MEANINGS, METRIC_NAMES, METRICS, Metric
from mnistlab.statistics.remarks import on_folds
from mnistlab.statistics.summary import DisputedFigures
from mnistlab.statistics.verdict import span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mnistlab.report.canvas import Drawing

_UNDISPUTED = "Without disputed labels (%)"
_TIME = "Training time per run"
_BINS, _DOT, _MARGIN = 40, 0.16, 0.62
"""Places for dots side by side; inches of a dot's height, and of the axis and the margins."""
_ALONE = 0.1
"""Points of accuracy on either side of runs with equal accuracies."""
_FEWEST, _TALLEST = 6, 24
"""Stacked dots for which there is always room, and above which dots shrink."""


def repetition_sentence(figures: Summary) -> str:
    """Say how accurate the recipe is and how certain that is, its size and its time."""
    judged = figures.judged
    name = "" if figures.metric == "accuracy" else f"{METRIC_NAMES[figures.metric]} "
    on = "on" if name else "of"
    said = f"{figures.label}: {name}{judged.mean:.2f} % {on} {tested_images(figures)}"
    if judged.interval:
        over = (
            f"on average over {len(figures.seeds)} seeds (95 % interval {span(judged.interval)}; "
        )
        said += f" {over}single runs {judged.lowest:.2f} to {judged.highest:.2f})"
    elif len(figures.seeds) == 1:
        said += f" in one run (seed {figures.seeds[0]}; one run has no interval)"
    else:
        runs = " and ".join(f"{value:.2f}" for value in judged.values)
        said += (
            f" on average over {len(figures.seeds)} seeds ({runs}; an interval needs at least"
            f" {FEWEST} seeds)"
        )
    return f"{said}, {figures.parameters:,} parameters, {duration(figures.seconds)} per run"


def repetition_remarks(figures: Summary) -> list[str]:
    """Say whether it is a cross-validation, name odd runs, and say how accurate the recipe is
    without the images of disputed labels.
    """
    remarks = [on_folds(figures)] if figures.folds else []
    if figures.odd_seeds:
        runs = dict(zip(figures.seeds, figures.judged.values, strict=True))
        odd = ", ".join(f"{runs[seed]:.2f} % with seed {seed}" for seed in figures.odd_seeds)
        middle = f"the interquartile mean is {figures.judged.interquartile_mean:.2f} %"
        remarks.append(f"far from the other runs: {odd}; {middle}")
    if found := figures.disputed:
        interval = f" (95 % interval {span(found.interval)})" if found.interval else ""
        remarks.append(
            f"without the {len(found.images)} images whose labels are disputed the accuracy is"
            f" {found.accuracy:.2f} %{interval}; of those {len(found.images)} a run classifies"
            f" {found.read_as_labelled:.1f} as labelled on average"
        )
    return remarks


def tested_images(figures: Summary) -> str:
    """Return the name of the images that the runs were tested on."""
    return TESTED_IMAGES[figures.tested_on]


def figure_table(figures: Summary) -> Table:
    """Return a single row. Accuracies and the interval are in percent of images, losses in nats."""
    noun, found = figures.tested_on.capitalize(), figures.disputed
    legend = {
        f"{noun} accuracy (%)": f"of the {tested_images(figures)} {when([figures])}, mean over"
        " seeds; no epoch was selected by its accuracy",
        "SD": "standard deviation of the accuracy over seeds, in percentage points",
        "95 % interval": "of the mean over seeds (Student's t), from three seeds on: in 95 of 100"
        " such repetitions with other seeds it contains the recipe's true mean on these images; it"
        " says nothing about other images",
        f"{noun} loss": "mean negative log-likelihood, in nats",
        _TIME: "median over seeds, without the tests between epochs; several runs may have shared"
        " the machine",
    }
    cells: list[tuple[Column, Value]] = [
        (text("Recipe"), figures.label),
        (count("Parameters"), figures.parameters),
        (count("Epochs"), figures.epochs),
        (count("Seeds"), len(figures.seeds)),
        (number(f"{noun} accuracy (%)"), figures.accuracy),
        (number("SD", 3, "standard_deviation"), figures.std),
        (interval("95 % interval"), figures.interval),
        (number("Median"), figures.median),
        (number("Lowest"), figures.lowest),
        (number("Highest"), figures.highest),
        (number(f"{noun} loss", 4), figures.loss),
        (times(_TIME, "training_seconds"), figures.seconds),
    ]
    for name, figure in _class_metrics(figures):
        heading = f"{name[0].upper()}{name[1:]} (%)"
        legend[heading] = f"{METRIC_MEANINGS[figure]}; with the interval of the mean over seeds"
        cells.append((estimate(heading), (figures.by(figure).mean, figures.by(figure).interval)))
    if found:
        legend[_UNDISPUTED] = "accuracy without the images whose labels are disputed"
        cells += [
            (number(_UNDISPUTED, 2, "accuracy_without_disputed"), found.accuracy),
            (interval("95 % interval without", "interval_without"), found.interval),
        ]
    columns, values = zip(*cells, strict=True)
    return Table(columns, [values], legend)


def seed_table(figures: Summary) -> Table:
    """Return one row per run: final accuracy in percent, errors, loss in nats, training time in
    seconds, macro F1 and balanced accuracy in percent.
    """
    columns = [
        number("Seed", 0),
        number("Accuracy (%)"),
        count("Errors"),
        number("Loss", 4),
        number("Training seconds", 1),
    ]
    values = [
        figures.seeds,
        figures.accuracies,
        figures.errors,
        figures.losses,
        figures.training_seconds,
    ]
    if figures.disputed:
        columns.append(number(_UNDISPUTED, 2, "accuracy_without_disputed"))
        values.append(figures.disputed.accuracies)
    for name, figure in _class_metrics(figures):
        columns.append(number(f"{name[0].upper()}{name[1:]} (%)"))
        values.append(figures.by(figure).values)
    return Table(columns, list(zip(*values, strict=True)))


def _class_metrics(figures: Summary) -> list[tuple[str, Metric]]:
    """Return the metrics that count every class alike, if known, with their names."""
    if figures.macro_f1 is None:
        return []
    return [(METRIC_NAMES[metric], metric) for metric in METRICS if metric != "accuracy"]


def disputed_table(found: DisputedFigures) -> Table:
    """Return one row per image whose label is disputed: its index in the test set, and how many
    runs agree with the label.
    """
    heading = f"Classified as labelled by (of {len(found.accuracies)} runs)"
    rows = zip(found.images, found.as_labelled, strict=True)
    return Table([number("Image", 0), count(heading, "as_labelled")], list(rows))


def draw_accuracies(figures: Summary) -> "Figure":
    """Draw a dot for each run's final accuracy, or the metric that it is judged by, equal ones
    stacked, and the mean with its 95 % interval.
    """
    from mnistlab.report.canvas import COLOURS, figure, panel

    judged = figures.judged
    values = np.sort(judged.values)
    levels = _stack(values)
    tallest = int(levels.max()) + 1
    room = max(tallest, _FEWEST)
    drawn = figure(8, _MARGIN + _DOT * min(room, _TALLEST))
    axes = drawn.subplots()
    panel(axes)
    if judged.interval:
        axes.axvspan(judged.interval.low, judged.interval.high, color=COLOURS[0], alpha=0.15, lw=0)
        axes.axvline(judged.mean, color=COLOURS[0], lw=2)
    axes.plot(
        values, levels + 0.5, "o", color=COLOURS[1], ms=8 * min(1.0, _TALLEST / tallest), mew=0
    )
    axes.set_ylim(-0.2, room + 0.2)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if judged.lowest == judged.highest:
        axes.set_xlim(judged.mean - _ALONE, judged.mean + _ALONE)
        # Accuracies have two decimals.
        axes.locator_params(axis="x", steps=[1, 2, 5, 10])
    shown = "one dot per seed"
    shown += "; line and band: mean and 95 % interval" if judged.interval else ""
    name = METRIC_NAMES[figures.metric]
    axes.set_xlabel(f"final {name} (% of {tested_images(figures)}): {shown}")
    return drawn


def markdown(group: RunGroup, figures: Summary, failures: Sequence[str] = ()) -> str:
    """Return the sentences, what is known of the data, and the tables as Markdown."""
    said = sentences(repetition_sentence(figures), repetition_remarks(figures), failures)
    tables = figure_table(figures).markdown_with_legend(), seed_table(figures).markdown()
    return "\n".join((said, *note_list(note_lines(of_groups([group]))), *tables))


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
        "notes": data_lines(of_groups([group])),
        "tested_on": f"{figures.test_images:,} {tested_images(figures)}",
        "parameters": figures.parameters,
        "epochs": figures.epochs,
        "seeds": list(figures.seeds),
        "test_accuracy": list(figures.accuracies),
        "mean": round(figures.accuracy, 4),
        "interquartile_mean": round(figures.interquartile_mean, 4),
        "odd_seeds": list(figures.odd_seeds),
        "standard_deviation": None if figures.std is None else round(figures.std, 4),
        "interval": _rounded(figures.interval),
        "median": round(figures.median, 4),
        "lowest": round(figures.lowest, 4),
        "highest": round(figures.highest, 4),
        "metric": figures.metric,
        "macro_f1": metric_figures(summarise_metric(group, "macro_f1")),
        "balanced_accuracy": metric_figures(summarise_metric(group, "balanced_accuracy")),
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
            "interval_without": _rounded(found.interval),
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
    """Write ``report.html``, ``summary.json``, ``table.md``, ``tables/*.csv``, and
    ``plots/accuracies.*`` and ``plots/confusion.*``.

    Args:
        out: the folder, made if need be.
        group: the runs.
        figures: of them.
        command: the command that repeats the repetition.
        failures: a line for each run that failed.

    Returns:
        The files written, the page first.

    Raises:
        OSError: the folder cannot be written to.
    """
    from mnistlab.report.canvas import render
    from mnistlab.report.image_plots import confusion_matrix

    drawings = {
        "accuracies": render(draw_accuracies(figures)),
        "confusion": render(confusion_matrix(group)),
    }
    return write_results(
        out,
        {
            "report.html": _page(group, figures, drawings, command, failures),
            "summary.json": summary(group, figures, command, failures),
            "table.md": markdown(group, figures, failures),
            "tables/figures.csv": figure_table(figures),
            "tables/runs.csv": seed_table(figures),
            "tables/class_scores.csv": class_score_table([group]),
            "tables/confusion.csv": confusion_table(
                mean_confusions([group]), group.records[0].data.classes
            ),
            **plot_files(drawings),
        },
    )


def _page(
    group: RunGroup,
    figures: Summary,
    drawings: Mapping[str, "Drawing"],
    command: str,
    failures: Sequence[str],
) -> str:
    from mnistlab.report.page import describe_data, environment_lines, render_template

    starts = sorted(record.started for record in group.records)
    count = len(figures.seeds)
    return render_template(
        "repetition.html",
        drawings,
        title=f"{figures.label}, {count} seed{'s' if count > 1 else ''}",
        when=when([figures]),
        kicker=describe_data(group.records),
        data=group.records[0].data,
        data_lines=data_lines(of_groups([group])),
        tested=tested_images(figures),
        metric_name=METRIC_NAMES[figures.metric],
        sentence=repetition_sentence(figures),
        remarks=repetition_remarks(figures),
        failures=failures,
        figures=figures,
        figure_table=figure_table(figures).upright(),
        seed_table=seed_table(figures),
        class_score_table=class_score_table([group]),
        error_table=frequent_errors(mean_confusions([group]), group.records[0].data.classes),
        disputed_table=figures.disputed and disputed_table(figures.disputed),
        recipe=to_toml(_recipe(group)),
        command=command,
        environments=environment_lines([group]),
        first_begun=f"{starts[0]:%Y-%m-%d %H:%M}",
        last_begun=f"{starts[-1]:%Y-%m-%d %H:%M}",
    )


def _recipe(group: RunGroup) -> Recipe:
    """Return the recipe under the label of the group; its runs may have another name."""
    return group.recipe.model_copy(update={"name": group.label})


def _rounded(ends: Interval | None) -> list[float] | None:
    return [round(end, 4) for end in ends.ends()] if ends else None


def _stack(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many dots lie below each, so that none hides another; ascending ``(n,)``."""
    width = np.ptp(values) / _BINS or 1.0
    # Rounded, so that equal steps do not fall on different sides of a bin's edge.
    bins = np.floor(np.round((values - values[0]) / width, 6))
    levels: NDArray[np.int64] = np.arange(len(values)) - np.searchsorted(bins, bins)
    return levels
