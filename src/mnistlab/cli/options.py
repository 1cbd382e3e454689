"""Options that several commands take, each defined once, and the values that they stand for."""

import re
import tomllib
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from mnistlab.cli.completion import datasets
from mnistlab.cli.path_types import NAME, Place
from mnistlab.errors import ExperimentError, RecipeError
from mnistlab.text import is_unicode, shorten

if TYPE_CHECKING:
    from mnistlab.recipe import Recipe
    from mnistlab.runs import RunOptions

Command = TypeVar("Command", bound=Callable[..., Any])


class Decorator(Protocol):
    """Gives a command an option."""

    def __call__(self, command: Command, /) -> Command:
        """Return the command with it."""


_MOST_SEEDS = 100_000
_RECIPE_FIELDS = ("batch_size", "epochs", "data", "train_limit", "folds", "init", "freeze")


def probability(
    _context: click.Context, _option: click.Parameter, value: float | None
) -> float | None:
    """Refuse what is no probability."""
    if value is not None and not 0 <= value <= 1:
        raise click.BadParameter(f"{value:g} is not a probability, from 0 to 1.")
    return value


def _utf8(_context: click.Context, _option: click.Parameter, folder: Path | None) -> Path | None:
    if folder is not None and not is_unicode(str(folder)):
        raise click.BadParameter(
            f"{folder} is not UTF-8, and comparison.json has to name it; rename it"
        )
    return folder


def data_option(default: str) -> Decorator:
    """Return ``--data``; ``default`` says what is used without it."""
    return click.option(
        "--data",
        type=NAME,
        shell_complete=datasets,
        help=f"Data set: a known name, a folder or a file.  [{default}]",
    )


def threads_option(default: int | None = None) -> Decorator:
    """Return ``--threads``; without a default it is one per core."""
    return click.option(
        "--threads",
        type=click.IntRange(1, 1024),
        default=default,
        help=f"CPU threads per run.  [{default or 'one per core'}]",
    )


def out_option(default: str) -> Decorator:
    """Return ``--out``, the folder for a command's results."""
    return click.option(
        "--out",
        type=Place(file_okay=False),
        default=default,
        show_default=True,
        help="Folder to write the results to.",
    )


def seeds_option(default: int, *, shown: bool = True) -> Decorator:
    """Return ``--seeds``; unless ``shown``, its value is ``None`` where it is left out."""
    return click.option(
        "--seeds",
        default=str(default) if shown else None,
        help=f"Number of seeds, from 0, or which: 20-39, or 1,4,7.  [{default}]",
    )


def together(*options: Decorator) -> Decorator:
    """Return one decorator that gives a command several options, in their order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


skip_damaged_option = click.option(
    "--skip-damaged", is_flag=True, help="Leave damaged pictures out instead of stopping."
)
reading_options = together(
    click.option(
        "--size",
        type=click.IntRange(8, 512),
        help="Side in pixels to which pictures of different sizes are brought.  [32]",
    ),
    click.option(
        "--fit",
        type=click.Choice(["pad", "resize", "crop"]),
        default="pad",
        show_default=True,
        help="How they are: framed, stretched, or cut.",
    ),
    click.option(
        "--group",
        default="",
        help=(
            "What tells from a file's name which images stay together: a separator, or a regular"
            " expression with parentheses."
        ),
    ),
    skip_damaged_option,
)


def reading(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :data:`reading_options` say, as :func:`mnistlab.load_dataset` takes it."""
    return {key: options[key] for key in ("size", "fit", "group", "skip_damaged")}


split_option = click.option(
    "--split",
    type=click.Choice(["test", "train"]),
    default="test",
    show_default=True,
    help="Images to classify.",
)
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a field of the recipe, such as dropout=0.5 or build.width=32; repeatable.",
)
threshold_option = click.option(
    "--threshold",
    type=float,
    metavar="P",
    callback=probability,
    help="Probability below which a character is marked as unsure.  [0.9]",
)
quiet_option = click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
margin_option = click.option(
    "--margin",
    type=click.FloatRange(0, 100, min_open=True),
    help=(
        "Difference, in points of the metric, within which recipes count as equivalent; choose it"
        " before you see results.  [0.1]"
    ),
)
metric_option = click.option(
    "--metric",
    type=click.Choice(["accuracy", "macro_f1", "balanced_accuracy"]),
    default="accuracy",
    show_default=True,
    help=(
        "Figure that decides; the others count each class alike, however few images it has. Choose"
        " it before you see results."
    ),
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Device to train on.",
)
kernels_option = click.option(
    "--kernels",
    type=click.Choice(["auto", "torch"]),
    default="auto",
    show_default=True,
    help="auto: the native kernels where the model has them; torch: plain PyTorch.",
)


