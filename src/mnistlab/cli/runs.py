"""``mnistlab runs``: list what a folder of runs holds."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default="runs")
def runs(folder: Path) -> None:
    """List the finished runs in FOLDER: recipe, seed, final test accuracy, time, and when each was begun."""
    from mnistlab.errors import RunError
    from mnistlab.report import duration, percent
    from mnistlab.runs import RunStore

    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder")
    inner = folder / "runs"
    found = list(RunStore(inner if inner.is_dir() else folder).glances())
    for run in found:
        figures = f"{percent(run.final.test_accuracy):>8}  {duration(run.seconds):>12}  {run.started:%Y-%m-%d %H:%M}"
        click.echo(f"{run.recipe.name:<32} seed {run.seed:<6} {figures}  {run.path.name}")
    click.echo(f"{len(found)} finished runs" if found else f"{folder}: no finished runs")
