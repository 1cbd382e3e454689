"""Files that are either old or new, whole in both cases, whatever happens in between."""

import contextlib
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

TEMPORARY_SUFFIX = ".tmp"
_RANDOM = 8
"""Bytes, two digits each, in a temporary file's name."""
_TRIES, _TICK = 100, 0.01
"""How often a folder that another process clears is looked at, and seconds between two looks."""
_cleared: set[Path] = set()
"""Folders that this process has cleared of strays; once is enough, and large ones take long to list."""


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file by way of a temporary one beside it: write, fsync, rename, fsync of the folder.

    The first save of a process into a folder clears away the temporary files that killed ones left there. Devices and
    pipes, such as ``/dev/full``, are written to and stay what they are.

    Args:
        path: the file to make or replace; its folder must exist.
        content: bytes, or text to be written as UTF-8; file names that are not UTF-8 stand in it with escapes.

    Raises:
        OSError: the folder or the disk refuses; it names ``path``. The temporary file is removed, and the old one
            untouched unless it was the last step that failed, the folder's fsync.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(_RANDOM)}{TEMPORARY_SUFFIX}")
    try:
        if _is_device(path):
            path.write_bytes(data)
            return
        with _held(path.parent) as folder:
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


def _is_device(path: Path) -> bool:
    return path.parent == Path("/dev") or (path.exists() and not (path.is_file() or path.is_dir()))


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[int | None]:
    """Open a folder and lock it together with all others who write into it."""
    # Windows cannot open folders; there the rename alone has to do, and strays stay.
    if sys.platform == "win32":
        yield None
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _clear_strays(folder.absolute(), descriptor)
        # A clearing takes a moment; who holds the folder for longer is the user, and no danger.
        for _ in range(_TRIES):
            if _lock(descriptor, fcntl.LOCK_SH):
                break
            time.sleep(_TICK)
        yield descriptor
    finally:
        os.close(descriptor)


def _clear_strays(folder: Path, descriptor: int) -> None:
    # Only who is alone in the folder may say that nobody writes what lies there.
    if folder in _cleared or not _lock(descriptor, fcntl.LOCK_EX):
        return
    for stray in folder.glob(f".*.{'[0-9a-f]' * 2 * _RANDOM}{TEMPORARY_SUFFIX}"):
        with contextlib.suppress(OSError):
            stray.unlink()
    _cleared.add(folder)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network file systems lock no folders: then nobody there may clear, and nobody need wait.
        return kind == fcntl.LOCK_SH
    return True
