"""The report of a robustness evaluation: an HTML page, a table as Markdown and CSV, plots, and all
figures as JSON.
"""

import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnistlab.data import channels_last
from mnistlab.report.canvas import (
    COLOURS,
    FAINT,
    INK,
    Look,
    figure,
    legend,
    looks,
    panel,
    render,
    row_height,
    wrapped,
)
from mnistlab.report.data_lines import note_list
from mnistlab.report.page import image_source, render_template
from mnistlab.report.result_files import plot_files, write_results
from mnistlab.report.table import Table, estimate, in_percent, percent, sentences, text
from mnistlab.statistics.interval import Interval
from mnistlab.statistics.robustness import CLEAN, Robustness, Score
from mnistlab.statistics.verdict import span
from mnistlab.text import listed

_COLUMNS, _SIDE, _CAPTION = 4, 1.5, 0.3
"""Images in a row of the contact sheet; an image's side and a caption's height in inches."""
_TICKS = (0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40, 60, 80, 100)
_INTERVALS = {
    "images": "of one model over images (Wilson's score interval)",
    "seeds": "of a recipe over seeds (Student's t)",
}
_SPREAD = 0.17
"""Rows between two models' dots, at most."""


def write_robustness_report(
    models: Sequence[Robustness],
    folder: Path,
    *,
    title: str,
    examples: Mapping[str, NDArray[np.uint8]],
    facts: Sequence[str] = (),
    notes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    command: str = "",
) -> list[Path]:
    """Write ``report.html``, ``summary.json``, ``table.md``, ``table.csv``, and plots.

    The plots are ``plots/robustness.png`` and ``.svg``, and ``plots/corruptions.png``.

    Args:
        models: at least one.
        folder: made if need be.
        title: of the page.
        examples: by corruption, the clean one first: uint8, ``(channels, height, width)``, the
            same image each time.
        facts: short ones shown above the title, such as the data's name.
        notes: sentences on the data and on the models' input.
        settings: further entries of ``summary.json``, among them ``severities`` by corruption,
            ``None`` where it has none.
        command: the command that repeats the evaluation.

    Returns:
        The files written, the page first.

    Raises:
        OSError: the folder cannot be written to.
    """
    settings = settings or {}
    table, drawings = robustness_table(models), {"robustness": render(draw_robustness(models))}
    over = sorted({"seeds" if model.runs > 1 else "images" for model in models})
    page = render_template(
        "robustness.html",
        drawings,
        title=title,
        facts=facts,
        notes=notes,
        headline=robustness_headline(models),
        remarks=robustness_remarks(models),
        robustness_table=table,
        gallery=[
            _card(name, image, models, settings.get("severities", {}))
            for name, image in examples.items()
        ],
        models=[model.model for model in models],
        intervals=" and ".join(_INTERVALS[kind] for kind in over),
        command=command,
    )
    return write_results(
        folder,
        {
            "report.html": page,
            "summary.json": {
                "title": title,
                "notes": list(notes),
                **settings,
                **figures(models),
                "command": command,
            },
            "table.md": markdown(models, notes),
            "table.csv": table,
            **plot_files(drawings),
            "plots/corruptions.png": contact_sheet(examples),
        },
    )


def robustness_headline(models: Sequence[Robustness]) -> str:
    """Say in one sentence how many corrupted and how many clean images the best model
    misclassifies.
    """
    best = min(models, key=lambda model: model.mean_error)
    ends = f" (95 % interval {span(in_percent(best.interval))} %)" if best.interval else ""
    over = f", on average over {best.runs} seeds" if best.runs > 1 else ""
    said = (
        f"{percent(best.mean_error)} on corrupted images{ends} and"
        f" {percent(best.clean.error)} on the same images uncorrupted{over}"
    )
    if len(models) == 1:
        return f"The error is {said}"
    same = [model.model for model in models if model.mean_error == best.mean_error]
    have = "has" if len(same) == 1 else "have"
    return f"Of {len(models)} models {listed(same)} {have} the lowest error: {said}"


