"""``mnistlab evaluate``: how well one model reads, where it fails, and whether it knows; or how
robust several are.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnistlab.cli.completion import models
from mnistlab.cli.experiment import command_line
from mnistlab.cli.output import echo, echo_json, json_option
from mnistlab.cli.path_types import NAME, Place

if TYPE_CHECKING:
    from mnistlab.cli.evaluated_model import EvaluatedModel
    from mnistlab.statistics import Evaluation


@click.command(short_help="How well a model reads, and where it fails.")
@click.argument(
    "models", type=NAME, nargs=-1, required=True, metavar="MODEL...", shell_complete=models
)
@click.option(
    "--data",
    type=NAME,
    help="A known data set's name, a folder or a file.  [what MODEL was trained on]",
)
@click.option(
    "--split",
    type=click.Choice(["test", "train"]),
    default="test",
    show_default=True,
    help="Which images to read.",
)
@click.option(
    "--shifts",
    type=click.IntRange(1, 4),
    help="Say as well what averaging over copies moved by so many pixels brings.",
)
@click.option(
    "--corruptions",
    is_flag=True,
    help="Corrupt the images in fifteen ways and count the errors of each.",
)
@click.option(
    "--severity",
    type=click.Choice(["published", "1", "2", "3", "4", "5"]),
    help="How strongly.  [published: each as in MNIST-C]",
)
@click.option(
    "--corruption-seed",
    type=click.IntRange(0, 10**18),
    help="Decides what is random in corruptions.  [0]",
)
@click.option("--out", type=Place(file_okay=False), help="Write a report into this folder.")
@json_option
def evaluate(
    *,
    models: tuple[str, ...],
    data: str | None,
    split: str,
    shifts: int | None,
    corruptions: bool,
    severity: str | None,
    corruption_seed: int | None,
    out: Path | None,
) -> None:
    """Let MODEL read labelled images, and tell how well it does.

    MODEL is a finished run's folder, an .onnx file that `mnistlab export` wrote, or a shipped
    model: reader, lenet5, custom_mlp. A run that held out images is still tested on the test set,
    which it never looked at. With --corruptions there may be several, which read the same images;
    runs of one recipe are told as one, over their seeds.
    """
    if shifts and corruptions:
        raise click.UsageError(
            "--shifts and --corruptions answer different questions: give one of them"
        )
    if corruptions:
        from mnistlab.cli.evaluate_robustness import echo_robustness

        chosen = None if severity in (None, "published") else int(str(severity))
        echo_robustness(models, data, split, severity=chosen, seed=corruption_seed or 0, out=out)
        return
    if severity or corruption_seed is not None:
        given = "--severity" if severity else "--corruption-seed"
        raise click.UsageError(f"{given} says how images are corrupted: give --corruptions as well")
    if len(models) > 1:
        raise click.UsageError(
            f"{len(models)} models: several are held against each other on corrupted images alone; "
            "give --corruptions as well, or one MODEL"
        )
    _echo_evaluation(models[0], data, split, shifts, out)


def write_report(write: Callable[[], list[Path]], out: Path) -> None:
    """Write a report and say so.

    Raises:
        RunError: the folder cannot be written to.
    """
    from mnistlab.errors import RunError

    try:
        page, *others = write()
    except OSError as error:
        raise RunError(
            f"{error.filename or out}: cannot be written: {error.strerror or error}"
        ) from error
    echo(f"wrote {page} and {len(others)} more files beside it")


def _echo_evaluation(
    model: str, data: str | None, split: str, shifts: int | None, out: Path | None
) -> None:
    from mnistlab.cli.evaluated_model import examine
    from mnistlab.statistics import evaluate as work_out

    seen = examine(model, data, split)
    found = work_out(seen.logits, seen.part.labels, seen.classes, seen.temperature)
    facts = seen.facts(split)
    if shifts and seen.shifts:
        raise click.UsageError(
            f"{model} reads shifted copies as it is: its recipe has shifts = {seen.shifts}"
        )
    views = _compare_views(seen, found.accuracy, shifts or seen.shifts)
    echo(f"{seen.title}: {'; '.join(facts)}")
    _show(found)
    if views:
        copies, furthest = views["copies"], f"{views['pixels']} pixel{'s' * (views['pixels'] > 1)}"
        averaged, once = (f"{100 * views[name]:.2f} %" for name in ("accuracy", "accuracy_once"))
        echo(
            "",
            f"Averaged over {copies} copies of each image, moved by up to {furthest}: "
            f"{averaged} instead of {once}, for {copies} times the work.",
        )
    echo_json(found.as_dict() | ({"views": views} if views else {}))
    if out:
        from mnistlab.report.evaluation_report import write_evaluation_report

        def write() -> list[Path]:
            return write_evaluation_report(
                found,
                out,
                title=seen.title,
                facts=facts,
                images=seen.part.images,
                command=command_line(),
            )

        write_report(write, out)


def _compare_views(seen: "EvaluatedModel", accuracy: float, pixels: int) -> dict[str, float]:
    """Return what reading moved copies as well brings; nothing if no copies are wanted."""
    from mnistlab.data import read_views

    if not pixels:
        return {}
    # The recipe's own have been read already.
    other = (
        seen.read_once(seen.part.images)
        if seen.shifts
        else read_views(seen.read, seen.part.images, pixels)
    )
    right = float((other.argmax(axis=1) == seen.part.labels).mean())
    averaged, once = (accuracy, right) if seen.shifts else (right, accuracy)
    return {
        "pixels": pixels,
        "copies": (2 * pixels + 1) ** 2,
        "accuracy": averaged,
        "accuracy_once": once,
    }


def _show(evaluation: "Evaluation") -> None:
    import shutil

    from mnistlab.report.evaluation_report import (
        class_table,
        coverage_table,
        figure_table,
        headline,
        remarks,
    )

    width = shutil.get_terminal_size((100, 24)).columns
    for sentence in (headline(evaluation), *remarks(evaluation)):
        echo(f"{sentence[0].upper()}{sentence[1:]}.")
    for make in (figure_table, class_table, coverage_table):
        echo("", *make(evaluation).text(width).splitlines())
