"""What the commands that train many runs share: their options, the executor, and how they end."""

import contextlib
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mnistlab.cli.completion import datasets
from mnistlab.cli.options import change_recipe, resolve_recipe
from mnistlab.cli.output import console, echo, echo_json, warn
from mnistlab.cli.path_types import NAME, Place
from mnistlab.errors import ExperimentError
from mnistlab.text import is_unicode, printable

if TYPE_CHECKING:
    from mnistlab.experiments import ComparisonResult, Executor, Settings
    from mnistlab.recipe import Recipe

Command = TypeVar("Command", bound=Callable[..., Any])

_MOST_SEEDS = 100_000

_RECIPE_OPTIONS = (
    click.option(
        "--batch-size", "--batch_size", type=int, help="Images per step.  [the recipes': 128]"
    ),
    click.option(
        "--epochs", "--num-epochs", "--num_epochs", type=int, help="Passes over the images."
    ),
    click.option(
        "--data",
        type=NAME,
        shell_complete=datasets,
        help="A known data set's name, a folder or a file.  [the recipes': mnist]",
    ),
    click.option(
        "--train-limit", type=int, help="Training images used, drawn once.  [the recipes': 0, all]"
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a field of every recipe.",
    ),
)


def _utf8(_context: click.Context, _option: click.Parameter, folder: Path | None) -> Path | None:
    if folder is not None and not is_unicode(str(folder)):
        raise click.BadParameter(
            f"{folder} is not UTF-8, which comparison.json is to name it in; rename it"
        )
    return folder


_RUN_OPTIONS = (
    click.option(
        "--runs",
        type=Place(file_okay=False),
        callback=_utf8,
        help="Folder of the runs.  [OUT/runs]",
    ),
    click.option(
        "--workers",
        type=click.IntRange(1, 1024),
        help="Runs side by side on this machine.  [one a core]",
    ),
    click.option(
        "--threads",
        type=click.IntRange(1, 1024),
        default=1,
        show_default=True,
        help="CPU threads a run.",
    ),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        default="auto",
        show_default=True,
        help="Where.",
    ),
    click.option(
        "--kernels",
        type=click.Choice(["auto", "torch"]),
        default="auto",
        show_default=True,
        help="auto: the fast layers; torch: plain PyTorch.",
    ),
    click.option(
        "--executor",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="local: processes on this machine; ray: a Ray cluster.",
    ),
    click.option(
        "--address",
        type=NAME,
        help="Of the Ray cluster: auto, or host:port.  [Ray on this machine]",
    ),
    click.option("--runs-per-task", type=click.IntRange(1), help="Runs in one Ray task.  [1]"),
    click.option(
        "--gpus-per-run", type=click.FloatRange(0, 8), help="Share of a GPU a run, on Ray.  [0]"
    ),
    click.option("--quiet", "-q", is_flag=True, help="Show no progress."),
)


def recipe_options(command: Command) -> Command:
    """Give a command the options that change every recipe."""
    return _with(command, _RECIPE_OPTIONS)


def changed_recipe(name: str, options: Mapping[str, Any]) -> "Recipe":
    """Return the recipe that the user named, with the values of :func:`recipe_options`.

    Raises:
        RecipeError: there is no such recipe, or it refuses a value.
    """
    changes = {key: options[key] for key in ("batch_size", "epochs", "data", "train_limit")}
    return change_recipe(resolve_recipe(name), options["settings"], **changes)


def run_options(command: Command) -> Command:
    """Give a command the options that say where runs are trained and kept."""
    return _with(command, _RUN_OPTIONS)


def _with(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def parse_seeds(text: str) -> list[int]:
    """Read ``20`` as the seeds 0 to 19, ``20-39`` and ``1,4,7`` as they say.

    Raises:
        ExperimentError: none of these.
    """
    text = text.strip()
    parts = text.split(",")
    refusal = ExperimentError(
        f"--seeds {text}: write how many (20), a range (20-39) or a list (1,4,7)"
    )
    if not all(re.fullmatch(r"\d{1,12}(-\d{1,12})?", part) for part in parts):
        raise refusal
    ends = [[int(end) for end in part.split("-")] for part in parts]
    spans = (
        [range(ends[0][0])] if text.isdecimal() else [range(end[0], end[-1] + 1) for end in ends]
    )
    if not 1 <= sum(map(len, spans)) <= _MOST_SEEDS or not all(spans):
        raise refusal
    return sorted({seed for span in spans for seed in span})


def chosen_settings(options: Mapping[str, Any]) -> "Settings":
    """Return what all runs share, from the values of :func:`run_options`."""
    from mnistlab.experiments import Settings

    return Settings(
        device=options["device"], kernels=options["kernels"], threads=options["threads"]
    )


def chosen_executor(options: Mapping[str, Any]) -> "Executor":
    """Return what trains the runs, from the values of :func:`run_options`.

    Raises:
        ExperimentError: options that do not go together, or Ray is not installed.
    """
    if options["executor"] == "ray":
        from mnistlab.experiments.ray_executor import RayExecutor

        if options["workers"]:
            raise ExperimentError(
                "--workers is for this machine; on Ray the cluster's cores decide"
            )
        return RayExecutor(
            options["address"], options["runs_per_task"] or 1, options["gpus_per_run"] or 0.0
        )
    if options["runs_per_task"] or options["gpus_per_run"]:
        raise ExperimentError(
            "--runs-per-task and --gpus-per-run are for a Ray cluster: give --executor ray as well"
        )
    if options["address"]:
        raise ExperimentError("--address names a Ray cluster: give --executor ray as well")
    from mnistlab.experiments import LocalExecutor

    return LocalExecutor(options["workers"], cuda=options["device"] == "cuda")


@contextlib.contextmanager
def watched(out: Path, *, quiet: bool) -> Iterator[dict[str, Any]]:
    """Draw progress and heed signals around an experiment; yields the arguments that it takes for
    that.

    Raises:
        SystemExit: a signal asked to stop; what was done is kept.
    """
    from mnistlab.cli.experiment_view import ExperimentView
    from mnistlab.cli.stopping import listening_for_stop

    with listening_for_stop() as stop, ExperimentView(console(quiet=quiet)) as view:
        yield {"on_event": view, "should_stop": stop, "command": command_line()}
    if stop():
        warn(f"stopped; the same command goes on from what {out} holds")
        raise SystemExit(stop.exit_status)


def command_line() -> str:
    """Return the command that the user gave, to be noted in reports, in one printable line."""
    program = ["python", "main.py"] if Path(sys.argv[0]).name == "main.py" else ["mnistlab"]
    return printable(shlex.join([*program, *sys.argv[1:]]))


def show(result: "ComparisonResult", files: list[Path], summary: str = "summary.json") -> None:
    """Print a study's verdict, tables and files, and give its summary; exit with status 1 if runs
    failed.
    """
    import shutil

    width = shutil.get_terminal_size((100, 24)).columns
    echo("", *result.table("short").text(width).split("\n"))
    echo(*(f"{sentence}." for sentence in (result.verdict, *result.comparison.remarks)))
    warn(*(f"failed: {failure}" for failure in result.failures))
    page, archive = files[0], files[-1]
    echo("", f"wrote {page}, {archive.name} and {len(files) - 2} more files beside it")
    echo_summary(files, summary)
    if result.failures:
        raise SystemExit(1)


def echo_summary(files: list[Path], name: str) -> None:
    """Give what was written into the file of that name."""
    (summary,) = (file for file in files if file.name == name)
    echo_json(json.loads(summary.read_text(encoding="utf-8")))
