"""Shifts: the runs of one recipe, tested with and without averaging over shifted copies.

``python -m benchmarks.shifts RUNS --json FILE``; of one run, ``mnistlab evaluate --shifts``.
"""

import shlex
from pathlib import Path

import click
import numpy as np

from mnistlab import evaluate
from mnistlab.errors import MnistlabError
from mnistlab.runs import find_runs, write_atomically
from mnistlab.statistics.interval import mean_interval
from mnistlab.text import to_json


@click.command("shifts")
@click.argument("runs", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--pixels", type=click.IntRange(1, 4), default=1, help="Largest shift.  [1]")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), required=True)
def main(*, runs: Path, pixels: int, file: Path) -> None:
    """Test each of the RUNS, and write the accuracies and their means to a file."""
    views = {}
    for run in find_runs(runs):
        try:
            found = evaluate(run, shifts=pixels).views
        except MnistlabError as error:
            raise click.ClickException(str(error)) from error
        if found:
            seed = run.read_record().seed
            views[seed] = found
            click.echo(
                f"seed {seed}: {found.accuracy_once:.2%} once, {found.accuracy:.2%} averaged"
            )
    views = dict(sorted(views.items()))
    accuracies = {
        "once": {seed: one.accuracy_once for seed, one in views.items()},
        "averaged": {seed: one.accuracy for seed, one in views.items()},
    }
    options = "--pixels", str(pixels), "--json", str(file)
    content = {
        "command": shlex.join(["python", "-m", "benchmarks.shifts", str(runs), *options]),
        "pixels": pixels,
        "copies": (2 * pixels + 1) ** 2,
    }
    for way, by_seed in accuracies.items():
        values = np.array(list(by_seed.values()))
        interval = mean_interval(values)
        content[way] = {
            "mean": float(values.mean()),
            "interval": interval and [interval.low, interval.high],
            "accuracies": by_seed,
        }
        click.echo(f"{way}: {values.mean():.2%} on average over {len(values)} seeds")
    write_atomically(file, f"{to_json(content)}\n")


if __name__ == "__main__":
    main()
