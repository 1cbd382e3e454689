"""Recipes as TOML files."""

import contextlib
import io
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from mnistlab.errors import MnistlabError, RecipeError
from mnistlab.files import open_file
from mnistlab.recipe.recipe import Recipe
from mnistlab.text import to_json

_LONGEST_TEXT = 1 << 20
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PATHS = {"model": "models", "loss": "losses", "optimizer": "optimisers", "init": "weights"}
"""Fields that may name a file: weights, or else Python code."""
_PAIR = re.compile(r"\\ud[89ab]\w\w\\ud[c-f]\w\w")


def read_recipe(path: Path | str) -> Recipe:
    """Read a recipe from a TOML file.

    Args:
        path: the file. The recipe is named after it unless the file gives another name. Where its
            ``model``, ``loss`` or ``optimizer`` is in a Python file, a relative path is relative to
            this file's folder, and so is that of ``init``.

    Raises:
        RecipeError: unreadable, not TOML, or not a recipe; the message starts with the path.

    Examples:
        >>> from pathlib import Path
        >>> from mnistlab import read_recipe
        >>> file = Path("strong_dropout.toml")
        >>> _ = file.write_text("dropout = 0.5")
        >>> recipe = read_recipe(file)
        >>> recipe.name, recipe.dropout, recipe.epochs
        ('strong_dropout', 0.5, 50)
    """
    path = Path(path)
    values = read_toml(path, RecipeError)
    if {"grid", "random"} & values.keys():
        raise RecipeError(f"{path}: is the file of a sweep: mnistlab sweep {path}")
    try:
        values = {key: beside(path, key, value) for key, value in values.items()}
        return Recipe.parse({"name": path.stem} | values)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def beside(file: Path, key: str, value: Any) -> Any:
    """Return a field's value as it reads from the current folder.

    Args:
        file: a recipe or a sweep.
        key: of a field. Only ``model``, ``loss``, ``optimizer`` and ``init`` name files.
        value: as it stands there. Only a relative path of a Python file, or of weights, is changed.

    Raises:
        RecipeError: there is no such file beside ``file``, but one relative to the current folder.
    """
    if key not in _PATHS or not isinstance(value, str):
        return value
    place, colon, function = (value, "", "") if key == "init" else value.rpartition(":")
    if not place or not (key == "init" or place.endswith(".py")):
        return value
    if place.startswith("~") or Path(place).is_absolute():
        return value
    found = os.path.normpath(file.parent / place)
    # A name may be too long for a file, or hold a zero byte; reading the file says so.
    if not os.path.lexists(found) and os.path.lexists(place):
        there = _relative(place, file.parent)
        raise RecipeError(
            f"{key}: there is no file {found}; paths of {_PATHS[key]} are relative to the file that"
            f" names them, so write {there}{colon}{function}"
        )
    return f"{Path(found).as_posix()}{colon}{function}"


def read_toml(path: Path, refusal: type[MnistlabError]) -> dict[str, Any]:
    """Read a TOML file of a few lines.

    Raises:
        MnistlabError: of the kind ``refusal``: unreadable, far too long, or not TOML; the message
            starts with the path.
    """
    try:
        # Editors of Windows begin a file with a mark, which TOML does not know.
        with io.TextIOWrapper(open_file(path), encoding="utf-8-sig") as file:
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


def to_toml(recipe: Recipe, folder: Path | None = None) -> str:
    """Write a recipe as TOML with a comment behind every key.

    Args:
        recipe: what to write.
        folder: where the file goes, which the paths in it become relative to; ``None`` is the
            current folder. :func:`read_recipe` gives the same recipe back.
    """
    if folder and recipe.init:
        recipe = recipe.replace(init=_from(recipe.init, folder))
    for key in _PATHS.keys() - {"init"} if folder else ():
        code, _, function = getattr(recipe, key).rpartition(":")
        if folder and code.endswith(".py"):
            recipe = recipe.replace(**{key: f"{_from(code, folder)}:{function}"})
    lines = [f"{key} = {_value(value)}" for key, value in recipe.model_dump(mode="json").items()]
    width = max(map(len, lines))
    comments = [field.description for field in Recipe.model_fields.values()]
    return "".join(
        f"{line:<{width}}  # {comment}\n" for line, comment in zip(lines, comments, strict=True)
    )


def _from(place: str, folder: Path) -> str:
    """Return a path as it reads from a folder; absolute ones as they are."""
    if place.startswith("~") or Path(place).is_absolute():
        return place
    return _relative(place, folder)


def _relative(code: str, folder: Path) -> str:
    # On another drive there is no way but the whole path.
    with contextlib.suppress(ValueError):
        return Path(os.path.relpath(code, folder)).as_posix()
    return Path(code).absolute().as_posix()


def _value(value: object) -> str:
    if isinstance(value, dict):
        pairs = (f"{_key(name)} = {_value(inner)}" for name, inner in value.items())
        return f"{{{', '.join(pairs)}}}"
    # JSON's strings, numbers, booleans and arrays are written the same way in TOML 1.0, but for
    # pairs of surrogates.
    return _PAIR.sub(_as_in_toml, to_json(value, indent=None))


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _as_in_toml(pair: re.Match[str]) -> str:
    return f"\\U{ord(json.loads(f'{chr(34)}{pair[0]}{chr(34)}')):08x}"
