"""``mnistlab reproduce``, and ``main.py``: the course project's command."""

import json
from pathlib import Path
from typing import Any

import click

from mnistlab.cli.log_options import log_options
from mnistlab.cli.options import changed_recipe, training_options
from mnistlab.cli.output import command_line, echo, echo_json, json_option, terminal_width


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    short_help="Both of the course's models, its table and plots.",
)
@log_options
@training_options
@json_option
def reproduce(**options: Any) -> None:
    """Train LeNet-5 and CustomMLP, print the table, and write the three plots into OUT/plot.

    Both are trained anew, unless --resume is given: then finished runs in OUT/runs are used, and
    unfinished ones resumed.
    """
    recipes = [changed_recipe(name, options) for name in ("lenet5", "custom_mlp")]
    from mnistlab.cli.session import train_all
    from mnistlab.errors import RunError
    from mnistlab.report import course_table, write_course_report
    from mnistlab.runs import run_name

    out: Path = options["out"]
    runs = [(recipe, out / "runs" / run_name(recipe, options["seed"])) for recipe in recipes]
    lenet5, custom_mlp = train_all(runs, options, overwrite=not options["resume"])
    try:
        files = write_course_report(lenet5, custom_mlp, out, command_line())
    except OSError as error:
        raise RunError(f"{error.filename or out}: cannot be written: {error.strerror}") from error
    width = min(100, terminal_width())
    echo("", *course_table((lenet5, custom_mlp)).text(width).split("\n"))
    echo("One run each: too few to say which is better.", "", *(f"wrote {file}" for file in files))
    echo_json(json.loads((out / "summary.json").read_text(encoding="utf-8")))
