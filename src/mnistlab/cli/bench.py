"""``mnistlab bench``: how fast training is on this machine."""

from dataclasses import asdict
from pathlib import Path

import click

from mnistlab.cli.output import command_line, echo, write
from mnistlab.cli.path_types import Place
from mnistlab.text import to_json


@click.command(short_help="Measure how fast training is on this machine.")
@click.option(
    "--quick", is_flag=True, help="Measure parts of epochs and scale them up; under 90 s in all."
)
@click.option(
    "--networks",
    is_flag=True,
    help="Measure steps of ten small networks of many kinds instead, also against torch.compile"
    " (not with --quick); minutes.",
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
def bench(*, quick: bool, networks: bool, threads: int | None, file: Path | None) -> None:
    """Compare training speed with plain PyTorch and with the processor's limit.

    All ways of training take turns in one run, so that other load on the machine slows all of them
    alike.
    """
    from importlib.metadata import version

    from mnistlab.benchmark import NetworkBenchmark, measure, measure_networks
    from mnistlab.cli.bench_tables import network_lines, show, speed_lines
    from mnistlab.cli.screen import Screen
    from mnistlab.errors import RunError
    from mnistlab.runs import write_atomically

    printed = file == Path("-")
    with Screen(stderr=True).status("starting") as status:
        benchmark = (measure_networks if networks else measure)(
            quick=quick, threads=threads, on_turn=status.update
        )
    lines = (
        network_lines(benchmark)
        if isinstance(benchmark, NetworkBenchmark)
        else speed_lines(benchmark)
    )
    show(lines, Screen(stderr=printed))
    if file:
        content = {"version": version("mnistlab"), "command": command_line()} | asdict(benchmark)
        text = f"{to_json(content)}\n"
        if printed:
            write(text)
            return
        try:
            write_atomically(file, text)
        except OSError as error:
            raise RunError(f"{file}: cannot be written: {error.strerror}") from error
        echo(f"wrote {file}")
