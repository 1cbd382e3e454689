"""Bundle: JavaScript modules as one script, which browsers also run in pages that are opened as
files.
"""

import posixpath
import re

_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def bundle(modules: dict[str, str], page: str, worker: str) -> str:
    """Return a script that starts as ``page`` in a page and as ``worker`` in a worker.

    Each module becomes a function that is called when it is first imported; those that neither
    needs are left out.

    Args:
        modules: source texts by path. They import names in braces from each other by relative
            paths, and export functions, classes and constants where they are declared; other forms
            are not known.
        page: path of the module to start with in a page.
        worker: likewise in a worker.

    Raises:
        ValueError: an import of what is not there, or in another form.
    """
    modules = _used(modules, page, worker)
    exported = {path: [name for _, name in _EXPORT.findall(text)] for path, text in modules.items()}
    parts = [_wrap(path, text, exported) for path, text in modules.items()]
    return (
        '"use strict";\n(() => {\nconst modules = {}, loaded = {};\n'
        "const load = (name) => (loaded[name] ??= modules[name]());\n\n"
        f'{"".join(parts)}load(typeof document === "undefined" ? "{worker}" : "{page}");\n}})();\n'
    )


def _used(modules: dict[str, str], *entries: str) -> dict[str, str]:
    found, waiting = set(), list(entries)
    while waiting:
        path = waiting.pop()
        if path in modules and path not in found:
            found.add(path)
            waiting += [_resolve(source, path) for _, source in _IMPORT.findall(modules[path])]
    return {path: text for path, text in modules.items() if path in found}


def _resolve(source: str, path: str) -> str:
    """Return the path of what a module imports."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), source))


def _wrap(path: str, text: str, exported: dict[str, list[str]]) -> str:
    def load(found: re.Match[str]) -> str:
        source = _resolve(found[2], path)
        names = [name.strip() for name in found[1].split(",") if name.strip()]
        missing = [name for name in names if name not in exported.get(source, [])]
        if missing:
            raise ValueError(f"{path}: {source} exports no {missing[0]}")
        return f'const {{ {", ".join(names)} }} = load("{source}");\n'

    body = _EXPORT.sub(r"\1", _IMPORT.sub(load, text))
    if (left := _LEFT.search(body)) or "</script" in body:
        raise ValueError(f"{path}: cannot be bundled: {left[0] if left else '</script'}")
    return f'modules["{path}"] = () => {{\n{body}return {{ {", ".join(exported[path])} }};\n}};\n\n'
