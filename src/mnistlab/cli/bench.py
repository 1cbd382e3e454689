"""``mnistlab bench``: how fast training is on this machine."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.completion import recipes
from mnistlab.cli.output import command_line, echo, write
from mnistlab.cli.path_types import NAME, Place
from mnistlab.text import to_json

if TYPE_CHECKING:
    from mnistlab.benchmark import Benchmark, ModelProfile, NetworkBenchmark


@click.command(short_help="Measure how fast training is on this machine.")
@click.option(
    "--quick", is_flag=True, help="Measure parts of epochs and scale them up; under 90 s in all."
)
@click.option(
    "--networks",
    is_flag=True,
    help="Measure steps of ten small networks of many kinds instead, also against torch.compile"
    " and JAX (not with --quick); minutes.",
)
@click.option(
    "--profile",
    type=NAME,
    metavar="MODEL",
    shell_complete=recipes,
    help="Show where the time of a training step of MODEL goes instead: a recipe, a .toml file,"
    " path/to/file.py:build, or one of those ten networks.",
)
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads.  [one per core]")
@click.option(
    "--json",
    "file",
    type=Place(dir_okay=False, allow_dash=True),
    is_flag=False,
    flag_value="-",
    metavar="[FILE]",
    help="Print every figure as JSON, everything else on stderr; or write them to FILE.",
)
def bench(
    *,
    quick: bool,
    networks: bool,
    profile: str | None,
    threads: int | None,
    file: Path | None,
) -> None:
    """Compare training speed with plain PyTorch and with the processor's limit.

    All ways of training take turns in one run, so that other load on the machine slows all of them
    alike.
    """
    from importlib.metadata import version

    from mnistlab.benchmark import measure, measure_networks, profile_model
    from mnistlab.cli.bench_tables import network_lines, profile_lines, show, speed_lines
    from mnistlab.cli.screen import Screen
    from mnistlab.errors import RunError
    from mnistlab.runs import write_atomically

    if networks and profile is not None:
        raise click.UsageError("--networks and --profile are two different measurements")
    printed = file == Path("-")
    found: Benchmark | NetworkBenchmark | ModelProfile
    with Screen(stderr=True).status("starting") as status:
        how: dict[str, Any] = {"quick": quick, "threads": threads, "on_turn": status.update}
        if profile is not None:
            found = profile_model(profile, **how)
            lines = profile_lines(found)
        elif networks:
            found = measure_networks(**how)
            lines = network_lines(found)
        else:
            found = measure(**how)
            lines = speed_lines(found)
    show(lines, Screen(stderr=printed))
    if file:
        content = {"version": version("mnistlab"), "command": command_line()} | asdict(found)
        text = f"{to_json(content)}\n"
        if printed:
            write(text)
            return
        try:
            write_atomically(file, text)
        except OSError as error:
            raise RunError(f"{file}: cannot be written: {error.strerror}") from error
        echo(f"wrote {file}")
