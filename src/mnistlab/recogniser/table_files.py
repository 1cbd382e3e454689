"""Table files: the tables of pictures as CSV, JSON, HTML or Excel; what is unsure is marked."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple, TypeAlias

from mnistlab.answer import Answer, CellAnswer, TableAnswer
from mnistlab.errors import MnistlabError
from mnistlab.recogniser.xlsx import check_xlsx, to_xlsx
from mnistlab.runs import write_atomically
from mnistlab.text import csv_row, printable, to_json

_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tables</title>
<style>
:root {{ color-scheme: light dark; --edge: #868e97; --doubt: #ffe1cc; font: 16px/1.5 sans-serif; }}
@media (prefers-color-scheme: dark) {{ :root {{ --doubt: #6b3413; }} }}
body {{ margin: 1.5rem; }}
h2 {{ font-size: 1rem; overflow-wrap: anywhere; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; margin-bottom: 2rem; }}
td {{ border: 1px solid var(--edge); padding: .3rem .6rem; height: 2rem; text-align: right; }}
.unsure {{ background: var(--doubt); }}
.unsure::after {{ content: "?"; }}
</style>
</head>
<body>
<p>Cells that are <span class="unsure">unsure</span> are marked. A cell under the pointer shows its
confidence.</p>
{tables}</body>
</html>
"""


class NamedTable(NamedTuple):
    """A table of a picture.

    Attributes:
        file: the picture's name.
        table: what was read.
    """

    file: str
    table: TableAnswer


Form: TypeAlias = Callable[[Sequence[NamedTable]], bytes]
"""What makes a file's content."""


def find_form(path: Path) -> Form:
    """Return what makes the content of a file of this name.

    Raises:
        MnistlabError: no tables are written under such a name, or an extra is not installed.
    """
    if (suffix := path.suffix.lower()) not in _FORMS:
        raise MnistlabError(
            f"{path}: tables are written as {', '.join(_FORMS)}: end the name with one of these"
        )
    if suffix == ".xlsx":
        check_xlsx()
    return _FORMS[suffix]


def write_tables(path: Path | str, answers: Iterable[tuple[str, Answer]]) -> int:
    """Write the tables of some pictures into one file.

    Args:
        path: its ending chooses the form: ``.csv`` (a blank line between two tables, ``?`` behind
            an unsure cell), ``.json``, ``.html``, or ``.xlsx`` (a sheet for each table).
        answers: what was read in each picture, with the picture's name.

    Returns:
        How many tables there are; if there are none, no file is written.

    Raises:
        MnistlabError: tables are not written under such a name, the ``xlsx`` extra is not
            installed, or the file cannot be written.
    """
    form = find_form(path := Path(path))
    tables = [NamedTable(name, table) for name, answer in answers for table in answer.tables]
    if not tables:
        return 0
    try:
        write_atomically(path, form(tables))
    except OSError as error:
        raise MnistlabError(f"{path}: cannot be written: {error.strerror or error}") from error
    return len(tables)


def _to_csv(tables: Sequence[NamedTable]) -> bytes:
    parts = ["".join(csv_row(map(_marked, row)) for row in table.rows) for _, table in tables]
    return "\r\n".join(parts).encode()


def _marked(cell: CellAnswer) -> str:
    return cell.text if cell.sure else f"{cell.text}?"


def _to_json(tables: Sequence[NamedTable]) -> bytes:
    return f"{to_json([{'file': one.file} | one.table.model_dump() for one in tables])}\n".encode()


def _to_html(tables: Sequence[NamedTable]) -> bytes:
    parts = [
        f"<h2>{escape(printable(file))}</h2>\n<div><table>\n"
        + "".join(f"<tr>{''.join(map(_html_cell, row))}</tr>\n" for row in table.rows)
        + "</table></div>\n"
        for file, table in tables
    ]
    return _HTML.format(tables="".join(parts)).encode()


def _html_cell(cell: CellAnswer) -> str:
    doubt = "" if cell.sure else ' class="unsure"'
    return f'<td{doubt} title="{100 * cell.confidence:.1f} %">{escape(cell.text)}</td>'


def _to_xlsx(tables: Sequence[NamedTable]) -> bytes:
    return to_xlsx([(one.file, one.table) for one in tables])


_FORMS: dict[str, Form] = {
    ".csv": _to_csv,
    ".json": _to_json,
    ".html": _to_html,
    ".xlsx": _to_xlsx,
}
