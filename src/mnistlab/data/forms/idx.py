"""IDX files in a folder or an archive: a pair of images and labels for each split."""

import re
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from numpy.typing import NDArray

from mnistlab.data.array_files import beside, read_whole, start_of
from mnistlab.data.array_names import ArrayName, parse_name
from mnistlab.data.arrays import rows_from, splits_from
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Parts, ReadOptions, Rows
from mnistlab.data.idx import parse_idx, read_idx
from mnistlab.errors import DataError
from mnistlab.text import listed

_PACKED = ".gz"
_ENDING = re.compile(r"([-_.]?idx\d?)?([-_.]?(ubyte|byte|uint8|int))?$", re.IGNORECASE)
"""What follows the words of a name, such as ``-idx3-ubyte``."""
_OTHER_SUFFIXES = {"", ".bin", ".dat", ".data"}
_GZIP_MAGIC, _MAGIC = b"\x1f\x8b", re.compile(rb"\0\0[\x08-\x0e][\x01-\x04]", re.DOTALL)
_PARTS = {None: "train", "train": "train", "validation": "validation", "test": "t10k"}
_EMNIST = "emnist"


def _words(name: str) -> str:
    return _ENDING.sub("", _unpacked(name), count=1)


def _unpacked(name: str) -> str:
    return name[: -len(_PACKED)] if name.lower().endswith(_PACKED) else name


def _find(tree: FileTree) -> dict[str, ArrayName]:
    """Return the IDX files and what their names say; of one that is there packed and unpacked the
    latter.
    """
    found: dict[str, ArrayName] = {}
    for name in tree.others:
        if not _may_be_idx(name):
            continue
        said = parse_name(_words(name))
        if said.kind not in ("images", "labels") or not _is_idx(tree, name):
            continue
        if name.lower().endswith(_PACKED) and _unpacked(name) in tree.others:
            continue
        found[name] = said
    return found


def _may_be_idx(name: str) -> bool:
    """Whether a name has no ending of another kind of file; quick, since there may be many."""
    base = _unpacked(name).rpartition("/")[2]
    return _is_called_idx(base) or PurePosixPath(base).suffix.lower() in _OTHER_SUFFIXES


def _is_called_idx(base: str) -> bool:
    ending = _ENDING.search(base)
    return bool(ending and ending[0])


def _is_idx(tree: FileTree, name: str) -> bool:
    base = _unpacked(name).rpartition("/")[2]
    if _is_called_idx(base):
        return True
    said = parse_name(base)
    if not said.kind and not said.part:
        return False
    start = start_of(tree, name, 64)
    if start.startswith(_GZIP_MAGIC):
        try:
            start = zlib.decompressobj(wbits=31).decompress(start, 4)
        except zlib.error:
            return False
    return bool(_MAGIC.match(start))


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    found = _find(tree)
    return options.chosen in found if options.chosen else bool(found)


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    """Read the pairs; test images without labels are refused, a missing test set is not."""
    tree = beside(tree, options.chosen)
    found = _find(tree)
    rests = {said.rest for said in found.values()}
    if options.chosen:
        rests = {found[options.chosen].rest}
        found = {name: said for name, said in found.items() if said.rest in rests}
    if len(rests) > 1:
        raise DataError(f"{tree.place}: holds {listed(list(found), 5)}; keep one set in a folder")
    _refuse_lacking(tree, found)
    arrays, notes = {}, []
    for name, said in found.items():
        key = f"{said.part or ''}/{_words(name)}"
        arrays[key] = _read_file(tree, name)
        if said.kind == "labels" and arrays[key].ndim == 2 and arrays[key].shape[1] > 1:
            notes.append(
                f"labels have {arrays[key].shape[1]} numbers each, of which the first is the class"
            )
            arrays[key] = arrays[key][:, 0]
    if _EMNIST in next(iter(rests)):
        notes.append("EMNIST's files hold the pictures on their side, and they are left so")
    parts = splits_from(arrays, str(tree.place), classes=_mapping(tree, next(iter(rests))))
    return Parts(**{**vars(parts), "notes": [*parts.notes, *dict.fromkeys(notes)]})


def _refuse_lacking(tree: FileTree, found: Mapping[str, ArrayName]) -> None:
    for part in {said.part for said in found.values()}:
        kinds = [said.kind for said in found.values() if said.part == part]
        for kind, dimensions in (("images", 3), ("labels", 1)):
            if kind not in kinds:
                word = "training" if part in (None, "train") else part
                raise DataError(
                    f"{tree.place}: the {word} set has no {kind} file, for example"
                    f" {_PARTS[part]}-{kind}-idx{dimensions}-ubyte"
                )


def _read_file(tree: FileTree, name: str) -> NDArray[Any]:
    path = tree.path(name)
    return read_idx(path) if path else parse_idx(read_whole(tree, name), tree.where(name))


def _mapping(tree: FileTree, rest: tuple[str, ...]) -> Mapping[int, str] | None:
    """Return the classes' names by label, of which EMNIST has a file for each of its sets."""
    for name in tree.others:
        if name.endswith("mapping.txt") and parse_name(name).rest == (*rest, "mapping", "txt"):
            lines = read_whole(tree, name).decode("ascii", "replace").split("\n")
            cells = [line.split() for line in lines if line.strip()]
            if all(len(row) > 1 and all(cell.isdecimal() for cell in row) for row in cells):
                return {int(row[0]): chr(int(row[1])) for row in cells}
    return None


def _rows(tree: FileTree, name: str) -> Rows:
    return rows_from({"images": _read_file(tree, name)}, tree.where(name))


FORM = Form("IDX files", 40, _matches, _read, _rows)
