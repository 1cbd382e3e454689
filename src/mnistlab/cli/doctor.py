"""``mnistlab doctor``: what is installed, and whether a model trains on the native kernels."""

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.options import data_option
from mnistlab.cli.output import echo, echo_json, json_option
from mnistlab.cli.path_types import NAME


@click.command(short_help="Show versions and device, and whether a model is fast here.")
@click.argument("model", type=NAME, required=False, shell_complete=recipes)
@data_option("the recipe's: mnist")
@json_option
def doctor(model: str | None, data: str | None) -> None:
    """Show versions, device and threads, and whether MODEL trains on the native kernels.

    MODEL is what `mnistlab train` takes: a recipe, a .toml file, or your own model as
    path/to/file.py:build.
    """
    from mnistlab.recipe import resolve_recipe

    changes = {"data": data} if data else {}
    recipe = resolve_recipe(model, **changes) if model else None
    from mnistlab.training.diagnosis import diagnose, unsupported_reason

    found = diagnose()
    environment = found.environment
    memory = f", {environment.memory_gib:g} GiB" if environment.memory_gib else ""
    rows = {
        "versions": ", ".join(
            f"{name} {version}" for name, version in environment.versions.items()
        ),
        "processor": f"{environment.processor}, {environment.cores} cores" + memory,
        "device": f"{environment.device}, {environment.threads} thread"
        + "s" * (environment.threads > 1),
        "kernels": f"none in use: {found.reason}"
        if found.reason
        else f"{environment.kernels} in use",
        "builds": ", ".join(found.builds) or "none installed",
    }
    figures = environment.model_dump(mode="json") | {
        "reason": found.reason,
        "builds": list(found.builds),
    }
    if recipe:
        from mnistlab.data import load_dataset

        reason = unsupported_reason(recipe, load_dataset(recipe.data))
        figures["model"] = {"name": recipe.name, "fast": not reason, "reason": reason}
        rows[recipe.name] = (
            f"trains on plain PyTorch: {reason}" if reason else "trains on the native kernels"
        )
    width = max(map(len, rows))
    for name, text in rows.items():
        echo(f"{name:<{width}}  {text}")
    echo_json(figures)
