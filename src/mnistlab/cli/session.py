"""Training from the command line: data loaded once, progress drawn, signals heeded."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import DownloadColumn, Progress, TaskID

from mnistlab.cli.output import console, echo, warn
from mnistlab.cli.screen import Screen
from mnistlab.cli.stopping import listening_for_stop
from mnistlab.data import Dataset, load_dataset
from mnistlab.data.download import OnProgress
from mnistlab.recipe import Recipe
from mnistlab.runs import RunRecord

if TYPE_CHECKING:
    from mnistlab.training.events import Event, Listener


def train_all(
    runs: Sequence[tuple[Recipe, Path]],
    *,
    seed: int,
    device: str,
    gpu: int | None,
    threads: int | None,
    kernels: str,
    resume: bool,
    overwrite: bool,
    quiet: bool,
    listener: "Listener | None" = None,
) -> list[RunRecord]:
    """Train recipes on the same data one after another, each in its folder; ``listener`` hears of
    all of it.

    Raises:
        MnistlabError: something given cannot be used.
        SystemExit: a signal asked to stop; what was done is kept.
    """
    # Here, so that who only loads data does without PyTorch.
    from mnistlab.cli.progress import ProgressBar
    from mnistlab.training import train

    def hear(event: "Event") -> None:
        bar(event)
        if listener:
            listener(event)

    dataset = load_with_progress(runs[0][0].data)
    if dataset.note:
        echo(f"note: {dataset.note}")
    records = []
    with listening_for_stop() as stop, ProgressBar(console(quiet=quiet)) as bar:
        for recipe, folder in runs:
            trained = train(
                recipe,
                dataset,
                seed=seed,
                folder=folder,
                resume=resume,
                overwrite=overwrite,
                device=device,
                gpu=gpu,
                threads=threads,
                kernels=kernels,
                on_event=hear,
                should_stop=stop,
            )
            if trained is None:
                break
            records.append(trained.record)
    if len(records) < len(runs):
        warn("the same command with --resume goes on from here")
        raise SystemExit(stop.exit_status)
    return records


def load_with_progress(source: str) -> Dataset:
    """Load a data set; a download draws a bar on standard error."""
    with _download_bar() as on_progress:
        return load_dataset(source, on_progress)


@contextlib.contextmanager
def _download_bar() -> Iterator[OnProgress]:
    bars = Progress(*Progress.get_default_columns(), DownloadColumn(), console=Screen(stderr=True))
    tasks: dict[str, TaskID] = {}

    def show(name: str, held: int, total: int) -> None:
        if name not in tasks:
            bars.start()
            tasks[name] = bars.add_task(name)
        bars.update(tasks[name], completed=held, total=total or None)

    try:
        yield show
    finally:
        if tasks:
            bars.stop()
