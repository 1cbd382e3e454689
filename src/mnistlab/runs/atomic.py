"""Files that are either old or new, whole in both cases, whatever happens in between."""

import contextlib
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mnistlab.files import refuse_special

if sys.platform != "win32":
    import fcntl

_SUFFIX = ".tmp"
_RANDOM = 8
"""Bytes, two digits each, in a temporary file's name."""
_TRIES, _TICK = 100, 0.01
"""How often a folder that another process clears is looked at, and seconds between two looks."""
_STRAY = re.compile(
    rf"\.(?P<name>.+)\.[0-9a-f]{{{2 * _RANDOM}}}{re.escape(_SUFFIX)}", re.DOTALL
)
_strays: dict[Path, dict[str, list[Path]]] = {}
"""By folder, its temporary files by the file that each was to become; listed once, since listing a
large folder takes long."""


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file by way of a temporary one beside it: write, fsync, rename, fsync of the folder.

    What killed processes left of the same file is cleared away. A link is replaced, and not what it
    leads to.

    Args:
        path: the file to make or replace; its folder must exist.
        content: bytes, or text to be written as UTF-8; file names that are not UTF-8 stand in it
            with escapes.

    Raises:
        OSError: the folder or the disk refuses, or ``path`` is a pipe or a device; it names
            ``path``. The temporary file is removed, and the old one untouched unless it was the
            last step that failed, the folder's fsync.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(_RANDOM)}{_SUFFIX}")
    try:
        refuse_special(path)
        with _held(path) as folder:
            try:
                with temporary.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    temporary.unlink()
                raise
            if folder is not None:
                os.fsync(folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def find_strays(folder: Path) -> dict[str, list[Path]]:
    """Return the temporary files that killed processes left in a folder, by the name of the file
    that each was to become.
    """
    found: dict[str, list[Path]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            stray = _STRAY.fullmatch(entry.name)
            if stray and entry.is_file(follow_symlinks=False):
                found.setdefault(stray["name"], []).append(folder / entry.name)
    return found


@contextlib.contextmanager
def _held(path: Path) -> Iterator[int | None]:
    """Open a file's folder and lock it together with all others who write into it."""
    # Windows cannot open folders; there the rename alone has to do, and strays stay.
    if sys.platform == "win32":
        yield None
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _clear_strays(path, descriptor)
        # A clearing takes a moment; who holds the folder for longer is the user, and no danger.
        for _ in range(_TRIES):
            if _lock(descriptor, fcntl.LOCK_SH):
                break
            time.sleep(_TICK)
        yield descriptor
    finally:
        os.close(descriptor)


def _clear_strays(path: Path, descriptor: int) -> None:
    folder = path.parent.absolute()
    # Only who is alone in the folder may say that nobody writes what lies there.
    if folder not in _strays and _lock(descriptor, fcntl.LOCK_EX):
        _strays[folder] = find_strays(folder)
    # Files with other names may be the user's.
    for stray in _strays.get(folder, {}).pop(path.name, []):
        with contextlib.suppress(OSError):
            stray.unlink()


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network file systems lock no folders: then nobody there may clear, and nobody need
        # wait.
        return kind == fcntl.LOCK_SH
    return True
