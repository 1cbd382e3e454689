"""XLSX: tables as an Excel workbook."""

import io
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from mnistlab.answer import CellAnswer, TableAnswer
from mnistlab.errors import MnistlabError
from mnistlab.text import printable

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.(\d{1,10}))?")
"""What a spreadsheet shows as it is written: zeros in front would be lost."""
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]|^'|'$")
_LONGEST_NAME = 31
_UNSURE = "#FFD9BF"


def check_xlsx() -> None:
    """Raise what :func:`to_xlsx` raises if it cannot work.

    Raises:
        MnistlabError: the ``xlsx`` extra is not installed.
    """
    _library()


def to_xlsx(tables: Sequence[tuple[str, TableAnswer]]) -> bytes:
    """Return a workbook with a sheet for each table, named after its picture; numbers are numbers,
    unsure cells are coloured and have a comment.

    Raises:
        MnistlabError: the ``xlsx`` extra is not installed.
    """
    file = io.BytesIO()
    with _library().Workbook(file, {"in_memory": True}) as book:
        # Else the same tables would give other bytes every second.
        book.set_properties({"created": datetime(2000, 1, 1)})
        names: set[str] = set()
        for picture, table in tables:
            sheet = book.add_worksheet(_sheet_name(picture, names))
            for place, cells in enumerate(table.rows):
                for column, cell in enumerate(cells):
                    _write(book, sheet, (place, column), cell)
    return file.getvalue()


def _library() -> Any:
    try:
        import xlsxwriter
    except ImportError as error:
        raise MnistlabError(
            "an Excel workbook needs XlsxWriter: pip install 'mnistlab[xlsx]'"
        ) from error
    return xlsxwriter


def _write(book: Any, sheet: Any, place: tuple[int, int], cell: CellAnswer) -> None:
    number = _NUMBER.fullmatch(cell.text)
    decimals = len(number[1] or "") if number else 0
    form = book.add_format(
        ({"num_format": f"0.{'0' * decimals}"} if decimals else {})
        | ({} if cell.sure else {"bg_color": _UNSURE})
    )
    if number:
        sheet.write_number(*place, float(cell.text), form)
    elif cell.text:
        sheet.write_string(*place, cell.text, form)
    elif not cell.sure:
        sheet.write_blank(*place, None, form)
    if not cell.sure:
        sheet.write_comment(*place, f"unsure: {100 * cell.confidence:.1f} %")


def _sheet_name(picture: str, names: set[str]) -> str:
    """Return a name that Excel allows and that no other sheet has."""
    plain = _FORBIDDEN.sub("_", printable(PurePath(picture).name)) or "table"
    name, number = plain[:_LONGEST_NAME], 1
    while name.casefold() in names:
        number += 1
        end = f" ({number})"
        name = plain[: _LONGEST_NAME - len(end)] + end
    names.add(name.casefold())
    return name
