"""The table of results, as Markdown and as text."""

from collections.abc import Sequence
from io import StringIO

from mnistlab.recipe import DISPLAY_NAMES
from mnistlab.runs import RunRecord

HEADINGS = ("Model", "Parameters", "Test accuracy", "Test loss", "Best epoch, picked on test", "Time")


def display_name(record: RunRecord) -> str:
    """Return the name under which a recipe is written in tables and plots."""
    return DISPLAY_NAMES.get(record.recipe.name, record.recipe.name)


def table_rows(records: Sequence[RunRecord]) -> list[tuple[str, ...]]:
    """Return one row a run, under :data:`HEADINGS`: accuracies in percent, the final epoch's first.

    The best epoch's accuracy, its number behind it, flatters, since the test set itself picked it.
    """
    return [
        (
            display_name(record),
            str(record.parameters),
            percent(record.final.test_accuracy),
            f"{record.final.test_loss:.4f}",
            f"{percent(record.final.best_test_accuracy)} ({record.final.best_epoch})",
            duration(record.seconds),
        )
        for record in records
    ]


def percent(share: float) -> str:
    """Write a share from 0 to 1 as ``99.03 %``."""
    return f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """Write a duration for people: ``4.1 s``, ``3 min 24 s``, ``1 h 02 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def markdown_table(records: Sequence[RunRecord]) -> str:
    """Return the table as Markdown."""
    rows = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1)), *table_rows(records)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def text_table(records: Sequence[RunRecord], width: int = 100) -> str:
    """Return the table as plain text, at most ``width`` characters wide."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if index == 0 else "right", overflow="fold")
    for row in table_rows(records):
        table.add_row(*row)
    console = Console(file=StringIO(), width=width, color_system=None, legacy_windows=False)
    console.print(table)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"
