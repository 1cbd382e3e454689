"""Grid: which candidates a sweep tries, from a TOML file: every combination of values, or random
samples.
"""

import itertools
import json
import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mnistlab.errors import ExperimentError, RecipeError, did_you_mean
from mnistlab.recipe import TABLES, Recipe, beside, read_toml, resolve_recipe
from mnistlab.text import shown

_MOST = 100_000
_REMEDIES = {
    "name": "leave it out",
    "validation": "give it at the top of the file",
    "data": "give it under [set]",
    "train_limit": "give it under [set]",
    "folds": "leave it out, since a sweep has validation",
    "fold": "leave it out, since a sweep has validation",
}
_LONGEST = 80
_ALTERNATIVES = ("int", "float", "Span")
_NEEDED = {
    "list_type": "a list of values, such as [0.1, 0.2]",
    "dict_type": "a table",
    "model_type": "a list of values, or a range such as {low = 0.1, high = 1}",
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
}
"""What is wanted in a sweep's own words, by pydantic's name of the mistake."""
Values = list[Any]


class Span(BaseModel):
    """A range to draw from, uniformly or log-uniformly; whole numbers if both ends are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: int | float = Field(ge=-1e12, le=1e12)
    high: int | float = Field(ge=-1e12, le=1e12)
    log: bool = False

    @model_validator(mode="after")
    def _ascends(self) -> "Span":
        if not self.low < self.high:
            raise ValueError(f"low must be below high; found {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low must be above 0 where log = true; found {self.low}")
        return self

    def draw(self, random: np.random.Generator) -> int | float:
        """Draw one value."""
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        # The last whole number is as likely as the others.
        low, high = float(self.low), float(self.high) + whole
        value = (
            math.exp(random.uniform(math.log(low), math.log(high)))
            if self.log
            else random.uniform(low, high)
        )
        return min(math.floor(value), int(self.high)) if whole else float(f"{value:.4g}")


class RandomSample(BaseModel):
    """Candidates drawn at random: of each field a span to draw from, or a list to choose from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int = Field(ge=1, le=_MOST)
    seed: int = Field(0, ge=0)
    fields: dict[str, Span | Annotated[Values, Field(min_length=1)]] = Field(min_length=1)

    @field_validator("fields", mode="before")
    @classmethod
    def _flatten_fields(cls, fields: object) -> object:
        return _flatten(fields)


