"""``mnistlab bench``: how fast training is on this machine."""

import contextlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.output import command_line, echo, write
from mnistlab.cli.path_types import Place
from mnistlab.text import to_json

if TYPE_CHECKING:
    from mnistlab.benchmark import Benchmark
    from mnistlab.benchmark.reading import ReadingBenchmark
    from mnistlab.benchmark.serving import Load, ServingBenchmark
    from mnistlab.benchmark.sprint import Sprint
    from mnistlab.benchmark.throughput import Throughput
    from mnistlab.benchmark.timing import Times


@click.command(short_help="Measure speed on this machine.")
@click.option(
    "--quick", is_flag=True, help="A part of an epoch each, scaled up; under 45 s in all."
)
@click.option(
    "--sweep", is_flag=True, help="Measure an experiment of several runs instead of single ones."
)
@click.option(
    "--reading", is_flag=True, help="Measure how photographs of MNIST's test digits are read."
)
@click.option(
    "--serving",
    is_flag=True,
    help="Measure how fast `mnistlab serve` answers, and what it does overloaded.",
)
@click.option(
    "--sprint", is_flag=True, help="Measure how soon sprint99 reads 99 % of MNIST's test digits."
)
@click.option(
    "--threads", type=click.IntRange(1, 1024), help="CPU threads to compute on.  [one a core]"
)
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
    sweep: bool,
    reading: bool,
    serving: bool,
    sprint: bool,
    threads: int | None,
    file: Path | None,
) -> None:
    """Measure training against plain PyTorch and against the processor's bound, in turns, in one
    run.
    """
    if sweep + reading + serving + sprint > 1:
        raise click.UsageError(
            "--sweep, --reading, --serving and --sprint are benchmarks of their own: give one of"
            " them"
        )
    from functools import partial
    from importlib.metadata import version

    from mnistlab.cli.screen import Screen
    from mnistlab.errors import RunError
    from mnistlab.runs import write_atomically

    with Screen(stderr=True).status("starting") as status:
        if sweep:
            from mnistlab.benchmark.throughput import measure_throughput

            throughput = measure_throughput(quick=quick, on_turn=status.update)
            show, figures = partial(_show_throughput, throughput), asdict(throughput)
        elif reading:
            from mnistlab.benchmark.reading import measure_reading

            read = measure_reading(quick=quick, on_turn=status.update)
            show, figures = partial(_show_reading, read), asdict(read)
        elif serving:
            from mnistlab.benchmark.serving import measure_serving

            served = measure_serving(quick=quick, on_turn=status.update)
            show, figures = partial(_show_serving, served), asdict(served)
        elif sprint:
            from mnistlab.benchmark.sprint import measure_sprint

            sprinted = measure_sprint(quick=quick, threads=threads, on_turn=status.update)
            show, figures = partial(_show_sprint, sprinted), _sprint_figures(sprinted)
        else:
            from mnistlab.benchmark import measure

            benchmark = measure(quick=quick, threads=threads, on_turn=status.update)
            show, figures = partial(_show, benchmark), asdict(benchmark)
    printed = file == Path("-")
    with contextlib.redirect_stdout(sys.stderr) if printed else contextlib.nullcontext():
        show()
    if file:
        content = {"version": version("mnistlab"), "command": command_line()} | figures
        text = f"{to_json(content)}\n"
        if printed:
            write(text)
            return
        try:
            write_atomically(file, text)
        except OSError as error:
            raise RunError(f"{file}: cannot be written: {error.strerror}") from error
        echo(f"wrote {file}")


def _show_throughput(result: "Throughput") -> None:
    echo(f"{result.runs} runs of an epoch of {result.images:,} images, seconds for all of them")
    for way, times in result.seconds.items():
        echo(f"  {way:<34}{times.median:6.1f}  ({times.low:.1f} to {times.high:.1f})")
    echo(f"  ratio {result.ratio:.2f}")


def _show_reading(result: "ReadingBenchmark") -> None:
    for length, score in result.scores.items():
        low, high = (f"{100 * bound:.1f}" for bound in score.interval)
        what = "single digits" if length == 1 else f"lines of {length} digits, read whole"
        echo(
            f"{what}: {100 * score.share:.1f} % of {score.pictures:,} photographs (95 % interval"
            f" {low} to {high}), {result.milliseconds[length]:.0f} ms each"
        )
        sure = result.sure[length]
        echo(f"  called sure: {sure.pictures:,}, of which {100 * sure.share:.1f} % are right")
        for name, part in result.conditions[length].items():
            echo(f"  {name:<18}{100 * part.share:6.1f} % of {part.pictures:,}")
    echo(f"expected calibration error of a digit: {100 * result.calibration_error:.1f} points")


def _show_serving(result: "ServingBenchmark") -> None:
    echo("load         asked/s  answered/s  refused/s   median ms     p99 ms  p99 of refusals ms")

    def show(name: str, load: "Load") -> None:
        refusal = "" if load.refusal_p99 is None else f"{load.refusal_p99:.1f}"
        echo(
            f"{name:<12}{load.asked:>8.1f}{load.answered:>12.1f}{load.refused:>11.1f}{load.median:>12.1f}{load.p99:>11.1f}"
            f"{refusal:>20}"
        )

    show("alone", result.alone)
    show("capacity", result.capacity)
    show("nominal", result.nominal)
    show("overload", result.overload)
    echo(f"p99 under overload over p99 under nominal load: {result.ratio:.2f}")


def _sprint_figures(result: "Sprint") -> dict[str, Any]:
    interval = result.interval
    return asdict(result) | {"interval": [interval.low, interval.high] if interval else None}


def _show_sprint(result: "Sprint") -> None:
    shares = result.accuracies.values()
    span = (
        f"95 % interval {100 * result.interval.low:.2f} to {100 * result.interval.high:.2f}; "
        if result.interval
        else ""
    )
    echo(
        f"sprint99: {100 * result.mean:.2f} % of test images on average over {len(shares)} seeds"
        f" ({span}single runs {100 * min(shares):.2f} to {100 * max(shares):.2f}),"
        f" {result.parameters:,} parameters"
    )
    for what, times in (
        ("a run, from random weights", result.seconds),
        ("an eager epoch of lenet5", result.epoch),
    ):
        echo(f"  {what:<28}{times.median:6.2f} s  ({times.low:.2f} to {times.high:.2f})")
    echo(f"  ratio {result.ratio:.2f}")


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
    console, environment = Screen(), result.environment
    console.print(table)
    console.print(
        f"{environment['processor']}, {environment['threads']} threads, PyTorch"
        f" {environment['versions']['torch']}, kernels {environment['kernels']};"
        f" {_growth(result.memory_growth_mib)}",
        soft_wrap=True,
    )


def _growth(mib: float | None) -> str:
    if mib is None:
        return "growth of memory is not measured on this platform"
    return f"further epochs added {mib:g} MiB of memory"
