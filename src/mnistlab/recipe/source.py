"""Source: the code of a user model, on which a run's outcome depends as it does on the recipe.

It is found by reading files; nothing is imported.
"""

import ast
import hashlib
import json
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mnistlab.files import open_file
from mnistlab.recipe.finder import SUFFIX, Finders, find_module, make_finders
from mnistlab.recipe.installed import OURS, installed_folders, is_installed, is_installed_name

_DIGITS = 16
_LARGEST = 1 << 22
"""Bytes of a file of code, so that a stranger's cannot fill the memory."""
_MOST = 10_000
"""Imported names that are followed."""
_DEFINITIONS = (ast.FunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Module:
    """One module, as it was read.

    Attributes:
        name: under which it is imported.
        path: its file, absolute and without links; of a package without ``__init__.py`` its folder.
        content: of the file; ``None`` for a package without ``__init__.py``.
        folders: where a package's modules are; ``None`` for other modules.
        installed: whether it is part of an installed package, whose imports are not followed.
    """

    name: str
    path: Path
    content: bytes | None
    folders: tuple[str, ...] | None = None
    installed: bool = False

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of the file's SHA-256."""
        return hashlib.sha256(self.content or b"").hexdigest()[:_DIGITS]


@dataclass(frozen=True)
class Source:
    """The code that building a model runs: its file, and everything that it imports, directly or
    indirectly, and that is not installed.

    Attributes:
        model: as a recipe names it.
        main: the file that it names; ``None`` for a built-in model, or if there is no such file.
        others: the imported modules, by name.
        roots: the folders that were searched for them, in this order.
        fault: why there is no ``main``, although the model is not a built-in one.
    """

    model: str
    main: Module | None = None
    others: Mapping[str, Module] | None = None
    roots: tuple[str, ...] = ()
    fault: str = ""

    @property
    def modules(self) -> tuple[Module, ...]:
        """All of them."""
        return (*filter(None, [self.main]), *(self.others or {}).values())

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of the SHA-256 of ``main``, or nothing."""
        return self.main.digest if self.main else ""

    @cached_property
    def imports(self) -> dict[str, str]:
        """Digests of the imported files, by module name."""
        return {
            name: module.digest
            for name, module in (self.others or {}).items()
            if module.content is not None
        }

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digits of SHA-256 over all files, module names and paths; or nothing."""
        if self.main is None:
            return ""
        held = [
            (m.name, str(m.path), hashlib.sha256(m.content or b"").hexdigest())
            for m in self.modules
        ]
        return hashlib.sha256(json.dumps([held[0], *sorted(held[1:])]).encode()).hexdigest()

    def difference(self, digest: str, imports: Mapping[str, str] | None) -> str:
        """Say which file differs from a record, for example ``net.py:build has changed``; nothing
        if none does.

        Args:
            digest: the record's :attr:`digest`; empty in records of older versions.
            imports: the record's :attr:`imports`; ``None`` in records of older versions.
        """
        if not digest:
            return ""
        if digest != self.digest:
            return f"{self.model} has changed"
        for name in sorted({*self.imports, *(imports or {})}) if imports is not None else ():
            old, new = (imports or {}).get(name), self.imports.get(name)
            if old != new:
                place = self.others[name].path if new and self.others else name
                return (
                    f"{place}, which {self.model} imports,"
                    f" {'has changed' if old and new else 'came or went'}"
                )
        return ""


def read_definitions(content: bytes) -> list[str]:
    """Return the functions and classes that a file of code defines for others, by name.

    Raises:
        SyntaxError: Python cannot read it.
        ValueError: likewise.
    """
    names = [node.name for node in ast.parse(content).body if isinstance(node, _DEFINITIONS)]
    return [name for name in names if not name.startswith("_")]


def read_source(model: str, *, follow: bool = True) -> Source:
    """Read the code that a recipe's ``model`` names, and what it imports.

    Import statements are followed wherever they are, also in functions; dynamic imports are not
    seen. The standard library and installed packages take precedence over the user's files.

    Args:
        model: ``path/to/file.py:build``, whose imports are searched for beside the file, in the
            current folder and on Python's path; ``package.module:build``, in the last two; or a
            built-in model's name.
        follow: whether to read what it imports as well.
    """
    name, colon, _ = model.rpartition(":")
    if not colon:
        return Source(model)
    path = _search_path()
    try:
        if not name.endswith(SUFFIX):
            return _read_module(model, name, path, follow=follow)
        file = Path(name).expanduser()
        if not file.exists():
            return Source(model, fault=f"there is no file {file}")
        file = file.resolve()
        main = Module(f"{OURS}_model_{file.stem}", file, _read(file))
        roots = tuple(dict.fromkeys((str(file.parent), *path)))
        return Source(model, main, _follow(main, roots) if follow else {}, roots)
    except RuntimeError:  # the home folder of an unknown user
        return Source(model, fault=f"there is no file {name}")
    except (OSError, ValueError) as error:  # such as an impossible file name
        return Source(model, fault=f"cannot be read: {getattr(error, 'strerror', None) or error}")


def _search_path() -> tuple[str, ...]:
    """Return the current folder and those of Python's path that hold no installed packages."""
    folders = [Path.cwd(), *map(Path, filter(None, sys.path))]
    return tuple(
        dict.fromkeys(
            str(folder) for folder in folders if folder.is_dir() and not is_installed(folder)
        )
    )


def _read_module(model: str, name: str, roots: tuple[str, ...], *, follow: bool) -> Source:
    top = name.partition(".")[0]
    installed = is_installed_name(top)
    found: dict[str, Module] = {}
    folders = tuple(map(str, installed_folders())) if installed else roots
    _add(name, folders, found, make_finders(), installed=installed)
    main = found.pop(name, None)
    if main is None or main.content is None:
        return Source(model, fault=f"there is no module {name}")
    if installed or not follow:
        return Source(model, main)
    return Source(model, main, _follow(main, roots, found), roots)


def _read(file: Path) -> bytes:
    with open_file(file) as code:
        content = code.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"{file} has more than {_LARGEST:,} bytes, too many for code")
    return content


