"""Recipes: the one description of a training run, from which everything else follows."""

from mnistlab.recipe.ablation import ablate, regularisers
from mnistlab.recipe.built_in_recipes import BUILT_IN, DISPLAY_NAMES, built_in
from mnistlab.recipe.code import read_code
from mnistlab.recipe.file import beside, read_recipe, read_toml, to_toml
from mnistlab.recipe.model_input import ModelInput
from mnistlab.recipe.recipe import TABLES, Recipe, allowed
from mnistlab.recipe.resolve import resolve_recipe
from mnistlab.recipe.source import Source, read_definitions, read_source
from mnistlab.recipe.tested import TESTED_IMAGES, TESTED_SET, TestedOn, tested_on

__all__ = [
    "BUILT_IN",
    "DISPLAY_NAMES",
    "TABLES",
    "TESTED_IMAGES",
    "TESTED_SET",
    "ModelInput",
    "Recipe",
    "Source",
    "TestedOn",
    "ablate",
    "allowed",
    "beside",
    "built_in",
    "read_code",
    "read_definitions",
    "read_recipe",
    "read_source",
    "read_toml",
    "regularisers",
    "resolve_recipe",
    "tested_on",
    "to_toml",
]