def robustness_remarks(models: Sequence[Robustness]) -> list[str]:
    """Name the corruption that is hardest for each model."""
    return [
        f"the hardest corruption for {model.model} is {spoken(model.hardest)}, with an error of"
        f" {percent(model.corrupted[model.hardest].error)}"
        for model in models
        if model.mean_error
    ]


def robustness_table(models: Sequence[Robustness]) -> Table:
    """Return one row per corruption, ``none`` first; errors in percent, of a recipe over seeds with
    their intervals.

    The last rows are the mean over the corruptions and, for several models, its ratio to the first
    model's.
    """
    rows: list[tuple[Any, ...]] = [(CLEAN, *(_of_score(model, model.clean) for model in models))]
    rows += [
        (spoken(name), *(_of_score(model, model.corrupted[name]) for model in models))
        for name in models[0].corrupted
    ]
    means = (_in_percent(model, model.mean_error, model.interval) for model in models)
    rows.append((f"mean of the {len(models[0].corrupted)}", *means))
    legend = {
        "Error (%)": "misclassified images; of a recipe the mean over seeds, in brackets its 95 %"
        " interval (Student's t)",
        CLEAN: "the images uncorrupted",
        rows[-1][0]: "weights all corruptions equally",
    }
    if len(models) > 1:
        ratios = (
            None if model.relative is None else (model.relative, model.relative_interval)
            for model in models
        )
        rows.append((f"mean, relative to {models[0].model}", *ratios))
        legend[rows[-1][0]] = (
            "that mean divided by the first model's; the interval is computed from the logarithm of"
            " the ratio, over the seeds of both recipes"
        )
    columns = (estimate(model.model, model.model) for model in models)
    return Table([text("Error (%)", "corruption"), *columns], rows, legend)


def spoken(name: str) -> str:
    """Return a corruption's name as people write it."""
    return name.replace("_", " ")


def _of_score(model: Robustness, score: Score) -> tuple[float, Interval | None]:
    return _in_percent(model, score.error, score.interval)


def _in_percent(
    model: Robustness, share: float, ends: Interval | None
) -> tuple[float, Interval | None]:
    # A single model's interval is over images; the plot shows it.
    return 100 * share, in_percent(ends) if ends and model.runs > 1 else None


def markdown(models: Sequence[Robustness], notes: Sequence[str] = ()) -> str:
    """Return the sentences, the notes on the data, and the table as Markdown."""
    said = sentences(robustness_headline(models), robustness_remarks(models))
    table = robustness_table(models).markdown_with_legend()
    return "\n".join((said, *note_list(notes), table))


def figures(models: Sequence[Robustness]) -> dict[str, Any]:
    """Return all figures as JSON has them."""
    return {"models": [model.as_dict() for model in models], "version": version("mnistlab")}


