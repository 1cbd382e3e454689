"""``mnistlab recipe``: see the recipes there are, and start one of your own."""

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.options import resolve_recipe
from mnistlab.cli.telling import give, json_option, tell


@click.group()
def recipe() -> None:
    """Show recipes."""


@recipe.command("list")
@json_option
def list_recipes() -> None:
    """List the built-in recipes and what sets them apart."""
    from mnistlab.recipe import BUILT_IN, Recipe

    plain = Recipe().model_dump()
    for name, known in BUILT_IN.items():
        changed = {key: value for key, value in known.model_dump().items() if value != plain[key] and key != "name"}
        tell(f"{name:<12}{', '.join(f'{key} = {value}' for key, value in changed.items()) or 'the plain recipe'}")
    give([known.model_dump(mode="json") for known in BUILT_IN.values()])


@recipe.command("show")
@click.argument("name", shell_complete=recipes)
@json_option
def show_recipe(name: str) -> None:
    """Print recipe NAME as TOML, to be saved and changed: mnistlab recipe show custom_mlp > my.toml."""
    from mnistlab.recipe import to_toml

    found = resolve_recipe(name)
    tell(to_toml(found).rstrip())
    give(found.model_dump(mode="json"))
