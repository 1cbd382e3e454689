"""Finder: modules of users in folders, found as Python does."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader

SUFFIX = ".py"
Finders = Callable[[str], FileFinder]


def make_finders() -> Finders:
    """Return what finds modules in a folder, with no memory of folders but of this one reading."""
    return cache(lambda folder: FileFinder(folder, (SourceFileLoader, [SUFFIX])))


def find_module(name: str, folders: Sequence[str], finders: Finders) -> ModuleSpec | None:
    """Find a module in folders as Python does, but only Python files and folders."""
    spread: list[str] = []
    for folder in folders:
        spec = finders(folder).find_spec(name)
        if spec and spec.origin:
            return spec
        # A package without __init__.py may lie in several folders.
        spread += (spec.submodule_search_locations or []) if spec else []
    if not spread:
        return None
    found = ModuleSpec(name, None, is_package=True)
    found.submodule_search_locations = spread
    return found
