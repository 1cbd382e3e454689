"""The tables of speed in the documents: ``python -m benchmarks.pages`` writes them from the records
of ``mnistlab bench``.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter

from mnistlab.benchmark import Benchmark, ModelProfile, NetworkBenchmark
from mnistlab.cli.bench_tables import Lines, network_lines, profile_lines, speed_lines, text
from mnistlab.runs import write_atomically

ROOT = Path(__file__).parents[1]
SPEED, NETWORKS = "bench/summary", "networks/summary"
TABLES: dict[str, tuple[type, Callable[[Any], Lines]]] = {
    SPEED: (Benchmark, speed_lines),
    NETWORKS: (NetworkBenchmark, network_lines),
    "bench/profile/lenet5": (ModelProfile, profile_lines),
    "bench/profile/custom_mlp": (ModelProfile, profile_lines),
    "bench/profile/best62k": (ModelProfile, profile_lines),
}
"""By the record that each shows, in ``results``."""
_README_HEADINGS = {
    "README.md": "A step of 128 images, ms",
    "README.ko.md": "이미지 128장의 한 스텝(ms)",
}
_COLUMNS = {
    "mnistlab": "this package",
    "PyTorch": "PyTorch, NCHW",
    "channels_last": "PyTorch, channels_last",
    "compiled": "PyTorch, compiled",
    "JAX": "JAX",
    "GEMM": "bound: GEMM",
}


def read(record: str) -> Any:
    """Return what a record of ``mnistlab bench`` holds."""
    content = json.loads((ROOT / "results" / f"{record}.json").read_text(encoding="utf-8"))
    return TypeAdapter(TABLES[record][0]).validate_python(content)


def pages() -> Iterator[tuple[Path, str]]:
    """Yield the documents with the tables that belong there."""
    file = ROOT / "docs" / "kernels.md"
    page = file.read_text(encoding="utf-8")
    for record, (_, lines) in TABLES.items():
        table = "".join(
            f"    {line}".rstrip() + "\n" for line in text(lines(read(record))).splitlines()
        )
        begin, end = f"<!-- {record}, by benchmarks/pages.py -->\n", f"<!-- end of {record} -->\n"
        page = _between(page, begin, end, f"\n{table}\n")
    yield file, page
    for name, heading in _README_HEADINGS.items():
        file = ROOT / name
        page = file.read_text(encoding="utf-8")
        begin, end = f"| {heading} |", "\n\n"
        yield file, _between(page, begin, end, _networks(read(NETWORKS)))


def _between(page: str, begin: str, end: str, content: str) -> str:
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise click.ClickException(f"no place for {begin.strip()}")
    return before + begin + content + end + after


def _networks(found: NetworkBenchmark) -> str:
    """Return the rest of the front page's table, after its first heading."""
    lines = [
        f" {' | '.join([*_COLUMNS, 'PyTorch / mnistlab'])} |",
        f"|---|{'---:|' * (len(_COLUMNS) + 1)}",
    ]
    for network, times in found.seconds.items():
        # Where one of them was left out.
        cells = [
            f"{1000 * times[way].median:.2f}" if way in times else "" for way in _COLUMNS.values()
        ]
        lines.append(f"| {network} | {' | '.join(cells)} | {found.ratio[network]:.2f} |")
    return "\n".join(lines)


@click.command()
def main() -> None:
    """Write the tables of speed in the documents anew, from the records."""
    for file, page in pages():
        write_atomically(file, page)


if __name__ == "__main__":
    main()
