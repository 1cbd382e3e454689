"""The report of a comparison: an HTML page, tables as Markdown and CSV, plots as PNG and SVG, and a
summary as JSON.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnistlab.recipe import TESTED_IMAGES
from mnistlab.report.canvas import MOST_CURVES, Drawing, render
from mnistlab.report.class_tables import class_anchor, class_score_table, class_table
from mnistlab.report.confusion_table import confusion_table, frequent_errors, mean_confusions
from mnistlab.report.data_lines import data_lines, note_lines, note_list, of_groups, when
from mnistlab.report.image_plots import calibration, confusion_matrix, errors_by_class
from mnistlab.report.page import describe_data, environment_lines, image_source, render_template
from mnistlab.report.result_files import plot_files, write_results
from mnistlab.report.seed_plots import (
    accuracies,
    forest,
    learning_curves,
    paired_differences,
)
from mnistlab.report.table import (
    Column,
    Table,
    count,
    estimate,
    in_percent,
    interval,
    metric_figures,
    number,
    p_values,
    points,
    sentences,
    significant,
    text,
    times,
)
from mnistlab.statistics import Comparison, HardImage, Interval, RunGroup, hardest, summarise_metric
from mnistlab.statistics.calibration import FEWEST_IMAGES
from mnistlab.statistics.metric import METRIC_MEANINGS, METRIC_NAMES, METRICS

_MOST_PAIRS, _MOST_MATRICES = 3, 4
_MOST_ROWS = 24
"""Rows from which on a table of classes is folded up."""
_TIME = "Training time per run"


def recipe_table(comparison: Comparison) -> Table:
    """Return one row per recipe. Accuracies, errors and intervals are in percent of images, gaps in
    points.
    """
    on = comparison.tested_on
    noun, judged = on.capitalize(), METRIC_NAMES[comparison.metric]
    by_accuracy = comparison.metric == "accuracy"
    meaning = "" if by_accuracy else f"{METRIC_MEANINGS[comparison.metric]}; "
    legend = {
        f"{noun} {judged} (%)": f"{meaning}of the {TESTED_IMAGES[on]} {when(comparison.summaries)},"
        " mean over seeds; no epoch was selected by its"
        f" {'accuracy' if by_accuracy else 'figures'}",
        "SD": f"standard deviation of the {judged} over seeds, in percentage points",
        "95 % interval": f"of the mean {judged} over seeds (Student's t), from three seeds on",
        f"{noun} loss": "mean negative log-likelihood, in nats",
        "Training loss": "of the final weights on the training images without augmentation and"
        " dropout",
        "Calibration error": "mean distance between confidence and accuracy, in percentage points",
        f"Train−{on} gap": f"training accuracy, measured as the training loss is, minus {on}"
        " accuracy, in percentage points",
        _TIME: "median over seeds, without the tests between epochs; several runs may have shared"
        " the machine",
    }
    return Table(
        [
            text("Recipe"),
            count("Parameters"),
            count("Seeds"),
            number(f"{noun} {judged} (%)"),
            number("SD", name="standard_deviation"),
            interval("95 % interval"),
            number("Error (%)" if by_accuracy else f"{noun} accuracy (%)"),
            number(f"{noun} loss", 4),
            significant("Training loss"),
            number("Calibration error"),
            points(f"Train−{on} gap", f"train_{on}_gap"),
            times(_TIME),
        ],
        [
            (
                summary.label,
                summary.parameters,
                len(summary.seeds),
                summary.judged.mean,
                summary.judged.std,
                summary.judged.interval,
                100 - summary.accuracy if by_accuracy else summary.accuracy,
                summary.loss,
                summary.train_loss,
                summary.calibration_error,
                summary.gap,
                summary.seconds,
            )
            for summary in comparison.summaries
        ],
        legend,
    )


def short_table(comparison: Comparison) -> Table:
    """Return the columns of :func:`recipe_table` that fit a terminal."""
    noun, judged = comparison.tested_on.capitalize(), METRIC_NAMES[comparison.metric]
    return recipe_table(comparison).select(
        {
            "Recipe": "Recipe",
            "Seeds": "Seeds",
            f"{noun} {judged} (%)": f"{_capital(judged)} %",
            "SD": "SD",
            "95 % interval": "95 % interval",
            f"{noun} loss": "Loss",
            _TIME: "Training time",
        }
    )


def metric_table(groups: Sequence[RunGroup]) -> Table:
    """Return one row per recipe: accuracy, macro F1 and balanced accuracy in percent, means over
    seeds with their intervals.
    """
    headings = {metric: f"{_capital(METRIC_NAMES[metric])} (%)" for metric in METRICS}
    found = [[summarise_metric(group, metric) for metric in METRICS] for group in groups]
    return Table(
        [text("Recipe"), count("Seeds"), *(estimate(heading) for heading in headings.values())],
        [
            (group.label, len(group.seeds), *((one.mean, one.interval) for one in figures))
            for group, figures in zip(groups, found, strict=True)
        ],
        {
            heading: f"{METRIC_MEANINGS[metric]}; mean over seeds, with its 95 % interval"
            for metric, heading in headings.items()
        },
    )


def pair_table(comparison: Comparison) -> Table:
    """Return one row per pair: differences of final accuracy, or the metric that recipes are judged
    by, in percentage points, of loss in nats.

    Both p, and the interval beside the difference, are corrected for all pairs and all looks.
    """
    margin = f"{comparison.differences[0].margin:g}" if comparison.differences else ""
    judged = METRIC_NAMES[comparison.metric]
    legend = {
        "Difference": f"mean over seeds of the first recipe's {judged} minus the second's, in"
        " percentage points",
        "95 % interval": "of that mean over seeds (Student's t), from three seeds on, corrected"
        " for all pairs and all looks; it excludes 0 exactly when p is below 0.05",
        "p": "how probable a difference at least as large is between equally good recipes: the"
        " larger of the exact sign-flip test's p and Student's, corrected likewise",
        "Verdict": f"equivalent means that the difference lies within {margin} points (two"
        " one-sided tests)",
        "IQM": "interquartile mean of the differences, which odd runs do not change",
        "First beats second": "probability that a run of the first recipe "
        + ("is more accurate" if judged == "accuracy" else f"has a higher {judged}")
        + " than a run of the second, with its 95 % interval",
        "On new images": "95 % interval of the difference over seeds and images together, for other"
        " images of the same kind",
        "Correlation": "of the "
        + ("accuracies" if judged == "accuracy" else judged)
        + " of runs with the same seed",
        "McNemar p < 0.05": "seeds for which comparing two single runs (McNemar's test) would have"
        " been significant",
        "Loss difference": "the first recipe's loss minus the second's, in nats",
        "p (loss)": "as p, corrected for the number of losses compared",
    }
    table = Table(
        [
            Column("Pair", _write_pairs, "", ("first", "second")),
            count("Seeds"),
            points("Difference"),
            interval("95 % interval"),
            p_values("p"),
            text("Verdict"),
            points("IQM", "interquartile_mean"),
            estimate("First beats second", decimals=0, unit=" %"),
            interval("On new images", "new_images_interval"),
            number("Correlation"),
            count("McNemar p < 0.05", "mcnemar_significant"),
            number("Loss difference", 4, sign=True),
            p_values("p (loss)", "p_loss"),
        ],
        [
            (
                (found.first, found.second),
                len(found.seeds),
                found.mean,
                found.simultaneous,
                found.adjusted_p,
                found.verdict,
                found.interquartile_mean,
                (100 * found.superiority, in_percent(found.superiority_interval)),
                found.new_images.interval if found.new_images else None,
                found.correlation,
                found.single_tests,
                found.loss,
                found.adjusted_loss_p,
            )
            for found in comparison.differences
        ],
        legend,
    )
    if comparison.metric == "accuracy":
        return table
    # They count images, which a mean over classes does not.
    return table.without("On new images", "McNemar p < 0.05")


def loss_table(comparison: Comparison) -> Table:
    """Return one row per recipe: its lowest test loss of any epoch, its final test and training
    loss, in nats.
    """
    on = comparison.tested_on
    return Table(
        [
            text("Recipe"),
            number(f"Lowest {on} loss (selected on {on})", 4, f"lowest_{on}_loss"),
            number(f"Final {on} loss", 4),
            number("Rise", 0, "rise_percent", sign=True, unit=" %"),
            significant("Final training loss"),
        ],
        [
            (
                summary.label,
                summary.lowest_loss,
                summary.loss,
                100 * (summary.loss / summary.lowest_loss - 1),
                summary.train_loss,
            )
            for summary in comparison.summaries
        ],
    )


def run_table(comparison: Comparison) -> Table:
    """Return one row per seed: every recipe's final test accuracy, or the metric that recipes are
    judged by, in percent.
    """
    seeds = sorted({seed for summary in comparison.summaries for seed in summary.seeds})
    columns = [
        dict(zip(summary.seeds, summary.judged.values, strict=True))
        for summary in comparison.summaries
    ]
    return Table(
        [
            number("Seed", 0),
            *(number(summary.label, 2, summary.label) for summary in comparison.summaries),
        ],
        [(seed, *(column.get(seed) for column in columns)) for seed in seeds],
    )


def field_table(groups: Sequence[RunGroup]) -> Table:
    """Return one row per recipe field in which the recipes differ."""
    values = [group.recipe.model_dump(mode="json", exclude={"name"}) for group in groups]
    differing = [key for key in values[0] if len({json.dumps(value[key]) for value in values}) > 1]
    return Table(
        ["Field", *(group.label for group in groups)],
        [(key, *(json.dumps(value[key]) for value in values)) for key in differing],
    )


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
    """Return the verdict, what is known of the data, and the tables as Markdown."""
    tables = [
        recipe_table(comparison),
        *(t for t in (pair_table(comparison), field_table(groups)) if t.rows),
        *([metric_table(groups)] if comparison.classes_matter else []),
    ]
    return "\n".join(
        (
            sentences(comparison.verdict, comparison.remarks),
            *note_list(note_lines(of_groups(groups))),
            *(table.markdown_with_legend() for table in tables),
        )
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
        "notes": data_lines(of_groups(groups)),
        "tested_on": f"{data.test_images:,} {TESTED_IMAGES[comparison.tested_on]}",
        "metric": comparison.metric,
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
                "interval": _rounded(figures.interval),
                "odd_seeds": list(figures.odd_seeds),
                "macro_f1": metric_figures(summarise_metric(group, "macro_f1")),
                "balanced_accuracy": metric_figures(summarise_metric(group, "balanced_accuracy")),
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
                "interval": _rounded(found.simultaneous),
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
        command: the command that repeats the comparison.
        failures: a line for each cause for which runs failed.
        test_images: uint8, ``(n, channels, height, width)``, for the gallery; ``None`` leaves it
            out.

    Returns:
        The files written, the page first.

    Raises:
        OSError: the folder cannot be written to.
    """
    drawings = {name: render(plot) for name, plot in draw_plots(groups, comparison).items()}
    page = _render_page(
        title, groups, comparison, drawings, command=command, failures=failures, images=test_images
    )
    return write_results(
        out,
        {
            "report.html": page,
            "table.md": markdown(groups, comparison),
            "summary.json": summary(groups, comparison, command),
            "tables/recipes.csv": recipe_table(comparison),
            "tables/pairs.csv": pair_table(comparison),
            "tables/losses.csv": loss_table(comparison),
            "tables/runs.csv": run_table(comparison),
            "tables/metrics.csv": metric_table(groups),
            "tables/classes.csv": class_table(groups, comparison),
            "tables/class_scores.csv": class_score_table(groups),
            "tables/confusion.csv": confusion_table(mean_confusions(groups), _classes(groups)),
            **plot_files(drawings),
        },
    )


