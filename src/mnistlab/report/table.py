"""Table: headings and rows of text, as Markdown, plain text, CSV or HTML cells."""

import csv
import io
import textwrap
from dataclasses import dataclass

from mnistlab.recipe import DISPLAY_NAMES
from mnistlab.runs import RunRecord


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; the first column is a name, the others figures."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = [self.headings, ("---", *["---:"] * (len(self.headings) - 1)), *self.rows]
        escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
        return "".join(f"| {' | '.join(line)} |\n" for line in escaped)

    def csv(self) -> str:
        """Return the table as comma-separated values (RFC 4180), with the same text in its cells."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows([self.headings, *self.rows])
        return text.getvalue()

    def text(self, width: int = 100) -> str:
        """Return the table as plain text, at most ``width`` characters wide.

        Where its rows do not fit, each becomes a block of lines, a figure a line.
        """
        if self._natural_width() > width:
            return self._blocks(width)
        from rich import box
        from rich.console import Console
        from rich.table import Table as RichTable

        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        for index, heading in enumerate(self.headings):
            table.add_column(heading, justify="left" if index == 0 else "right", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        console = Console(
            file=io.StringIO(), width=width, color_system=None, legacy_windows=False, markup=False, emoji=False
        )
        console.print(table)
        text: str = console.file.getvalue()  # type: ignore[attr-defined]
        return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"

    def _natural_width(self) -> int:
        return sum(max(map(len, cells)) + 3 for cells in zip(self.headings, *self.rows, strict=True))

    def _blocks(self, width: int) -> str:
        names = max(map(len, self.headings[1:]))
        lines = []
        for name, *cells in self.rows:
            lines += textwrap.wrap(f"{self.headings[0]}: {name}", width)
            figures = zip(self.headings[1:], cells, strict=True)
            lines += [
                f"  {heading:<{names}}  {cell}" if names + len(cell) + 4 <= width else f"  {heading}\n    {cell}"
                for heading, cell in figures
                if cell
            ]
        return "\n".join(lines) + "\n"


def display_name(record: RunRecord) -> str:
    """Return the name under which the course writes a recipe."""
    return DISPLAY_NAMES.get(record.recipe.name, record.recipe.name)


def percent(share: float) -> str:
    """Write a share from 0 to 1 as ``99.03 %``."""
    return f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """Write a duration for people: ``4.1 s``, ``3 min 24 s``, ``1 h 02 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
