"""Text tables: CSV and its relatives, whatever their separator, encoding and compression."""

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from mnistlab.data.bounds import BoundedReader, most_unpacked, refuse_holes
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import PART_NAMES, Part
from mnistlab.errors import DataError
from mnistlab.files import open_file
from mnistlab.text import listed, printable, shorten

Role = Literal["label", "split", "index", "group", "file"]
SUFFIXES = {".csv", ".tsv", ".tab", ".txt", ".data", ".tra", ".tes", ".train", ".test"}
_TABLES_ALONE = {".csv", ".tsv"}
"""Suffixes that nothing but tables have."""
_MANY = 64
PACKINGS: dict[str, tuple[bytes, Any]] = {
    ".gz": (b"\x1f\x8b", gzip.open),
    ".bz2": (b"BZh", bz2.open),
    ".xz": (b"\xfd7zXZ", lzma.open),
}
"""Suffixes of packed tables, the first bytes that tell them, and what opens them."""
SPACES = " "
"""The separator of tables whose cells are apart by any run of white space."""
SPLITS: tuple[Part, ...] = ("train", "validation", "test")
_SEPARATORS = ("\t", ";", "|", ",")
_HEAD = 20
"""Rows that are looked at to tell what a table holds."""
_HEAD_BYTES = 1 << 22
_LONGEST_LINE = 1 << 22
"""Characters; a million pixels in a row are fewer."""
_MOST_BYTES = 1 << 36
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")
_MISSING = {"", "nan", "na", "n/a", "null", "none", "?"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_EXCEL = re.compile(r'"?sep=(.)"?')
"""A first line by which Excel is told the separator."""

_ROLES: dict[Role, str] = {
    "label": "label labels lbl class classes classid classname classlabel classindex target targets"
    " y digit digits letter letters labelid labelname category categoryid character char emotion"
    " truth groundtruth gt output symbol sign diagnosis species breed annotation",
    "split": "split splits set usage subset partition dataset datasplit",
    "index": "id index idx row rowid number no imageid sampleid unnamed unnamed0",
    "group": "group groups groupid patient patientid subject subjectid writer writerid",
    "file": "filename file filenames filepath image imagename imagefile imagepath img imgname"
    " imgpath imgfile path picture photo id idcode imageid imgid fname",
}
"""What columns are called, in small letters and without anything but letters and digits."""
_SPLIT_VALUES: dict[str, Part] = {
    "publictest": "validation",
    "privatetest": "test",
    "tra": "train",
    "tes": "test",
    "tk": "test",
}
"""Further names of splits: those of FER2013, of UCI's tables, and of MNIST's ``t10k``."""


class TextTable:
    """A table of text, of which the first rows have been read.

    Args:
        tree: where the file is.
        name: of the file within it.

    Attributes:
        where: what messages call the file.
        separator: between cells; :data:`SPACES` is any run of white space.
        head: the cells of the first rows, a header among them.

    Raises:
        DataError: unreadable, empty, or no text in UTF-8 or UTF-16.
    """

    def __init__(self, tree: FileTree, name: str) -> None:
        self._tree, self.name, self.where = tree, name, tree.where(name)
        self._skipped = 0
        lines = self._first_lines()
        told = _EXCEL.fullmatch(lines[0].strip()) if lines else None
        if told:
            self._skipped = 1
            del lines[0]
        if not lines:
            raise DataError(f"{self.where}: is empty")
        if any("\0" in line for line in lines):
            raise DataError(f"{self.where}: holds zero bytes; save it as UTF-8")
        self.separator = told[1] if told else _separator(lines)
        self.head = [self.split(line) for line in lines]

    def lines(self, skip: int = 0) -> Iterator[str]:
        """Yield the lines of all rows but the first ``skip``; blank lines are no rows."""
        path = self._tree.path(self.name)
        return self._lines_of(path or io.BytesIO(self._tree.read(self.name, _MOST_BYTES)), skip)

    def _first_lines(self) -> list[str]:
        """Return the first lines without unpacking all of an archive's member."""
        path = self._tree.path(self.name)
        if path:
            return list(islice(self._lines_of(path, 0), _HEAD))
        content = self._tree.head(self.name, _HEAD_BYTES)
        lines = list(islice(self._lines_of(io.BytesIO(content), 0), _HEAD))
        return lines[:-1] if len(content) == _HEAD_BYTES and len(lines) < _HEAD else lines

    def _lines_of(self, source: Path | io.BytesIO, skip: int) -> Iterator[str]:
        try:
            with self._open(source) as file:
                skip += self._skipped
                while line := file.readline(_LONGEST_LINE):
                    if len(line) == _LONGEST_LINE:
                        raise DataError(
                            f"{self.where}: a line has more than {_LONGEST_LINE:,} characters, too"
                            " many for a row"
                        )
                    if not line.isspace():
                        if not skip:
                            yield line
                        skip = max(skip - 1, 0)
        except UnicodeDecodeError as error:
            raise DataError(f"{self.where}: is not UTF-8 text; save it as UTF-8") from error
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise DataError(f"{self.where}: cannot be read: {error}") from error

    def split(self, line: str) -> list[str]:
        """Return the cells of a line, without the white space and the quotes around them."""
        return _split(line, self.separator)

    @contextmanager
    def _open(self, source: Path | io.BytesIO) -> Iterator[IO[str]]:
        path = source if isinstance(source, Path) else None
        with ExitStack() as opened:
            file: Any = opened.enter_context(open_file(path) if path else source)
            start = file.read(6)
            file.seek(0)
            for magic, opener in PACKINGS.values():
                if start.startswith(magic):
                    if path:
                        refuse_holes(file, path)
                    most = most_unpacked(self._tree.size(self.name))
                    file = BoundedReader(opener(file), most, path or self._tree.place)
                    start = file.read(2)
                    file.seek(0)
                    break
            encoding = "utf-16" if start.startswith(_UTF16) else "utf-8-sig"
            yield opened.enter_context(io.TextIOWrapper(file, encoding=encoding))


def table_names(tree: FileTree) -> list[str]:
    """Return the names of the files that are called as tables are; of one that is there packed and
    unpacked, the unpacked one.
    """
    found = {
        plain: name
        for name in sorted(tree.others, key=len, reverse=True)
        if suffix_of(plain := _unpacked_name(name)) in SUFFIXES
    }
    if len(found) > _MANY:
        # Such as one text file beside each picture.
        found = {plain: n for plain, n in found.items() if suffix_of(plain) in _TABLES_ALONE}
    return sorted(found.values())


def choose_tables(
    tree: FileTree, names: Sequence[str], chosen: str
) -> tuple[dict[Part, str], dict[Part, str], list[str]]:
    """Tell which of several tables is which split, by their names; the chosen one is ``train``.

    Returns:
        the file of each split, ``train`` first; the word that told it; and what is to be said about
        others.

    Raises:
        DataError: several could be one split.
    """
    found: dict[Part | None, list[str]] = {}
    words: dict[Part, str] = {}
    for name in names:
        part, word = part_of_file(name)
        found.setdefault(part, []).append(name)
        if part:
            words[part] = word
    if chosen:
        found["train"] = [chosen]
        found = {
            part: [n for n in of if n != chosen or part == "train"] for part, of in found.items()
        }
    elif len(names) == 1:
        found = {"train": list(names)}
    elif "train" not in found:
        found["train"] = found.pop(None, list(names))
    tables: dict[Part, str] = {}
    for part in SPLITS:
        if len(of := found.get(part, [])) > 1:
            raise DataError(f"{tree.place}: holds {listed(of, 5)}; name the one to use")
        if of:
            tables[part] = of[0]
    others = [] if chosen else found.get(None, [])
    notes = [f"{name} is not used (name it to use it)" for name in others[:3]]
    return tables, {part: words[part] for part in tables if part in words}, notes


def suffix_of(name: str) -> str:
    """Return a file's suffix in small letters, that of a packed one without the packing's."""
    return PurePosixPath(_unpacked_name(name).lower()).suffix


def part_of_file(name: str) -> tuple[Part | None, str]:
    """Return which split a file's name tells, as ``mnist_train.csv`` does, and the word for it.

    The folders above it tell if its own name does not. Where a name tells two, it is ``None``.
    """
    for piece in reversed(_unpacked_name(name).split("/")):
        words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", re.sub(r"\d+", "", piece))
        parts = {part: word for word in words if (part := part_of_value(word))}
        if parts:
            return next(iter(parts.items())) if len(parts) == 1 else (None, "")
    return None, ""


def sibling_key(name: str) -> str:
    """Return what the files of all splits of one data set have in common in their names."""
    part, word = part_of_file(name)
    plain = _unpacked_name(name)
    return plain.replace(word, "*").lower() if part else plain.lower()


def part_of_value(value: str) -> Part | None:
    """Return which split a cell such as ``Training`` or ``PrivateTest`` names."""
    plain = _plain(value).removesuffix("set").removesuffix("data")
    return PART_NAMES.get(plain) or _SPLIT_VALUES.get(plain)


def has_role(column: str, role: Role) -> bool:
    """Return whether a column's name, in any letter case and notation, tells this role."""
    return _plain(column) in _ROLES[role].split() or (role == "index" and not column)


def is_number(cell: str) -> bool:
    """Return whether a cell is a decimal number, with a point or a comma."""
    return bool(_NUMBER.fullmatch(cell))


def is_missing(cell: str) -> bool:
    """Return whether a cell is empty, or a word for that, such as ``NaN``."""
    return cell.lower() in _MISSING


def shown(cell: str) -> str:
    """Return a cell as a message quotes it."""
    return repr(shorten(printable(cell), 40))


def _unpacked_name(name: str) -> str:
    pure = PurePosixPath(name)
    return str(pure.with_suffix("")) if pure.suffix.lower() in PACKINGS else name


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _split(line: str, separator: str) -> list[str]:
    if separator == SPACES:
        return [_unquoted(cell) for cell in line.split()]
    cells = line.split(separator)
    if '"' in line:
        # A separator within quotes separates nothing.
        joined: list[str] = []
        for cell in cells:
            if joined and joined[-1].count('"') % 2:
                joined[-1] += separator + cell
            else:
                joined.append(cell)
        cells = joined
    return [_unquoted(cell.strip()) for cell in cells]


def _unquoted(cell: str) -> str:
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"').strip()
    return cell


def _separator(lines: Sequence[str]) -> str:
    """Return what makes the most of the lines equally long, and the most of their cells numbers."""

    def score(separator: str) -> tuple[float, int]:
        rows = [_split(line, separator) for line in lines]
        width, rows_of_it = Counter(map(len, rows)).most_common(1)[0]
        if width < 2:
            return 0, 0
        return rows_of_it / len(rows), sum(map(is_number, rows[-1]))

    best = max(_SEPARATORS, key=score)
    # Pixels within one cell are apart by spaces, so these come last.
    return best if score(best)[0] >= 0.5 or score(SPACES) <= score(best) else SPACES
