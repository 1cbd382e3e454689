"""``mnistlab doctor``: what is installed, and whether a model trains on the native kernels."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.options import changed_recipe, recipe_options
from mnistlab.cli.output import echo, echo_json, json_option
from mnistlab.cli.path_types import NAME

if TYPE_CHECKING:
    from mnistlab.kernels import Obstacle


@click.command(short_help="Show versions and device, and whether a model is fast here.")
@click.argument("model", type=NAME, required=False, shell_complete=recipes)
@recipe_options
@click.option(
    "--hash",
    "hashes",
    is_flag=True,
    help="Train small networks, and say whether their bits are the published ones.",
)
@json_option
def doctor(model: str | None, *, hashes: bool, **options: Any) -> None:
    """Show versions, device and threads, and whether MODEL trains on the native kernels.

    MODEL is what `mnistlab train` takes: a recipe, a .toml file, or your own model as
    path/to/file.py:build. If it trains on plain PyTorch, every call that prevents the native
    kernels is listed, with its line, the reason, and what to write instead.

    With --hash, small networks are trained for a few seconds. Every x86-64 processor with AVX2
    gives the same hash; if it is another one than this version's, the parts that differ are named.
    """
    recipe = changed_recipe(model, options) if model else None
    from mnistlab.training.diagnosis import diagnose, examine_model

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
    obstacles: tuple[Obstacle, ...] = ()
    if recipe:
        from mnistlab.data.loading import load_for, take_for
        from mnistlab.training import check_run

        check_run(recipe, None)
        model_found = examine_model(recipe, take_for(recipe, load_for(recipe)))
        obstacles = model_found.obstacles
        figures["model"] = {
            "name": recipe.name,
            "fast": not model_found.reason,
            "reason": model_found.reason,
            "obstacles": [asdict(obstacle) for obstacle in obstacles],
            "input": model_found.input.model_dump(mode="json"),
            "notes": list(model_found.notes),
        }
        rows[recipe.name] = (
            f"trains on plain PyTorch: {model_found.reason}"
            if model_found.reason
            else "trains on the native kernels"
        )
        rows["input"] = model_found.input.describe()
        if model_found.notes:
            rows["note"] = "; ".join(model_found.notes)
    if hashes:
        from mnistlab.training.fingerprint import take_fingerprint

        fingerprint = take_fingerprint()
        rows["hash"] = fingerprint.describe()
        figures["hash"] = {
            "total": fingerprint.total,
            "comparable": fingerprint.comparable,
            "parts": fingerprint.parts,
            "different": list(fingerprint.different),
        }
    width = max(map(len, rows))
    for name, text in rows.items():
        echo(f"{name:<{width}}  {text}")
    for obstacle in obstacles:
        echo("", obstacle.where or obstacle.what)
        echo(
            f"    {obstacle.what} {obstacle.reason}" if obstacle.where else f"    {obstacle.reason}"
        )
        if obstacle.remedy:
            echo(f"    Instead: {obstacle.remedy}.")
    echo_json(figures)
