"""Bounds: how many bytes of memory a file may expand to, so that a small one from a stranger cannot
fill it.
"""

import io
import os
from pathlib import Path
from typing import IO

from mnistlab.errors import DataError

LEAST = 1 << 26
"""Bytes to which any packed file may expand."""
_RATIO = 100
"""More than that no published data set is packed; MNIST is 5 to 1."""


def most_unpacked(packed: int) -> int:
    """Return how many bytes, or grey pixels, so many packed bytes may expand to."""
    return max(LEAST, _RATIO * packed)


def refuse_bomb(path: Path | str, promised: int, packed: int | None = None) -> None:
    """Refuse a packed file that promises to expand to more bytes than it may.

    Args:
        path: of the file, or what messages call it.
        promised: bytes.
        packed: the file's bytes, if it is not on the disk.

    Raises:
        DataError: it does; the message starts with the path.
    """
    most = most_unpacked(Path(path).stat().st_size if packed is None else packed)
    if promised > most:
        raise DataError(
            f"{path}: would expand to {promised:,} bytes, more than the"
            f" {most:,} allowed for a file of its size; unpack it yourself"
        )


def refuse_holes(file: IO[bytes], path: Path) -> None:
    """Refuse a large packed file that was never written in places, which packing does not leave.

    Reading its zeros could take days, although it takes no space on the disk.

    Raises:
        DataError: there is a hole in it.
    """
    size = os.fstat(file.fileno()).st_size
    if size <= LEAST or not hasattr(os, "SEEK_HOLE"):
        return
    # Where a file system knows of no holes, the first one is the file's end.
    if os.lseek(file.fileno(), 0, os.SEEK_HOLE) < size:
        raise DataError(f"{path}: incomplete: parts of it were never written; copy it again")
    file.seek(0)


class BoundedReader(io.RawIOBase):
    """A file that is only read up to a bound, which is checked before anything is read.

    Args:
        file: what to read; it is closed with this.
        most: bytes from its beginning.
        path: for messages.
    """

    def __init__(self, file: IO[bytes], most: int, path: Path) -> None:
        self._file = file
        self._most = most
        self._path = path

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, but not beyond the bound."""
        if whence == os.SEEK_SET:
            self._refuse_beyond(offset)
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        """Read, but nothing if that went beyond the bound; without a size, all that is left."""
        if size >= 0:
            self._refuse_beyond(self._file.tell() + size)
            return self._file.read(size)
        content = self._file.read(self._most - self._file.tell() + 1)
        self._refuse_beyond(self._file.tell())
        return content

    def close(self) -> None:
        """Close the file as well."""
        self._file.close()
        super().close()

    def _refuse_beyond(self, position: int) -> None:
        if position > self._most:
            raise DataError(
                f"{self._path}: truncated, or would expand to more than {self._most:,} bytes; copy"
                " it again"
            )
