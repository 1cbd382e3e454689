"""``mnistlab recipe``: see the built-in recipes, and start one of your own."""

import textwrap

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.output import echo, echo_json, json_option, terminal_width
from mnistlab.cli.path_types import NAME


@click.group()
def recipe() -> None:
    """Show recipes."""


@recipe.command("list")
@json_option
def list_recipes() -> None:
    """List the built-in recipes and what sets them apart."""
    from mnistlab.recipe import BUILT_IN, Recipe, to_toml

    # MNIST's size, mean and standard deviation set no recipe of digits apart.
    plain = Recipe(size=32, mean=0.1307, std=0.3081).model_dump()
    width = terminal_width()
    for name, known in BUILT_IN.items():
        changed = {
            key
            for key, value in known.model_dump().items()
            if value != plain[key] and value != "auto" and key != "name"
        }
        # As a file has them, without the comments.
        lines = [line.partition("  #")[0].rstrip() for line in to_toml(known).splitlines()]
        fields = [line.replace(" ", "\0") for line in lines if line.partition(" = ")[0] in changed]
        listed = textwrap.wrap(
            ", ".join(fields) or "the plain recipe", max(20, width - 12), break_long_words=False
        )
        listed = [line.replace("\0", " ") for line in listed]
        echo(
            *(
                f"{label:<12}{line}"
                for label, line in zip([name, *[""] * len(listed)], listed, strict=False)
            )
        )
    echo_json([known.model_dump(mode="json") for known in BUILT_IN.values()])


@recipe.command("show")
@click.argument("name", type=NAME, shell_complete=recipes)
@json_option
def show_recipe(name: str) -> None:
    """Print recipe NAME as TOML, to be saved and changed: mnistlab recipe show custom_mlp >
    my.toml.
    """
    from mnistlab.recipe import resolve_recipe, to_toml

    found = resolve_recipe(name)
    # Without its name, so that a file of it is called, and compared with it, by the file's name.
    echo(*(line for line in to_toml(found).splitlines() if not line.startswith("name = ")))
    echo_json(found.model_dump(mode="json"))