# The course's underscore spellings work as well.
field_options = together(
    click.option(
        "--batch-size", "--batch_size", type=int, help="Images per step.  [the recipe's: 128]"
    ),
    click.option(
        "--epochs",
        "--num-epochs",
        "--num_epochs",
        type=int,
        help="Passes over the training images.  [the recipe's: 50]",
    ),
    data_option("the recipe's: mnist"),
    click.option(
        "--train-limit",
        type=int,
        help="Training images to use, drawn once at random; 0 is all.  [the recipe's: 0]",
    ),
)
place_options = together(
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Seed of all random draws.",
    ),
    device_option,
    click.option("--gpu", "--gpuid", type=click.IntRange(min=0), help="Number of the CUDA device."),
    threads_option(),
    kernels_option,
)
training_options = together(
    field_options,
    place_options,
    out_option("."),
    click.option(
        "--resume",
        is_flag=True,
        help=(
            "Resume the run that the folder holds, if any; with more --epochs than a finished one"
            " has, train it further."
        ),
    ),
    quiet_option,
)
recipe_options = together(field_options, set_option)
weight_options = together(
    click.option(
        "--init",
        type=NAME,
        help="Weights to start from: a run's folder or a .safetensors file.  [the recipe's: none]",
    ),
    click.option(
        "--freeze",
        multiple=True,
        metavar="PATTERN",
        help="Do not train these parameters, as in --freeze 'conv*'; repeatable.",
    ),
)
folds_option = click.option(
    "--folds",
    type=click.IntRange(2, 100),
    help=(
        "Cross-validate: each seed trains as many runs, each tested on another part of the training"
        " images.  [the recipe's: none]"
    ),
)
experiment_options = together(
    click.option(
        "--runs",
        type=Place(file_okay=False),
        callback=_utf8,
        help="Folder that keeps the runs.  [OUT/runs]",
    ),
    click.option(
        "--workers",
        type=click.IntRange(1, 1024),
        help="Runs side by side on this machine.  [one per core]",
    ),
    threads_option(1),
    device_option,
    kernels_option,
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
        help="Address of the Ray cluster: auto, or host:port.  [Ray on this machine]",
    ),
    click.option("--runs-per-task", type=click.IntRange(1), help="Runs per Ray task.  [1]"),
    click.option(
        "--gpus-per-run",
        type=click.FloatRange(0, 8),
        help="GPUs per run on Ray, such as 0.25.  [0]",
    ),
    quiet_option,
)


def changed_recipe(name: str, options: Mapping[str, Any]) -> "Recipe":
    """Return the recipe that the user named, changed as :data:`recipe_options` say.

    Raises:
        RecipeError: there is no such recipe, a setting is not ``KEY=VALUE``, one is given twice, or
            the recipe refuses a value.
    """
    from mnistlab.recipe import resolve_recipe

    changes = {key: options[key] for key in _RECIPE_FIELDS if options.get(key) not in (None, ())}
    for setting in options.get("settings", ()):
        key, equals, text = setting.partition("=")
        if not equals:
            raise RecipeError(
                f"{shorten(setting)}: write a setting as key=value, for example dropout=0.3"
            )
        key, value = key.strip(), _toml_value(text.strip())
        if changes.setdefault(key, value) != value:
            raise RecipeError(
                f"{shorten(key)}: given twice, as {shorten(str(changes[key]))} and as"
                f" {shorten(str(value))}; give it once"
            )
    return resolve_recipe(name, **changes)


def run_options(options: Mapping[str, Any]) -> "RunOptions":
    """Return where and how each run is trained."""
    from mnistlab.runs import RunOptions

    return RunOptions(
        device=options["device"],
        gpu=options.get("gpu"),
        threads=options["threads"],
        kernels=options["kernels"],
    )


def parse_seeds(text: str) -> list[int]:
    """Read ``20`` as the seeds 0 to 19, ``20-39`` and ``1,4,7`` as they say.

    Raises:
        ExperimentError: none of these, or a seed twice.
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
    seeds = sorted(seed for span in spans for seed in span)
    twice = next((one for one, other in pairwise(seeds) if one == other), None)
    if twice is not None:
        raise ExperimentError(f"--seeds {text}: names seed {twice} twice; name each once")
    return seeds


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    # Numbers of thousands of digits are a ValueError, lists within lists without end a
    # RecursionError.
    except (ValueError, RecursionError):
        return text
