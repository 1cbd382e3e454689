"""``mnistlab evaluate``: how well one model reads, where it fails, and whether it knows."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnistlab.cli.experiment import command_line

if TYPE_CHECKING:
    from mnistlab.statistics import Evaluation


@click.command()
@click.argument("model")
@click.option("--data", help="A known data set's name, a folder or a file.  [what MODEL was trained on]")
@click.option(
    "--split", type=click.Choice(["test", "train"]), default="test", show_default=True, help="Which images to read."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write a report into this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print every figure as JSON instead of tables.")
def evaluate(model: str, data: str | None, split: str, out: Path | None, *, as_json: bool) -> None:
    """Let MODEL read labelled images, and tell how well it does.

    MODEL is a finished run's folder, an .onnx file that `mnistlab export` wrote, or a shipped model: reader, lenet5,
    custom_mlp. A run that held out images is still tested on the test set, which it never looked at.
    """
    import json

    from mnistlab.cli.examination import examine
    from mnistlab.statistics import evaluate as work_out

    seen = examine(model, data, split)
    found = work_out(seen.logits, seen.part.labels, seen.classes, seen.temperature)
    kind = "test" if split == "test" else "training"
    facts = [
        f"{seen.dataset.name}, {found.images:,} {kind} images",
        *([seen.dataset.note] if seen.dataset.note else []),
    ]
    if as_json:
        click.echo(json.dumps(found.as_dict(), ensure_ascii=False, allow_nan=False))
    else:
        click.echo(f"{seen.title}: {'; '.join(facts)}")
        _show(found)
    if out:
        from mnistlab.errors import RunError
        from mnistlab.report.evaluation import write_evaluation_report

        try:
            page, *others = write_evaluation_report(
                found, out, title=seen.title, facts=facts, images=seen.part.images, command=command_line()
            )
        except OSError as error:
            raise RunError(f"{out}: cannot be written: {error.strerror or error}") from error
        click.echo(f"wrote {page} and {len(others)} more files beside it", err=as_json)


def _show(evaluation: "Evaluation") -> None:
    import shutil

    from mnistlab.report.evaluation_tables import class_table, coverage_table, figure_table, headline, remarks

    width = shutil.get_terminal_size((100, 24)).columns
    for sentence in (headline(evaluation), *remarks(evaluation)):
        click.echo(f"{sentence[0].upper()}{sentence[1:]}.")
    for make in (figure_table, class_table, coverage_table):
        table = make(evaluation).text(width).strip("\n")
        click.echo(f"\n{table}")
