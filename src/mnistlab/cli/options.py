"""Options that several commands share, and what becomes of them."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mnistlab.cli.completion import datasets
from mnistlab.cli.path_types import NAME, Place
from mnistlab.errors import RecipeError
from mnistlab.text import shorten

if TYPE_CHECKING:
    from mnistlab.recipe import Recipe

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--batch-size", "--batch_size", type=int, help="Images per step.  [the recipe's: 128]"
    ),
    click.option(
        "--epochs",
        "--num-epochs",
        "--num_epochs",
        type=int,
        help="Passes over the images.  [the recipe's: 50]",
    ),
    click.option(
        "--data",
        type=NAME,
        shell_complete=datasets,
        help="A known data set's name, a folder or a file.  [the recipe's: mnist]",
    ),
    click.option(
        "--train-limit", type=int, help="Training images used, drawn once.  [the recipe's: 0, all]"
    ),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Decides all random draws.",
    ),
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps."),
    click.option(
        "--gpu",
        "--gpuid",
        type=click.IntRange(min=0),
        help="Number of the CUDA device, where there is one.",
    ),
    click.option(
        "--threads", type=click.IntRange(1, 1024), help="CPU threads to compute on.  [one a core]"
    ),
    click.option(
        "--kernels",
        default="auto",
        show_default=True,
        help="auto: the fast layers where they fit; torch: plain PyTorch.",
    ),
    click.option(
        "--out",
        type=Place(file_okay=False),
        default=".",
        show_default=True,
        help="Folder for results.",
    ),
    click.option("--resume", is_flag=True, help="Go on with what is there, if anything."),
    click.option("--quiet", "-q", is_flag=True, help="Show no progress."),
)


def training_options(command: Command) -> Command:
    """Give a command the options of training; the course's underscore spellings work as well."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def resolve_recipe(name: str) -> "Recipe":
    """Turn what the user wrote into a recipe: a built-in's name, a TOML file, or a model of the
    user's own.

    Raises:
        RecipeError: none of these; the message says what there is.
    """
    from mnistlab.recipe import Recipe, built_in, read_recipe

    if name.endswith(".toml"):
        return read_recipe(Path(name))
    if name.endswith(".py") and Path(name).is_file():
        raise RecipeError(
            f"{name}: name the function in it that builds the model, too, for example {name}:build"
        )
    if ":" in name:
        stem = Path(name.rpartition(":")[0]).name.removesuffix(".py")
        label = "".join(letter if letter.isalnum() or letter in "_.-" else "_" for letter in stem)
        return Recipe(name=label.lstrip(".-") or "own_model", model=name)
    return built_in(name)


def change_recipe(recipe: "Recipe", settings: tuple[str, ...] = (), **changes: Any) -> "Recipe":
    """Apply the options that were given (those not ``None``), then ``key=value`` settings.

    Raises:
        RecipeError: a setting is not ``key=value``, or the recipe refuses it.
    """
    values = {key: value for key, value in changes.items() if value is not None}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise RecipeError(
                f"{shorten(setting)}: write a setting as key=value, for example dropout=0.3"
            )
        values[key.strip()] = _toml_value(text.strip())
    return recipe.replace(**values)


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    # Numbers of thousands of digits are a ValueError, lists within lists without end a
    # RecursionError.
    except (ValueError, RecursionError):
        return text
