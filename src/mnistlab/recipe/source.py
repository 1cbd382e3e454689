"""Source: the code of a model of the user's own, which decides a run's outcome as the recipe's fields do."""

import contextlib
import hashlib
import importlib.util
import sys
from pathlib import Path


def source_digest(model: str) -> str:
    """Return sixteen hexadecimal digits of SHA-256 over the file that a recipe's ``model`` names.

    Args:
        model: ``path/to/file.py:build`` or ``package.module:build``; what that file imports does not count.

    Returns:
        Empty for a built-in model, and where there is no such file.
    """
    name, colon, _ = model.rpartition(":")
    if not colon:
        return ""
    try:
        origin = Path(name).expanduser() if name.endswith(".py") else Path(_origin(name))
        return hashlib.sha256(origin.read_bytes()).hexdigest()[:16]
    # A home folder of nobody is a RuntimeError.
    except (OSError, RuntimeError):
        return ""


def search_current_folder() -> None:
    """Let modules be found in the current folder, as a user's models are."""
    # It may have been deleted; then nothing is found in it.
    with contextlib.suppress(OSError):
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))


def _origin(module: str) -> str:
    search_current_folder()
    try:
        spec = importlib.util.find_spec(module)
    # It imports the packages around the module, which may raise anything.
    except Exception:
        spec = None
    return (spec.origin if spec else None) or ""
