"""The lock of a folder: a file ``.lock`` in it, which one process holds at a time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from mnistlab.errors import BusyError, RunError

LOCK_NAME = ".lock"


@contextlib.contextmanager
def folder_lock(folder: Path, *, seconds: float = 0, busy: str) -> Iterator[None]:
    """Hold a folder's lock. The file stays: another process may already be waiting for it.

    Args:
        folder: which must exist.
        seconds: to wait for another process that holds it.
        busy: what to say if it still does.

    Raises:
        BusyError: another process holds it.
        RunError: the folder cannot be written to, or its ``.lock`` is a link.
    """
    file = folder / LOCK_NAME
    try:
        # Versions of filelock empty the file that they lock; O_NOFOLLOW is not everywhere.
        if file.is_symlink() or (file.exists() and file.stat().st_nlink > 1):
            raise RunError(
                f"{folder}: cannot be used: its {LOCK_NAME} is a link, which is not followed;"
                " remove it"
            )
        lock = FileLock(file, timeout=seconds)
        lock.acquire()
    except Timeout:
        raise BusyError(f"{folder}: {busy}") from None
    except OSError as error:
        raise RunError(f"{folder}: cannot be used: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
