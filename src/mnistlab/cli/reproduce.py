"""``mnistlab reproduce``, and ``main.py``: the course project's command."""

import json
import shutil
from pathlib import Path
from typing import Any

import click

from mnistlab.cli.experiment import command_line
from mnistlab.cli.options import change_recipe, training_options
from mnistlab.cli.output import echo, echo_json, json_option


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    short_help="Both of the course's models, its table and plots.",
)
@training_options
@json_option
def reproduce(out: Path, *, resume: bool, **options: Any) -> None:
    """Train LeNet-5 and CustomMLP, print the table, and write the three plots into OUT/plot.

    Both are trained afresh, unless --resume is given: then what OUT/runs holds is used or gone on
    with.
    """
    changes = {key: options.pop(key) for key in ("batch_size", "epochs", "data", "train_limit")}
    from mnistlab.recipe import built_in

    recipes = [change_recipe(built_in(name), **changes) for name in ("lenet5", "custom_mlp")]
    from mnistlab.cli.session import train_all
    from mnistlab.errors import RunError
    from mnistlab.report import course_table, write_course_report
    from mnistlab.runs import run_name

    runs = [(recipe, out / "runs" / run_name(recipe, options["seed"])) for recipe in recipes]
    lenet5, custom_mlp = train_all(runs, resume=resume, overwrite=not resume, **options)
    try:
        files = write_course_report(lenet5, custom_mlp, out, command_line())
    except OSError as error:
        raise RunError(f"{error.filename or out}: cannot be written: {error.strerror}") from error
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    echo("", *course_table((lenet5, custom_mlp)).text(width).split("\n"))
    echo("One run each: too few to say which is better.", "", *(f"wrote {file}" for file in files))
    echo_json(json.loads((out / "summary.json").read_text(encoding="utf-8")))
