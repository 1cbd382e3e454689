"""Recipes as TOML files."""

import io
import json
import re
import tomllib
from pathlib import Path
from typing import Any

from mnistlab.errors import MnistlabError, RecipeError
from mnistlab.files import open_file
from mnistlab.recipe.recipe import Recipe
from mnistlab.text import to_json

_LONGEST_TEXT = 1 << 20
_PAIR = re.compile(r"\\ud[89ab]\w\w\\ud[c-f]\w\w")


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; its name is the file's unless the file says otherwise.

    Raises:
        RecipeError: unreadable, not TOML, or not a recipe; the message starts with the path.
    """
    values = read_toml(path, RecipeError)
    if {"grid", "random"} & values.keys():
        raise RecipeError(f"{path}: is the file of a sweep: mnistlab sweep {path}")
    try:
        return Recipe.parse({"name": path.stem} | values)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def read_toml(path: Path, refusal: type[MnistlabError]) -> dict[str, Any]:
    """Read a TOML file of a few lines.

    Raises:
        MnistlabError: of the kind ``refusal``: unreadable, far too long, or not TOML; the message
            starts with the path.
    """
    try:
        with io.TextIOWrapper(open_file(path), encoding="utf-8") as file:
            text = file.read(_LONGEST_TEXT + 1)
        if len(text) > _LONGEST_TEXT:
            raise refusal(f"{path}: more than {_LONGEST_TEXT:,} characters; a few lines are enough")
        return tomllib.loads(text)
    except OSError as error:
        raise refusal(f"{path}: cannot be read: {error.strerror or error}") from error
    # Numbers of thousands of digits are a ValueError, lists within lists without end a
    # RecursionError.
    except (ValueError, RecursionError) as error:
        raise refusal(f"{path}: cannot be read as TOML: {error}") from error


def to_toml(recipe: Recipe) -> str:
    """Write a recipe as TOML with a comment behind every key; :func:`read_recipe` gives the same
    recipe back.
    """
    lines = [f"{key} = {_value(value)}" for key, value in recipe.model_dump(mode="json").items()]
    width = max(map(len, lines))
    comments = [field.description for field in Recipe.model_fields.values()]
    return "".join(
        f"{line:<{width}}  # {comment}\n" for line, comment in zip(lines, comments, strict=True)
    )


def _value(value: object) -> str:
    # JSON's strings, numbers, booleans and arrays are written the same way in TOML 1.0, but for
    # pairs of surrogates.
    return _PAIR.sub(_as_in_toml, to_json(value, indent=None))


def _as_in_toml(pair: re.Match[str]) -> str:
    return f"\\U{ord(json.loads(f'{chr(34)}{pair[0]}{chr(34)}')):08x}"
