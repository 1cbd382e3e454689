"""``mnistlab bench``: how fast training is on this machine."""

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.output import command_line, echo, write
from mnistlab.cli.path_types import Place
from mnistlab.text import to_json

if TYPE_CHECKING:
    from mnistlab.benchmark import Benchmark, NetworkBenchmark
    from mnistlab.benchmark.timing import Times


@click.command(short_help="Measure how fast training is on this machine.")
@click.option(
    "--quick", is_flag=True, help="Measure parts of epochs and scale them up; under 45 s in all."
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
    from mnistlab.cli.screen import Screen
    from mnistlab.errors import RunError
    from mnistlab.runs import write_atomically

    printed = file == Path("-")
    with Screen(stderr=True).status("starting") as status:
        benchmark = (measure_networks if networks else measure)(
            quick=quick, threads=threads, on_turn=status.update
        )
    with contextlib.redirect_stdout(sys.stderr) if printed else contextlib.nullcontext():
        _show_networks(benchmark) if isinstance(benchmark, NetworkBenchmark) else _show(benchmark)
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


def _show(result: "Benchmark") -> None:
    from rich.table import Table

    from mnistlab.cli.screen import Screen

    table = Table(title="Seconds an epoch of 60,000 images", box=None, pad_edge=False)
    for title in ("model", "way", "median", "from", "to", "times ours"):
        table.add_column(
            title, justify="left" if title in ("model", "way") else "right", no_wrap=True
        )

    def add(model: str, way: str, times: "Times", ours: "Times | None") -> None:
        figures = (f"{seconds:.2f}" for seconds in (times.median, times.low, times.high))
        ratio = f"{times.median / ours.median:.2f}" if ours and times is not ours else ""
        table.add_row(model, way, *figures, ratio)

    for model, ways in result.seconds.items():
        for way, times in ways.items():
            add(model, way, times, ways["this package"])
        for way, times in result.side_by_side.get(model, {}).items():
            add(model, f"two runs, a thread each: {way}", times, result.side_by_side[model]["ours"])
        table.add_row()
    for images, times in result.sizes.items():
        add("lenet5", f"this package, {images:,} images", times, None)
    console = Screen()
    console.print(table)
    console.print(
        f"{_machine(result.environment)}; {_growth(result.memory_growth_mib)}", soft_wrap=True
    )


def _show_networks(result: "NetworkBenchmark") -> None:
    from rich.table import Table

    from mnistlab.cli.screen import Screen

    table = Table(
        title="Milliseconds a training step of 128 images, medians", box=None, pad_edge=False
    )
    # One that cannot be compiled is measured without.
    ways = max(map(list, result.seconds.values()), key=len)
    table.add_column("network", no_wrap=True)
    for title in (*ways, "times ours"):
        table.add_column(title.removeprefix("PyTorch, "), justify="right", no_wrap=True)
    for network, times in result.seconds.items():
        figures = (f"{1000 * times[way].median:.2f}" if way in times else "" for way in ways)
        table.add_row(network, *figures, f"{result.ratio[network]:.2f}")
    console = Screen()
    console.print(table)
    console.print(f"median of the ratios to the fastest PyTorch: {result.median_ratio:.2f}")
    for network, reason in result.reasons.items():
        console.print(f"{network} trains on PyTorch: {reason}", soft_wrap=True, markup=False)
    console.print(_machine(result.environment), soft_wrap=True)


def _machine(environment: Mapping[str, Any]) -> str:
    return (
        f"{environment['processor']}, {environment['threads']} threads, PyTorch"
        f" {environment['versions']['torch']}, kernels {environment['kernels']}"
    )


def _growth(mib: float | None) -> str:
    if mib is None:
        return "memory growth is not measured on this platform"
    return f"further epochs added {mib:g} MiB of memory"
