"""Installed: what is the standard library or an installed package, as opposed to code of the user's own."""

import site
import sys
import sysconfig
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

OURS = "mnistlab"


def is_installed(path: Path) -> bool:
    """Return whether a file belongs to the standard library, to an installed package, or to mnistlab itself."""
    return any(path.is_relative_to(folder) for folder in (*installed_folders(), Path(__file__).parents[1]))


def installed_folders() -> tuple[Path, ...]:
    """Return the folders that hold nothing else."""
    others = {Path(folder).resolve() for folder in sys.path if folder} - {Path.cwd()}
    return (*_own_folders(), *(folder for folder in sorted(others) if _holds_packages(folder)))


@cache
def _own_folders() -> tuple[Path, ...]:
    """Return where Python's own installer puts packages, and the standard library."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = [sysconfig.get_path(name) for name in names] + [*site.getsitepackages(), site.getusersitepackages()]
    return tuple(sorted({Path(folder).resolve() for folder in folders if folder}))


@cache
def _holds_packages(folder: Path) -> bool:
    """Return whether packages were installed into a folder of Python's path, as ``pip install --target`` does."""
    return next(folder.glob("*.dist-info"), None) is not None


@cache
def is_installed_name(top: str) -> bool:
    """Return whether a name, without dots, means such a module."""
    if top in sys.stdlib_module_names or top == OURS:
        return True
    spec = PathFinder.find_spec(top, [str(folder) for folder in installed_folders()])
    return spec is not None and spec.loader is not None and spec.origin is not None