def _render_page(
    title: str,
    groups: Sequence[RunGroup],
    comparison: Comparison,
    plots: Mapping[str, Drawing],
    *,
    command: str = "",
    failures: Sequence[str] = (),
    images: NDArray[np.uint8] | None = None,
) -> str:
    """Return the page's HTML; ``plots`` are those of :func:`draw_plots`."""
    records = [record for group in groups for record in group.records]
    starts = sorted(record.started for record in records)
    return render_template(
        "comparison.html",
        plots,
        title=title,
        when=when(comparison.summaries),
        kicker=describe_data(records),
        data=records[0].data,
        data_lines=data_lines(of_groups(groups)),
        verdict=comparison.verdict,
        remarks=comparison.remarks,
        tested=TESTED_IMAGES[comparison.tested_on].removesuffix(" images"),
        tested_on=comparison.tested_on,
        tested_images=TESTED_IMAGES[comparison.tested_on],
        tone=_tone(comparison),
        metric_name=METRIC_NAMES[comparison.metric],
        failures=failures,
        baseline=comparison.baseline,
        recipe_table=recipe_table(comparison),
        pair_table=pair_table(comparison),
        loss_table=loss_table(comparison),
        run_table=run_table(comparison),
        metric_table=metric_table(groups),
        class_table=class_table(groups, comparison),
        class_score_table=class_score_table(groups),
        error_table=frequent_errors(mean_confusions(groups[:_MOST_MATRICES]), _classes(groups)),
        class_anchor=class_anchor(comparison),
        field_table=field_table(groups),
        paired=[name for name in plots if name.startswith("paired")],
        matrices=[name for name in plots if name.startswith("confusion")],
        recipes=len(groups),
        folds=comparison.summaries[0].folds,
        shown=MOST_CURVES,
        fewest_images=FEWEST_IMAGES,
        most_rows=_MOST_ROWS,
        gallery=[] if images is None else _gallery(groups, images),
        command=command,
        environments=environment_lines(groups),
        runs=len(records),
        first_begun=f"{starts[0]:%Y-%m-%d %H:%M}",
        last_begun=f"{starts[-1]:%Y-%m-%d %H:%M}",
    )


