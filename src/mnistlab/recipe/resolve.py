"""What a user calls a recipe, in Python or on the command line, made one."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.errors import RecipeError
from mnistlab.recipe.built_in_recipes import built_in
from mnistlab.recipe.file import read_recipe
from mnistlab.recipe.recipe import Recipe
from mnistlab.recipe.source import read_definitions


def resolve_recipe(recipe: Recipe | Path | str, **changes: Any) -> Recipe:
    """Return the recipe that is meant, with some fields changed.

    Args:
        recipe: a recipe; a built-in one's name; a ``.toml`` file; or a model of your own,
            ``path/to/file.py:build`` or ``package.module:build``, with every other field at its
            default.
        changes: fields of the recipe and their new values, which may be paths or NumPy's numbers.

    Raises:
        RecipeError: none of these, or a field that does not exist or refuses its value.
    """
    changes = {field: _plain(value) for field, value in changes.items()}
    if not isinstance(data := changes.get("data", ""), str):
        raise RecipeError(
            "data: must be a known data set's name, a folder or a file, which every run reads by"
            f" itself; found {type(data).__name__}; only `train` and `evaluate` take one in memory"
        )
    if isinstance(recipe, Recipe):
        return recipe.replace(**changes) if changes else recipe
    if not isinstance(recipe, str | Path):
        raise RecipeError(
            f"a recipe is a Recipe, the name of a built-in one, a .toml file or"
            f" path/to/file.py:build; found {recipe!r}"
        )
    found = _named(str(recipe))
    return found.replace(**changes) if changes else found


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value


def _named(name: str) -> Recipe:
    if name.endswith(".toml"):
        return read_recipe(name)
    if name.endswith(".py") and Path(name).is_file():
        raise RecipeError(
            f"{name}: name the function in it that builds the model, too, for example"
            f" {name}:{_example(Path(name))}"
        )
    if ":" in name:
        code, _, function = name.rpartition(":")
        stem = Path(code).name.removesuffix(".py")
        # A file may have several models, which are compared by name.
        stem = stem if function == "build" else f"{stem}_{function}"
        label = "".join(letter if letter.isalnum() or letter in "_.-" else "_" for letter in stem)
        return Recipe(name=label.lstrip(".-") or "own_model", model=name)
    return built_in(name)


def _example(file: Path) -> str:
    """Return what a file defines that may build a model."""
    with suppress(OSError, SyntaxError, ValueError):
        names = read_definitions(file.read_bytes())
        if names and "build" not in names:
            return names[-1]
    return "build"
