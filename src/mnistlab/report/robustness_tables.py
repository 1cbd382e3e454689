"""Robustness in words and a table: one row a corruption, one column a model."""

from collections.abc import Sequence

from mnistlab.report.table import Table, percent
from mnistlab.statistics.interval import Interval
from mnistlab.statistics.robustness import CLEAN, Robustness, Score
from mnistlab.statistics.verdict import span


def robustness_headline(models: Sequence[Robustness]) -> str:
    """Say in one sentence how much of what is corrupted the best model misreads, and of what is
    not.
    """
    best = min(models, key=lambda model: model.mean_error)
    interval = best.interval and span(
        Interval(low=100 * best.interval.low, high=100 * best.interval.high)
    )
    over = f", on average over {best.runs} seeds" if best.runs > 1 else ""
    said = (
        f"{percent(best.mean_error)} of corrupted"
        f" images{f' (95 % interval {interval} %)' if interval else ''}, and"
        f" {percent(best.clean.error)} of the same images as they are{over}"
    )
    return (
        f"Of {len(models)} models {best.model} misreads fewest: {said}"
        if len(models) > 1
        else f"Misread are {said}"
    )


def robustness_remarks(models: Sequence[Robustness]) -> list[str]:
    """Say what is hardest for each model."""
    return [
        f"hardest for {model.model} is {spoken(model.hardest)}:"
        f" {percent(model.corrupted[model.hardest].error)} misread"
        for model in models
        if model.mean_error
    ]


def robustness_table(models: Sequence[Robustness]) -> Table:
    """Return one row a corruption, ``none`` first; errors in percent, of a recipe over seeds with
    their intervals.

    The last rows are the mean over the corruptions and, for several models, how it relates to the
    first model's.
    """
    rows = [(CLEAN, *(_of_score(model, model.clean) for model in models))]
    rows += [
        (spoken(name), *(_of_score(model, model.corrupted[name]) for model in models))
        for name in models[0].corrupted
    ]
    means = (
        _percent(model.mean_error, model.interval if model.runs > 1 else None) for model in models
    )
    rows.append((f"mean of the {len(models[0].corrupted)}", *means))
    if len(models) > 1:
        relative = (
            (
                ""
                if model.relative is None
                else _with(f"{model.relative:.2f}", model.relative_interval)
            )
            for model in models
        )
        rows.append((f"mean, relative to {models[0].model}", *relative))
    return Table(("Misread (%)", *(model.model for model in models)), tuple(rows))


def spoken(name: str) -> str:
    """Return a corruption's name as people write it."""
    return name.replace("_", " ")


def _of_score(model: Robustness, score: Score) -> str:
    # Of one model the interval is over images, and in the plot.
    return _percent(score.error, score.interval if model.runs > 1 else None)


def _percent(share: float, interval: Interval | None) -> str:
    return _with(
        f"{100 * share:.2f}",
        interval and Interval(low=100 * interval.low, high=100 * interval.high),
    )


def _with(figure: str, interval: Interval | None) -> str:
    return f"{figure} ({span(interval)})" if interval else figure
