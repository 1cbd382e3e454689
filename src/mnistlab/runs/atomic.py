"""Atomic writes: whatever happens, a file has either its old content or its new one."""

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
"""Random bytes in a temporary file's name, two digits each."""
_TRIES, _TICK = 100, 0.01
"""How often to try to lock a folder that another process is clearing, and seconds in between."""
_STRAY = re.compile(rf"\.(?P<name>.+)\.[0-9a-f]{{{2 * _RANDOM}}}{re.escape(_SUFFIX)}", re.DOTALL)
_strays: dict[Path, dict[str, list[Path]]] = {}
"""By folder, its temporary files by the file that each was to become; listed once, since listing a
large folder takes long."""


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file through a temporary one beside it: write, fsync, rename, fsync the folder.

    Temporary files that killed processes left of the same file are removed. A link is replaced,
    not its target.

    Args:
        path: the file to make or replace; its folder must exist.
        content: bytes, or text to be written as UTF-8; what UTF-8 cannot encode, such as some
            file names, is written as escapes.

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
    """Open a file's folder and lock it, as all who write into it do at the same time."""
    # Windows cannot open folders: no fsync of them there, and temporary files stay.
    if sys.platform == "win32":
        yield None
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _clear_strays(path, descriptor)
        # Clearing takes a moment. A lock that is held longer is the user's, and does no harm.
        for _ in range(_TRIES):
            if _lock(descriptor, fcntl.LOCK_SH):
                break
            time.sleep(_TICK)
        yield descriptor
    finally:
        os.close(descriptor)


def _clear_strays(path: Path, descriptor: int) -> None:
    folder = path.parent.absolute()
    # Only with an exclusive lock is it certain that nobody is writing these files.
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
        # Some network file systems cannot lock folders: then nothing is cleared, and nobody waits.
        return kind == fcntl.LOCK_SH
    return True