class Grid(BaseModel):
    """The content of a sweep's file.

    Attributes:
        recipe: what to start from, as ``mnistlab train`` takes it.
        seeds: runs of each candidate, seeds from 0.
        validation: training images held out to choose by.
        final_seeds: runs of the chosen candidate on all training images.
        set: fields that all candidates share.
        grid: fields and their values, tried in every combination.
        random: fields and where to draw them from, instead of ``grid``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = "lenet5"
    seeds: int = Field(3, ge=1, le=1000)
    validation: int = Field(10_000, ge=1)
    final_seeds: int = Field(10, ge=1, le=1000)
    set: dict[str, Any] = {}
    grid: dict[str, Values] = {}
    random: RandomSample | None = None
    format: Literal[1] = 1

    @field_validator("grid", mode="before")
    @classmethod
    def _flatten_grid(cls, fields: object) -> object:
        return _flatten(fields)

    @model_validator(mode="after")
    def _has_candidates(self) -> "Grid":
        if bool(self.grid) == bool(self.random):
            raise ValueError("give [grid] or [random], one of them")
        varied = {*self.grid, *(self.random.fields if self.random else ())}
        for key in _REMEDIES:
            if key in varied or (key in self.set and key not in ("data", "train_limit")):
                raise ValueError(f"{key}: the same for all candidates; {_REMEDIES[key]}")
        if both := varied & self.set.keys():
            raise ValueError(f"{min(both)}: varied, and in [set] as well; leave out one of them")
        if empty := [key for key, values in self.grid.items() if not values]:
            raise ValueError(f"[grid]: {empty[0]}: a field without values")
        if math.prod(map(len, self.grid.values())) > _MOST:
            raise ValueError(f"[grid]: more than {_MOST:,} combinations; draw some with [random]")
        return self

    def base(self) -> Recipe:
        """Return the recipe that all candidates are made of.

        Raises:
            RecipeError: there is no such recipe, or an unknown field or an impossible value.
        """
        return resolve_recipe(self.recipe, **self.set, validation=self.validation)

    def candidates(self) -> list[Recipe]:
        """Return the recipes to try, each named after what sets it apart, none twice.

        Raises:
            RecipeError: as :meth:`base`.
        """
        base = self.base()
        found: dict[Recipe, Recipe] = {}
        for changes in self._changes():
            candidate = base.replace(**changes)
            candidate = candidate.replace(name=_name(describe(candidate, self.fields)))
            found.setdefault(candidate.replace(name=base.name), candidate)
        return list(found.values())

    def _changes(self) -> list[dict[str, Any]]:
        if self.random is None:
            return [
                dict(zip(self.grid, values, strict=True))
                for values in itertools.product(*self.grid.values())
            ]
        random = np.random.default_rng(self.random.seed)
        return [
            {name: _draw(source, random) for name, source in self.random.fields.items()}
            for _ in range(self.random.samples)
        ]

    @property
    def fields(self) -> list[str]:
        """The fields in which candidates differ."""
        return list(self.random.fields if self.random else self.grid)


def read_grid(path: Path | str) -> Grid:
    """Read a sweep's file.

    Args:
        path: the file. In it, a relative path of a ``.toml`` file or of a model's Python file is
            relative to the file's folder, and so is that of ``init``.

    Raises:
        ExperimentError: unreadable, not TOML, or not a sweep; the message starts with the path.
        RecipeError: a candidate has an unknown field or an impossible value; likewise.
    """
    path = Path(path)
    values = read_toml(path, ExperimentError)
    if values.keys() & (Recipe.model_fields.keys() - Grid.model_fields.keys()):
        raise ExperimentError(f"{path}: is a recipe and no sweep: mnistlab train {path}")
    try:
        grid = Grid.model_validate(values)
    except ValidationError as error:
        raise ExperimentError(f"{path}: {' '.join(_describe(error).split())}") from None
    try:
        grid = _beside(grid, path)
        # A mistake shows before the first run, with the file's name.
        grid.candidates()
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None
    return grid


def _beside(grid: Grid, file: Path) -> Grid:
    """Return a grid whose recipe and code are named as from the current folder."""

    def each(key: str, values: Values) -> Values:
        return [beside(file, key, value) for value in values]

    recipe, random = beside(file, "model", grid.recipe), grid.random
    if recipe.endswith(".toml") and not recipe.startswith("~"):
        recipe = str(file.parent / recipe)
    if random:
        choices = {
            key: each(key, source) if isinstance(source, list) else source
            for key, source in random.fields.items()
        }
        random = random.model_copy(update={"fields": choices})
    return grid.model_copy(
        update={
            "recipe": recipe,
            "set": {key: beside(file, key, value) for key, value in grid.set.items()},
            "grid": {key: each(key, values) for key, values in grid.grid.items()},
            "random": random,
        }
    )


def describe(recipe: Recipe, fields: list[str]) -> str:
    """Return what sets a candidate apart, for example ``dropout=0.3 learning_rate=0.01``."""
    return " ".join(f"{field}={json.dumps(recipe.value(field))}" for field in fields)


def _flatten(fields: object) -> object:
    """Return ``optimizer_options.eps`` as one field, which TOML reads as a table in a table."""
    if not isinstance(fields, dict):
        return fields
    flat: dict[str, Any] = {}
    for key, value in fields.items():
        if key in TABLES and isinstance(value, dict):
            flat |= {f"{key}.{name}": values for name, values in value.items()}
        else:
            flat[key] = value
    return flat


def _name(description: str) -> str:
    """Turn a description into a name that files may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", description.replace("=", "_")).strip("-.")[:_LONGEST]


def _draw(source: Span | Values, random: np.random.Generator) -> Any:
    return (
        source.draw(random)
        if isinstance(source, Span)
        else source[int(random.integers(len(source)))]
    )


def _describe(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    # What is left out names pydantic's alternatives, not keys of the file.
    place = ".".join(
        str(part) for part in problem["loc"] if part not in _ALTERNATIVES and "[" not in str(part)
    )
    if problem["type"] == "extra_forbidden":
        table = problem["loc"][-2] if len(problem["loc"]) > 1 else ""
        known: type[BaseModel] = (
            Span if table == "Span" else RandomSample if table == "random" else Grid
        )
        keys = known.model_fields
        hint = did_you_mean(str(problem["loc"][-1]), keys) or f"known keys: {', '.join(keys)}"
        return f"{place}: unknown key; {hint}"
    message = problem["msg"].removeprefix("Value error, ")
    if message.startswith("Input should be"):
        needed = _NEEDED.get(problem["type"], message.removeprefix("Input should be "))
        message = f"must be {needed}; found {shown(problem['input'])}"
    return f"{place}: {message}" if place else message
