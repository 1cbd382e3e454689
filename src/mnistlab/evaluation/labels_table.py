"""Labels table: ``labels.csv`` of a folder of pictures, which says what is written in each."""

import codecs
import csv
from pathlib import Path
from typing import NamedTuple

from mnistlab.errors import DataError
from mnistlab.evaluation.transcript import DIGITS, digits_of
from mnistlab.files import read_file
from mnistlab.text import listed

NAME = "labels.csv"
_COLUMNS = ("file", "digits", "text", "kind")
_SEPARATORS = (",", ";", "\t")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class LabelledPicture(NamedTuple):
    """A picture's file, what is written in it, and what kind of picture it is.

    ``text`` has signs and white space, ``None`` if only the digits are known; ``kind`` may be
    empty.
    """

    name: str
    digits: str
    text: str | None
    kind: str


class LabelsTable(NamedTuple):
    """The pictures of a folder, and what has to be said of its table."""

    pictures: list[LabelledPicture]
    notes: tuple[str, ...]


def read_labels(folder: Path) -> LabelsTable:
    """Read the table of a folder.

    Its columns are ``file``, and ``digits`` or ``text`` or both; ``kind`` may be there. They are
    apart by commas, semicolons or tabs; the text is UTF-8 or, with a byte order mark, UTF-16.

    Raises:
        DataError: no table, one without these columns, or a row that makes no sense.
    """
    file = folder / NAME
    try:
        data = read_file(file)
        content = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except FileNotFoundError:
        raise DataError(
            f"{folder}: has no {NAME}; write one with the columns file,digits and a row for each"
            " picture"
        ) from None
    except UnicodeDecodeError:
        raise DataError(f"{file}: not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    try:
        lines = content.splitlines(keepends=True)
        separator = max(_SEPARATORS, key=lines[0].count) if lines else ","
        header, *rows = csv.reader(lines, strict=True, delimiter=separator)
    except (csv.Error, ValueError) as error:
        reason = error if isinstance(error, csv.Error) else "it is empty"
        raise DataError(f"{file}: no table of comma-separated values: {reason}") from error
    header = [name.strip().lower() for name in header]
    _check_header(file, header)
    pictures: dict[str, LabelledPicture] = {}
    for number, row in enumerate(rows, 1):
        if not row:
            continue
        picture = _picture(f"{file}: row {number}", header, row)
        if picture.name in pictures:
            raise DataError(f"{file}: row {number}: {picture.name} is there twice")
        if not (folder / picture.name).is_file():
            raise DataError(f"{file}: row {number}: {folder / picture.name}: there is no such file")
        pictures[picture.name] = picture
    if not pictures:
        raise DataError(f"{file}: has no rows")
    unused = [name for name in header if name not in _COLUMNS]
    notes = (f"{NAME}: not used: {listed(unused)}",) if unused else ()
    return LabelsTable(list(pictures.values()), notes)


def _check_header(file: Path, header: list[str]) -> None:
    needed = "its columns have to be file, and digits or text"
    if "file" not in header or not {"digits", "text"} & set(header):
        raise DataError(f"{file}: {needed}; found {listed(header)}")
    if len(set(header)) < len(header):
        raise DataError(f"{file}: two columns of one name; {needed}")


def _picture(where: str, header: list[str], row: list[str]) -> LabelledPicture:
    if len(row) != len(header):
        raise DataError(f"{where}: {len(row)} cells, but the table has {len(header)} columns")
    cells = dict(zip(header, row, strict=True))
    name, kind = cells["file"].strip(), cells.get("kind", "").strip()
    if not name:
        raise DataError(f"{where}: names no file")
    text = cells.get("text")
    digits = digits_of(text or "") if "digits" not in cells else cells["digits"].strip()
    if set(digits) - DIGITS:
        raise DataError(
            f"{where}: digits: {digits}: only 0 to 9; signs belong into the column text"
        )
    if text is not None and digits != digits_of(text):
        raise DataError(f"{where}: the digits {digits} are not those of the text {text!r}")
    return LabelledPicture(name, digits, text, kind)