def _follow(
    main: Module, roots: tuple[str, ...], found: dict[str, Module] | None = None
) -> dict[str, Module]:
    """Return what a module imports, directly and indirectly, by name; ``found`` are the packages
    around it.
    """
    known = {main.name: main} | (found or {})
    seen: set[str] = set()
    names: set[str] = set()
    finders = make_finders()
    while waiting := [module for name, module in known.items() if name not in seen]:
        for module in waiting:
            seen.add(module.name)
            for name in _imported_names(module):
                if name in names:
                    continue
                names.add(name)
                if len(names) > _MOST:
                    raise ValueError(f"imports more than {_MOST:,} names, too many for code")
                if not is_installed_name(name.partition(".")[0]):
                    _add(name, roots, known, finders)
    return {name: module for name, module in known.items() if name != main.name}


def _add(
    name: str,
    roots: Sequence[str],
    known: dict[str, Module],
    finders: Finders,
    *,
    installed: bool = False,
) -> None:
    """Add a module and the packages around it, as far as they exist."""
    folders: Sequence[str] | None = roots
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        inner = ".".join(parts[:count])
        if folders is None:
            return
        if inner not in known:
            spec = find_module(inner, folders, finders)
            if spec is None:
                return
            places = None
            if spec.submodule_search_locations is not None:
                places = tuple(
                    str(Path(place).resolve()) for place in spec.submodule_search_locations
                )
            if spec.origin:
                path = Path(spec.origin).resolve()
                known[inner] = Module(inner, path, _read(path), places, installed)
            else:
                known[inner] = Module(inner, Path((places or ("",))[0]), None, places, installed)
        folders = known[inner].folders


def _imported_names(module: Module) -> Iterator[str]:
    """Yield the names of modules that a module's code imports, or may import: ``from a import b``
    yields ``a`` and ``a.b``.
    """
    if module.content is None:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(module.content)
    # Such code can neither be run nor imported.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    package = module.name if module.folders is not None else module.name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            around = package.split(".")
            base = ".".join(around[: len(around) - node.level + 1]) if node.level else ""
            if node.level and not base:
                continue
            start = ".".join(filter(None, [base, node.module]))
            yield from (start, *(f"{start}.{alias.name}" for alias in node.names))
