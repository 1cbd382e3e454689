"""What a run is: the one description from which everything else follows."""

from mnistlab.recipe.ablation import ablate, regularisers
from mnistlab.recipe.catalogue import BUILT_IN, DISPLAY_NAMES, built_in
from mnistlab.recipe.file import read_recipe, read_toml, to_toml
from mnistlab.recipe.recipe import Recipe, allowed
from mnistlab.recipe.source import search_current_folder, source_digest

__all__ = [
    "BUILT_IN",
    "DISPLAY_NAMES",
    "Recipe",
    "ablate",
    "allowed",
    "built_in",
    "read_recipe",
    "read_toml",
    "regularisers",
    "search_current_folder",
    "source_digest",
    "to_toml",
]
