"""The tables of speed in the documents: ``python -m benchmarks.pages`` writes them from the records
of ``mnistlab bench``.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter

from mnistlab.benchmark import Benchmark, ModelProfile, NetworkBenchmark
from mnistlab.cli.bench_tables import Lines, network_lines, profile_lines, speed_lines, text
from mnistlab.runs import write_atomically

ROOT = Path(__file__).parents[1]
SPEED = "bench/summary"
TABLES: dict[str, tuple[type, Callable[[Any], Lines]]] = {
    SPEED: (Benchmark, speed_lines),
    "networks/summary": (NetworkBenchmark, network_lines),
    "bench/profile/lenet5": (ModelProfile, profile_lines),
    "bench/profile/custom_mlp": (ModelProfile, profile_lines),
    "bench/profile/best62k": (ModelProfile, profile_lines),
}
"""By the record that each shows, in ``results``."""
_README_ROWS = {
    "LeNet-5": ("lenet5", "PyTorch DataLoader"),
    "CustomMLP": ("custom_mlp", None),
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
    for name in ("README.md", "README.ko.md"):
        file = ROOT / name
        page = file.read_text(encoding="utf-8")
        for title, row in _readme_rows(read(SPEED)).items():
            # Only this table's rows have seconds in them.
            page = re.sub(rf"^\| {title} \| [\d.]+ s \|.*$", row, page, flags=re.MULTILINE)
        yield file, page


def _between(page: str, begin: str, end: str, content: str) -> str:
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise click.ClickException(f"docs/kernels.md: has no place for {begin.strip()}")
    return before + begin + content + end + after


def _readme_rows(found: Benchmark) -> dict[str, str]:
    rows = {}
    for title, (recipe, loader) in _README_ROWS.items():
        ways = found.seconds[recipe]
        ours = ways["this package"].median
        cells = [ours, ours * found.ratio[recipe], *([ways[loader].median] if loader else [])]
        shown = [*(f"{seconds:.2f} s" for seconds in cells), *([] if loader else [""])]
        rows[title] = re.sub(" +", " ", f"| {title} | {' | '.join(shown)} |")
    return rows


@click.command()
def main() -> None:
    """Write the tables of speed in the documents anew, from the records."""
    for file, page in pages():
        write_atomically(file, page)


if __name__ == "__main__":
    main()
