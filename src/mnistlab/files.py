"""Reading files: never a pipe or a device, which could keep the reader waiting or busy for ever,
and never more bytes than a file of its kind can have.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
MOST_BYTES = 1 << 28
"""The largest file that :func:`read_file` reads unless it is given another bound."""
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
"""Opening a pipe would otherwise wait for somebody who writes into it, and a terminal might become
ours."""


def open_file(path: Path) -> BinaryIO:
    """Open a file to read its bytes.

    Raises:
        OSError: it cannot be opened, or is no regular file; links are followed.
    """
    # Before it is opened, since that alone does something to some devices; and after, since it may
    # be another by then.
    refuse_special(path)
    file = open(path, "rb", opener=_open)  # noqa: SIM115 - pathlib takes no opener
    try:
        _refuse(os.fstat(file.fileno()).st_mode, path)
    except BaseException:
        file.close()
        raise
    return file


def read_file(path: Path | str, most: int = MOST_BYTES) -> bytes:
    """Return a file's bytes.

    Args:
        path: of the file.
        most: bytes that it may have. A file of 1 TB without content takes no space on a disk, but
            would fill the memory.

    Raises:
        OSError: see :func:`open_file`; or the file is larger than ``most``, or than the memory.
    """
    refuse_special(path)
    # Without a file object, which takes longer to make than a small file to read.
    file = _open(os.fspath(path), os.O_RDONLY | getattr(os, "O_BINARY", 0))
    content = b""
    try:
        about = os.fstat(file)
        _refuse(about.st_mode, path)
        size = about.st_size
        if size <= most:
            content = os.read(file, size + 1)
            # Files of /proc have no size, others may have grown, and large ones come in pieces.
            while len(content) != size and len(content) <= most:
                piece = os.read(file, most + 1 - len(content))
                if not piece:
                    break
                content += piece
    except MemoryError:
        raise OSError(errno.ENOMEM, "it does not fit into memory", str(path)) from None
    finally:
        os.close(file)
    if max(size, len(content)) > most:
        raise OSError(errno.EFBIG, f"larger than the {most:,} bytes that are read", str(path))
    return content


def refuse_special(path: Path | str) -> None:
    """Refuse a pipe, a socket or a device, to which a link may lead; what is not there passes.

    Raises:
        OSError: it is one.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a Path is slow to make
    except OSError:
        return
    _refuse(mode, path)


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | _FLAGS)


def _refuse(mode: int, path: Path | str) -> None:
    kind = _KINDS.get(stat.S_IFMT(mode))
    if kind:
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))
