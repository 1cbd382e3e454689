"""Finds the modules of users in folders, as Python does, without importing them."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader

SUFFIX = ".py"
Finders = Callable[[str], FileFinder]


def make_finders() -> Finders:
    """Return finders of modules by folder; they cache what the folders hold while in use."""
    return cache(lambda folder: FileFinder(folder, (SourceFileLoader, [SUFFIX])))


def find_module(name: str, folders: Sequence[str], finders: Finders) -> ModuleSpec | None:
    """Find a module in folders as Python does; only Python files and packages count."""
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
