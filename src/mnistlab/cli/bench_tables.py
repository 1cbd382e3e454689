"""What ``mnistlab bench`` has measured, as tables for people."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from mnistlab.cli.screen import Screen

if TYPE_CHECKING:
    from mnistlab.benchmark import Benchmark, ModelProfile, NetworkBenchmark
    from mnistlab.benchmark.timing import Times

Lines = Iterable[Table | str]
"""Tables, and lines that are not broken."""


def show(lines: Lines, console: Screen) -> None:
    """Print tables and lines."""
    for line in lines:
        console.say(line) if isinstance(line, str) else console.print(line)


def text(lines: Lines, columns: int = 100) -> str:
    """Return what :func:`show` prints, without trailing spaces."""
    file = io.StringIO()
    show(lines, Screen(file=file, width=columns))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def speed_lines(result: "Benchmark") -> Lines:
    """Return all ways of training, and what follows from them."""
    yield _ways(result)
    yield ""
    yield _summary(result)
    yield ""
    for what, speeds in result.gigaflops.items():
        told = (
            f"{times.median:.0f} GFLOP/s on {_threads(count)}" for count, times in speeds.items()
        )
        yield f"{what}: {', '.join(told)}"
    for recipe, note in result.notes.items():
        yield f"{recipe}: {note}"
    yield _growth(result.memory_growth_mib)
    yield _machine(result.environment)


def network_lines(result: "NetworkBenchmark") -> Lines:
    """Return the steps of all networks."""
    # One that cannot be compiled is measured without.
    ways = max(map(list, result.seconds.values()), key=len)
    yield "Milliseconds a training step of 128 images, medians. NCHW, NHWC (channels_last) and"
    yield "compiled are PyTorch's; GEMM is the multiplications alone, as a large matrix product."
    short = {"this package": "ours", "PyTorch, channels_last": "NHWC"}
    table = _table(
        None,
        ["network"],
        [*(short.get(way, way.split(" ")[-1]) for way in ways), "PyTorch/ours"],
    )
    for network, times in result.seconds.items():
        figures = (f"{1000 * times[way].median:.2f}" if way in times else "" for way in ways)
        table.add_row(network, *figures, f"{result.ratio[network]:.2f}")
    yield table
    yield f"median of the ratios to the fastest PyTorch: {result.median_ratio:.2f}"
    if "JAX" not in ways:
        yield "without JAX; where it is installed, it is measured on all cores, not with --quick:"
        yield "pip install 'mnistlab[jax]'"
    for network, reason in result.reasons.items():
        yield f"{network} trains on PyTorch: {reason}"
    yield _machine(result.environment)


def profile_lines(result: "ModelProfile") -> Lines:
    """Return the operations of a training step, and what else it takes."""
    profile, threads = result.profile, result.environment["threads"]
    title = f"{result.model}: milliseconds a batch of {result.images}"
    # Close together, to fit on 80 columns.
    table = Table(
        title=title, title_justify="left", box=None, pad_edge=False, collapse_padding=True
    )
    table.add_column("operation")
    table.add_column("shapes")
    for name in ("forward", "stat.", "grad.\nstat.", "back-\nward", "all", "%", "GFLOP\n/s"):
        table.add_column(name, justify="right", no_wrap=True)

    def ms(seconds: float) -> str:
        return f"{1000 * seconds:.3f}" if seconds else ""

    def share(seconds: float) -> str:
        return f"{100 * seconds / profile.seconds:.1f}"

    for one in profile.operations:
        inputs = " + ".join(map(_sizes, one.inputs))
        times = (one.forward, one.statistics, one.gradient_statistics, one.backward, one.seconds)
        table.add_row(
            one.operation,
            f"{inputs} -> {_sizes(one.output)}" if inputs else _sizes(one.output),
            *map(ms, times),
            share(one.seconds),
            f"{one.flops * result.images / one.seconds / 1e9:.0f}" if one.flops else "",
        )
    others = {
        "loading": profile.loading,
        "loss": profile.loss,
        "optimiser": profile.optimizer,
        "waiting": profile.waiting,
        "total": profile.seconds,
    }
    for name, seconds in others.items():
        table.add_row(name, *[""] * 5, f"{1000 * seconds:.3f}", share(seconds), "")
    yield table
    yield ""
    over = f", summed over {threads} threads" if threads > 1 else ""
    clock = f"by the clock {1000 * profile.wall:.3f} ms a batch"
    yield f"least of {result.rounds} rounds{over}; {clock}"
    yield from result.notes
    yield _machine(result.environment)


def _sizes(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "1"


def _ways(result: "Benchmark") -> Table:
    table = _table("Seconds an epoch", ["recipe", "way"], ["median", "from", "to", "times ours"])

    def add(recipe: str, way: str, times: "Times", ours: "Times | None") -> None:
        figures = (f"{seconds:.2f}" for seconds in (times.median, times.low, times.high))
        ratio = f"{times.median / ours.median:.2f}" if ours and times is not ours else ""
        table.add_row(recipe, way, *figures, ratio)

    for recipe, ways in result.seconds.items():
        for way, times in ways.items():
            add(recipe, way, times, ways["this package"])
        for way, times in result.side_by_side.get(recipe, {}).items():
            add(
                recipe,
                f"two runs, a thread each: {way}",
                times,
                result.side_by_side[recipe]["ours"],
            )
        table.add_row()
    for images, times in result.sizes.items():
        add("lenet5", f"this package, {images:,} images", times, None)
    return table


def _summary(result: "Benchmark") -> Table:
    limits = list(dict.fromkeys(what for found in result.of_bound.values() for what in found))
    table = _table(
        "Medians; PyTorch in its faster layout",
        ["recipe"],
        ["images", "ours", "PyTorch", "PyTorch/ours", *(f"ours/{what}" for what in limits)],
    )
    for recipe, ways in result.seconds.items():
        ours, of_bound = ways["this package"].median, result.of_bound.get(recipe, {})
        table.add_row(
            recipe,
            f"{result.images[recipe]:,}",
            f"{ours:.2f}",
            f"{ours * result.ratio[recipe]:.2f}",
            f"{result.ratio[recipe]:.2f}",
            *(f"{of_bound[what]:.2f}" if what in of_bound else "" for what in limits),
        )
    return table


def _table(title: str | None, names: Sequence[str], figures: Sequence[str]) -> Table:
    table = Table(title=title, box=None, pad_edge=False, title_justify="left")
    for name in names:
        table.add_column(name, no_wrap=True)
    for figure in figures:
        table.add_column(figure, justify="right", no_wrap=True)
    return table


def _machine(environment: Mapping[str, Any]) -> str:
    return (
        f"{environment['processor']}, {_threads(environment['threads'])}, PyTorch"
        f" {environment['versions']['torch']}, kernels {environment['kernels']}"
    )


def _growth(mib: float | None) -> str:
    if mib is None:
        return "memory growth is not measured on this platform"
    return f"further epochs added {mib:g} MiB of memory"


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"
