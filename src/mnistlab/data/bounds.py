"""Bounds: what a file may come to in memory, so that a small one from a stranger cannot fill it."""

import io
import os
from pathlib import Path
from typing import IO

from mnistlab.errors import DataError

LEAST = 1 << 26
"""Bytes that any packed file may come to."""
_RATIO = 100
"""More than that no published data set is packed; MNIST is 5 to 1."""


def most_unpacked(path: Path) -> int:
    """Return how many bytes a packed file may come to."""
    return max(LEAST, _RATIO * path.stat().st_size)


def refuse_bomb(path: Path, promised: int) -> None:
    """Refuse a packed file that promises more bytes than are unpacked.

    Raises:
        DataError: it does; the message starts with the path.
    """
    most = most_unpacked(path)
    if promised > most:
        raise DataError(
            f"{path}: would come to {promised:,} bytes; at most {most:,} are unpacked of a file of"
            " its size"
        )


class BoundedReader(io.RawIOBase):
    """A file that is read only as far as a bound, which is asked for before anything is read.

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
        """Read, but nothing if that were beyond the bound; all that is left if no size is given."""
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
                f"{self._path}: cut off, or would come to more than {self._most:,} bytes; copy it"
                " anew"
            )
