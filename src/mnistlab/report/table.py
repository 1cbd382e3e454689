"""Table: headings and rows of text, as Markdown, plain text, CSV or HTML cells."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnistlab.recipe import DISPLAY_NAMES
from mnistlab.runs import RunRecord
from mnistlab.statistics import Interval
from mnistlab.statistics.verdict import p_value, span
from mnistlab.text import csv_row, markdown, printable

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; the first column is a name, the others figures."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return the table as Markdown, which shows the same text in its cells."""
        headings, *rows = [
            [markdown(cell) for cell in line] for line in (self.headings, *self.rows)
        ]
        lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def csv(self) -> str:
        """Return the table as comma-separated values, see :func:`mnistlab.text.csv_row`."""
        return "".join(map(csv_row, (self.headings, *self.rows)))

    def text(self, width: int = 100) -> str:
        """Return the table as plain text, at most ``width`` columns of a terminal wide.

        Where its rows do not fit, each becomes a block of lines, a figure a line.
        """
        from rich.cells import cell_len

        headings, *rows = [
            [printable(cell) for cell in line] for line in (self.headings, *self.rows)
        ]
        if (
            sum(max(map(cell_len, cells)) + 3 for cells in zip(headings, *rows, strict=True))
            > width
        ):
            return _blocks(headings, rows, width)
        from rich import box
        from rich.table import Table as RichTable

        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        for index, heading in enumerate(headings):
            table.add_column(heading, justify="left" if index == 0 else "right", overflow="fold")
        for row in rows:
            table.add_row(*row)
        return _draw(table, width)


def _blocks(headings: list[str], rows: list[list[str]], width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    first, *others = headings
    names, text = max(map(cell_len, others)), ""
    for name, *cells in rows:
        text += _draw(f"{first}: {name}", width)
        for heading, cell in zip(others, cells, strict=True):
            beside = names + cell_len(cell) + 4 <= width
            if cell:
                text += (
                    f"  {set_cell_size(heading, names)}  {cell}\n"
                    if beside
                    else f"  {heading}\n    {cell}\n"
                )
    return text


def _draw(content: "RenderableType", width: int) -> str:
    from rich.console import Console

    file = io.StringIO()
    Console(
        file=file,
        width=width,
        color_system=None,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    ).print(content)
    return "\n".join(line.rstrip() for line in file.getvalue().strip("\n").splitlines()) + "\n"


def sentences(headline: str, remarks: Iterable[str], failures: Iterable[str] = ()) -> str:
    """Return a headline and remarks, sentences without their full stops, and what failed, as
    Markdown.
    """
    said = "".join(f"- {markdown(remark)}.\n" for remark in remarks)
    said += "".join(f"- failed: {markdown(failure)}\n" for failure in failures)
    return f"**{markdown(headline)}.**\n" + (f"\n{said}" if said else "")


def display_name(record: RunRecord) -> str:
    """Return the name under which the course writes a recipe."""
    return DISPLAY_NAMES.get(record.recipe.name, record.recipe.name)


def interval_cell(interval: Interval | None) -> str:
    """Write an interval as ``−0.02 to 0.14``; nothing where there is none."""
    return span(interval) if interval else ""


def p_cell(p: float) -> str:
    """Write a p as ``0.034`` or ``< 0.001``."""
    return p_value(p).removeprefix("p ").removeprefix("= ")


def percent(share: float) -> str:
    """Write a share from 0 to 1 as ``99.03 %``."""
    return f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """Write a duration for people: ``4.1 s``, ``3 min 24 s``, ``1 h 02 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
    )
