"""Training from the command line: data loaded once, progress drawn, signals handled."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mnistlab.cli.event_logs import TrainingLog, both
from mnistlab.cli.log_options import chosen_loggers
from mnistlab.cli.options import run_options
from mnistlab.cli.output import console, echo, warn
from mnistlab.cli.progress import ProgressBar
from mnistlab.cli.screen import download_bar
from mnistlab.cli.stopping import listening_for_stop
from mnistlab.data.loading import load_for, take_for
from mnistlab.recipe import Recipe
from mnistlab.runs import RunFolder, RunRecord
from mnistlab.training import check_run, train
from mnistlab.training.device import choose_device


def train_all(
    runs: Sequence[tuple[Recipe, Path]],
    options: Mapping[str, Any],
    *,
    overwrite: bool,
) -> list[RunRecord]:
    """Train recipes on the same data one after another, each in its folder.

    Args:
        runs: recipes and folders.
        options: values of :data:`mnistlab.cli.options.training_options` and
            :data:`mnistlab.cli.log_options.log_options`.
        overwrite: start over whatever the folders hold.

    Raises:
        MnistlabError: something given cannot be used.
        SystemExit: a signal asked to stop; what was done is kept.
    """
    kinds = chosen_loggers(options)
    logs = [TrainingLog([kind(folder) for kind in kinds]) for _, folder in runs]
    first, _ = runs[0]
    choose_device(options["device"], options["gpu"])
    occupied = overwrite or options["resume"]
    for recipe, folder in runs:
        check_run(recipe, RunFolder(folder), kernels=options["kernels"], occupied=occupied)
    with download_bar() as on_progress:
        dataset = load_for(first, on_progress)
    for note in take_for(first, dataset).notes:
        echo(f"note: {note}")
    records = []
    with listening_for_stop() as stop, ProgressBar(console(quiet=options["quiet"])) as bar:
        for (recipe, folder), log in zip(runs, logs, strict=True):
            with log:
                trained = train(
                    recipe,
                    dataset,
                    seed=options["seed"],
                    folder=folder,
                    resume=options["resume"],
                    overwrite=overwrite,
                    on_event=both(bar, log),
                    should_stop=stop,
                    **asdict(run_options(options)),
                )
            if trained is None:
                break
            records.append(trained.record)
    if len(records) < len(runs):
        warn("run the same command with --resume to continue")
        raise SystemExit(stop.exit_status)
    return records