def draw_robustness(models: Sequence[Robustness]) -> Figure:
    """Draw the errors: one row per corruption, the hardest for the first model on top, and one
    colour per model.

    Above them is the mean over the corruptions, below them the uncorrupted images.
    """
    names = [CLEAN, *sorted(models[0].corrupted, key=lambda name: models[0].corrupted[name].errors)]
    drawn = figure(8, row_height(len(names) + 1) + 0.24 * math.ceil(len(models) / 2))
    axes = drawn.subplots()
    panel(axes)
    axes.grid(visible=False, axis="y")
    rows, top = np.arange(len(names), dtype=np.float64), len(names)
    errors = [
        [model.clean.error, *(model.corrupted[name].error for name in names[1:])]
        for model in models
    ]
    means = [model.mean_error for model in models]
    lowest, highest = (
        100 * np.array([*end(errors, axis=0), end(means)]) for end in (np.min, np.max)
    )
    axes.hlines([*rows, top], lowest, highest, color=FAINT, lw=4, capstyle="round", zorder=1)
    gap = min(_SPREAD, 0.6 / len(models))
    for number, (model, look) in enumerate(zip(models, looks(len(models)), strict=True)):
        scores, aside = (
            [model.clean, *(model.corrupted[name] for name in names[1:])],
            gap * _step(number, len(models)),
        )
        _dots(axes, scores, rows + aside, look, wrapped(model.model))
        if model.interval:
            axes.hlines(
                top + aside,
                100 * model.interval.low,
                100 * model.interval.high,
                color=look.colour,
                lw=2.2,
            )
        axes.plot(
            100 * model.mean_error,
            top + aside,
            look.marker,
            color=look.colour,
            ms=8,
            mew=0,
            clip_on=False,
        )
    axes.hlines([0.5, top - 0.5], 0, 1, color=INK, lw=0.8, transform=axes.get_yaxis_transform())
    spoken_names = ["uncorrupted", *map(spoken, names[1:]), f"mean of the {len(names) - 1}"]
    axes.set_yticks([*rows, top], spoken_names)
    axes.set_ylim(-0.6, top + 0.6)
    shown = [score for model in models for score in (model.clean, *model.corrupted.values())]
    _scale(
        axes, 100 * max(score.interval.high if score.interval else score.error for score in shown)
    )
    axes.set_xlabel("error (%), with 95 % interval")
    axes.tick_params(axis="y", length=0)
    legend(drawn, *axes.get_legend_handles_labels())
    return drawn


def contact_sheet(examples: Mapping[str, NDArray[np.uint8]]) -> Figure:
    """Draw one image, uncorrupted and after each corruption."""
    rows = math.ceil(len(examples) / _COLUMNS)
    drawn = figure(_SIDE * _COLUMNS, (_SIDE + _CAPTION) * rows)
    places = drawn.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes in places[len(examples) :]:
        axes.set_axis_off()
    for axes, (name, image) in zip(places, examples.items(), strict=False):
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(FAINT)
        axes.imshow(channels_last(image), cmap="gray", vmin=0, vmax=255)
        axes.set_title("uncorrupted" if name == CLEAN else spoken(name), fontsize=10, color=INK)
        axes.set_anchor("N")
    return drawn


def _dots(
    axes: Axes, scores: Sequence[Score], places: NDArray[np.float64], look: Look, label: str
) -> None:
    ends = [
        (score.interval.low, score.interval.high) if score.interval else (score.error,) * 2
        for score in scores
    ]
    low, high = 100 * np.array(ends).T
    axes.hlines(places, low, high, color=look.colour, lw=2.2, alpha=0.55, clip_on=False)
    values = [100 * score.error for score in scores]
    axes.plot(
        values, places, look.marker, color=look.colour, ms=6, label=label, mew=0, clip_on=False
    )


def _step(number: int, count: int) -> float:
    """Return how far above the middle one of ``count`` models stands, the first highest."""
    return (count - 1) / 2 - number


def _scale(axes: Axes, highest: float) -> None:
    """Scale by the square root up to the highest percentage, with ticks that do not overlap."""
    axes.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    right = min(100.0, 1.08 * highest)
    axes.set_xlim(0, right)
    ticks = [tick for tick in _TICKS if tick <= right and (tick == 0 or tick >= right / 100)]
    decimals = int(any(tick % 1 for tick in ticks))
    axes.set_xticks(ticks, [f"{tick:.{decimals}f}" for tick in ticks])
    axes.minorticks_off()


def _card(
    name: str,
    image: NDArray[np.uint8],
    models: Sequence[Robustness],
    severities: Mapping[str, int | None],
) -> dict[str, Any]:
    scores = [model.clean if name == CLEAN else model.corrupted[name] for model in models]
    return {
        "name": "uncorrupted" if name == CLEAN else spoken(name),
        "severity": severities.get(name),
        "shares": [(score.error, number % len(COLOURS)) for number, score in enumerate(scores)],
        "source": image_source(image),
    }
