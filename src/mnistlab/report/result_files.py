"""Result files: pages, tables, plots and figures, each written as its file's name says."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.report.table import Table
from mnistlab.runs import write_atomically
from mnistlab.text import to_json

if TYPE_CHECKING:
    from mnistlab.report.canvas import Drawing


def write_results(folder: Path, contents: Mapping[str, Any]) -> list[Path]:
    """Write files into a folder, in their order.

    Args:
        folder: made if need be.
        contents: by the files' names, ``tables/runs.csv`` say: text or bytes as they are, a
            dictionary as JSON, a :class:`~mnistlab.report.table.Table` as CSV, Markdown or text,
            and a matplotlib figure as PNG or SVG.

    Returns:
        The files written.

    Raises:
        OSError: the folder cannot be written to.
    """
    rendered = {name: _render(content, Path(name).suffix) for name, content in contents.items()}
    for name, content in rendered.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, content)
    return [folder / name for name in rendered]


def plot_files(drawings: Mapping[str, "Drawing"]) -> dict[str, str | bytes]:
    """Return the contents of ``plots/``: each figure as SVG and as PNG."""
    return {f"plots/{name}.svg": drawing.svg for name, drawing in drawings.items()} | {
        f"plots/{name}.png": drawing.png for name, drawing in drawings.items()
    }


def _render(content: Any, suffix: str) -> str | bytes:
    if isinstance(content, str | bytes):
        return content
    if isinstance(content, dict):
        return f"{to_json(content)}\n"
    if isinstance(content, Table):
        return {".csv": content.csv, ".md": content.markdown, ".txt": content.text}[suffix]()
    from mnistlab.report.canvas import png, svg

    return png(content) if suffix == ".png" else svg(content)
