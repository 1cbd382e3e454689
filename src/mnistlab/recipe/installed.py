"""Installed modules: the standard library and installed packages, as opposed to the user's code."""

import csv
import site
import sys
import sysconfig
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

OURS = "mnistlab"


def is_installed(path: Path) -> bool:
    """Return whether a file belongs to the standard library, to an installed package, or to
    mnistlab itself.
    """
    if any(path.is_relative_to(folder) for folder in (*_own_folders(), Path(__file__).parents[1])):
        return True
    return any(path in _recorded(folder) for folder in _other_folders())


def installed_folders() -> tuple[Path, ...]:
    """Return the folders that hold installed packages; those on Python's path may hold the user's
    files as well.
    """
    return (*_own_folders(), *(folder for folder in _other_folders() if _recorded(folder)))


def _other_folders() -> list[Path]:
    return sorted(
        {Path(folder).resolve() for folder in sys.path if folder} - {Path.cwd(), *_own_folders()}
    )


@cache
def _own_folders() -> tuple[Path, ...]:
    """Return the folders of Python's own installer and of the standard library."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = [sysconfig.get_path(name) for name in names] + [
        *site.getsitepackages(),
        site.getusersitepackages(),
    ]
    return tuple(sorted({Path(folder).resolve() for folder in folders if folder}))


@cache
def _recorded(folder: Path) -> frozenset[Path]:
    """Return the files of packages installed into a folder, by their records; ``pip install
    --target`` writes them.
    """
    records = (
        record.read_text("utf-8", errors="replace") for record in folder.glob("*.dist-info/RECORD")
    )
    rows = (row for record in records for row in csv.reader(record.splitlines()) if row)
    return frozenset((folder / row[0]).resolve() for row in rows)


@cache
def is_installed_name(top: str) -> bool:
    """Return whether a top-level name means an installed module."""
    if top in sys.stdlib_module_names or top == OURS:
        return True
    spec = PathFinder.find_spec(top, [str(folder) for folder in installed_folders()])
    if spec is None or spec.loader is None or spec.origin is None:
        return False
    return not spec.has_location or is_installed(Path(spec.origin).resolve())
