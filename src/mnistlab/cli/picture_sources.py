"""Source: one picture named on the command line, alone, by a folder or by a pattern."""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mnistlab.data.decode import HEAD_BYTES, SUFFIXES, is_picture
from mnistlab.files import open_file

STANDARD_INPUT = "-"
_DEEP = "**"


@dataclass(frozen=True)
class Source:
    """One picture to read, or a name behind which there is none.

    Attributes:
        name: what it is called in the output.
        path: its file; ``None`` for standard input, and for a name behind which there is no
            picture.
        root: the folder it was found from: the one named, or the one around a named file.
        fault: why there is nothing to read.
    """

    name: str
    path: Path | None = None
    root: Path | None = None
    fault: str | None = None


def natural(path: Path) -> tuple[list[list[tuple[bool, int, str]]], str]:
    """Return what sorts paths as people number them."""
    parts = [
        [
            (not piece.isdecimal(), int(piece) if piece.isdecimal() else 0, piece.casefold())
            for piece in pieces
        ]
        for pieces in (re.split(r"(\d+)", part) for part in path.parts)
    ]
    return parts, str(path)


def find_sources(arguments: Iterable[str]) -> list[Source]:
    """Find the pictures that arguments name, in their order.

    Args:
        arguments: files; folders, of which all pictures are taken, whatever they are called and
            however deep, hidden ones left out; patterns such as ``scans/*.png`` or
            ``scans/**/*.png`` that no shell has expanded; ``-`` for standard input.

    Returns:
        In a folder or pattern in natural order: ``9.png`` before ``10.png``. A file is not looked
        for until it is read.
    """
    return [source for argument in arguments for source in _find(argument)]


def _find(argument: str) -> Iterator[Source]:
    path = Path(argument)
    if argument == STANDARD_INPUT:
        yield Source(STANDARD_INPUT)
    # Not Path's, which raises if a name is too long for a file; reading it says so.
    elif os.path.isdir(path):  # noqa: PTH112
        yield from _in_folder(path)
    elif glob.has_magic(argument) and not os.path.lexists(path):
        yield from _matching(argument)
    else:
        yield Source(argument, path, path.parent)


def _file(path: Path, root: Path) -> Source:
    return Source(str(path), path, root)


def _in_folder(folder: Path) -> Iterator[Source]:
    faults: list[OSError] = []
    found = [
        Path(parent, name)
        for parent, folders, names in _walk(folder, faults)
        for name in names
        if not name.startswith(".") and _is_meant(Path(parent, name))
    ]
    for path in sorted(found, key=natural):
        yield _file(path, folder)
    for fault in faults:
        yield Source(str(fault.filename), fault=f"cannot be read: {fault.strerror}")
    if not found and not faults:
        yield Source(str(folder), fault="a folder without pictures")


def _is_meant(path: Path) -> bool:
    """Tell whether a file is a picture, or is called one."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with open_file(path) as file:
            return is_picture(file.read(HEAD_BYTES))
    except OSError:
        return False


def _walk(folder: Path, faults: list[OSError]) -> Iterator[tuple[str, list[str], list[str]]]:
    for parent, folders, names in os.walk(folder, onerror=faults.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield parent, folders, names


def _matching(pattern: str) -> Iterator[Source]:
    matches = sorted(set(_expand(Path(pattern))), key=natural)
    if not matches:
        yield Source(pattern, fault="no file matches")
        return
    root = Path(*_fixed_parts(Path(pattern)))
    # a/** names a folder and what is in it.
    files = dict.fromkeys(path for path in matches if not path.is_dir())
    for folder in (path for path in matches if path.is_dir()):
        files |= dict.fromkeys(source.path for source in _in_folder(folder) if source.path)
    if not files:
        yield Source(pattern, fault="only folders without pictures match")
    for path in sorted(files, key=natural):
        yield _file(path, root)


def _expand(pattern: Path) -> Iterator[Path]:
    """Yield what a pattern matches. ``**`` goes into folders, but not through links, which may lead
    in circles.
    """
    if _DEEP not in pattern.parts:
        yield from map(Path, glob.glob(str(pattern)))  # noqa: PTH207 - pathlib finds hidden files, and no anchored ones
        return
    at = pattern.parts.index(_DEEP)
    before, after = Path(*pattern.parts[:at]), Path(*pattern.parts[at + 1 :])
    for start in map(Path, glob.glob(str(before))):  # noqa: PTH207
        for parent, _, names in _walk(start, []):
            if after.parts:
                yield from _expand(Path(glob.escape(parent)) / after)
            else:
                yield from (
                    Path(parent),
                    *(Path(parent, name) for name in names if not name.startswith(".")),
                )


def _fixed_parts(pattern: Path) -> Iterator[str]:
    """Yield the folders before the first part that has a wildcard."""
    for part in pattern.parts:
        if glob.has_magic(part):
            return
        yield part
