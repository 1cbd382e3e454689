"""``mnistlab train``: one recipe, one seed."""

from pathlib import Path
from typing import Any

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.log_options import log_options
from mnistlab.cli.options import changed_recipe, set_option, training_options, weight_options
from mnistlab.cli.output import echo, echo_json, json_option, warn
from mnistlab.cli.path_types import NAME, Place
from mnistlab.cli.reader_training import READER, train_reader_networks


@click.command(short_help="Train a recipe, with checkpoints.")
@click.argument("recipe", type=NAME, shell_complete=recipes)
@click.option("--run", type=Place(file_okay=False), help="Folder of the run.  [OUT/runs/NAME]")
@set_option
@weight_options
@click.option("--overwrite", is_flag=True, help="Start over, whatever the run's folder holds.")
@log_options
@training_options
@json_option
def train(recipe: str, run: Path | None, *, overwrite: bool, **options: Any) -> None:
    """Train RECIPE: a built-in one (`mnistlab recipe list`), a .toml file, or your own model as
    path/to/file.py:build.

    Writes record.json, history.csv, model.safetensors, test_logits.npy and curves.png into the
    run's folder. Ctrl-C stops it with a checkpoint, and --resume then continues to exactly the same
    result.

    RECIPE `reader` trains the networks that read pictures, on rendered pages, for some hours;
    --init names a reader.bin whose detector is kept, or trained on for --set steps=N.
    """
    if overwrite and options["resume"]:
        raise click.UsageError("--resume continues, --overwrite starts over: give one of them")
    if recipe == READER:
        train_reader_networks(run, options, overwrite=overwrite)
        return
    chosen = changed_recipe(recipe, options)
    from mnistlab.cli.session import train_all
    from mnistlab.errors import RunError
    from mnistlab.report.canvas import png
    from mnistlab.report.run_plots import learning_curves
    from mnistlab.runs import run_name, write_atomically

    folder = run or options["out"] / "runs" / run_name(chosen, options["seed"])
    if options["resume"] and not folder.exists():
        warn(f"note: nothing to resume in {folder}: training starts from the beginning")
    (record,) = train_all([(chosen, folder)], options, overwrite=overwrite)
    try:
        write_atomically(folder / "curves.png", png(learning_curves(record)))
    except OSError as error:
        raise RunError(f"{folder / 'curves.png'}: cannot be written: {error.strerror}") from error
    echo(f"kept in {folder}")
    echo_json({"folder": str(folder)} | record.model_dump(mode="json", exclude={"predictions"}))
