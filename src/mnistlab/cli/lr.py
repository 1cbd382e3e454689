"""``mnistlab lr``: a learning rate for a recipe, suggested by a range test."""

from pathlib import Path
from typing import Any

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.options import (
    changed_recipe,
    field_options,
    out_option,
    place_options,
    run_options,
    set_option,
    weight_options,
)
from mnistlab.cli.output import command_line, echo, echo_json, json_option
from mnistlab.cli.path_types import NAME
from mnistlab.text import counted


@click.command(short_help="Suggest a learning rate for a recipe.")
@click.argument("recipe", type=NAME, shell_complete=recipes)
@click.option(
    "--from", "start", type=float, default=1e-7, show_default=True, help="The lowest rate."
)
@click.option("--to", "stop", type=float, default=10.0, show_default=True, help="The highest rate.")
@click.option(
    "--steps",
    type=int,
    default=200,
    show_default=True,
    help="Batches to train on; where an epoch has fewer, further epochs follow.",
)
@set_option
@weight_options
@field_options
@place_options
@out_option("lr")
@json_option
def lr(
    recipe: str, out: Path, *, start: float, stop: float, steps: int, seed: int, **options: Any
) -> None:
    """Train RECIPE for a few seconds while the learning rate rises, and suggest the rate at which
    the loss falls most steeply.

    RECIPE is what `mnistlab train` takes. No test image is looked at, and no run is kept. Writes
    learning_rate.png, learning_rate.csv and learning_rate.json into OUT.
    """
    from dataclasses import asdict, replace

    from mnistlab.cli.screen import download_bar
    from mnistlab.cli.stopping import listening_for_stop
    from mnistlab.data.loading import load_for, take_for
    from mnistlab.experiments import find_learning_rate

    chosen = changed_recipe(recipe, options)
    from mnistlab.training import check_run

    check_run(chosen, None, kernels=options["kernels"])
    with download_bar() as on_progress:
        dataset = load_for(chosen, on_progress)
    notes = take_for(chosen, dataset).notes
    with listening_for_stop() as stopped:
        result = find_learning_rate(
            chosen,
            dataset,
            start=start,
            stop=stop,
            steps=steps,
            seed=seed,
            should_stop=stopped,
            command=command_line(),
            **asdict(run_options(options)),
        )
    if result is None:
        raise SystemExit(stopped.exit_status)
    result = replace(result, notes=(*notes, *result.notes))
    echo(*(f"note: {note}" for note in result.notes))
    plot, *others = result.write(out)
    echo(f"{result.verdict}.", f"wrote {plot} and {counted(len(others), 'more file')} beside it")
    echo_json(result.as_dict())