def _classes(groups: Sequence[RunGroup]) -> tuple[str, ...]:
    return groups[0].records[0].data.classes


def _capital(name: str) -> str:
    return f"{name[0].upper()}{name[1:]}"


def _tone(comparison: Comparison) -> str:
    verdicts = {found.verdict for found in comparison.informative}
    if "too few seeds" in verdicts:
        return "few"
    return "settled" if verdicts & {"better", "equivalent"} else "open"


def _gallery(groups: Sequence[RunGroup], test_images: NDArray[np.uint8]) -> list[dict[str, Any]]:
    classes = _classes(groups)
    return [_card(hard, classes, test_images[hard.image]) for hard in hardest(groups)]


def _card(hard: HardImage, classes: Sequence[str], pixels: NDArray[np.uint8]) -> dict[str, Any]:
    cast = sum(votes for _, votes in hard.votes)
    return {
        "image": hard.image,
        "label": classes[hard.label],
        "votes": [
            (classes[label], votes, round(100 * votes / cast)) for label, votes in hard.votes
        ],
        "source": image_source(pixels),
    }


def _rounded(ends: Interval | None) -> list[float] | None:
    return [round(end, 4) for end in ends.ends()] if ends else None


def _write_pairs(values: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{first} − {second}" for first, second in values]
