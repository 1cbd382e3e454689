"""The course's archives: ``train.tar`` and ``test.tar``, with pictures named
``{number}_{label}.png``.
"""

import bz2
import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Self, cast

import numpy as np

from mnistlab.data.bounds import LEAST, BoundedReader, most_unpacked, refuse_holes
from mnistlab.data.dataset import Dataset, Split, make_dataset
from mnistlab.data.image_files import SUFFIXES, PictureStack
from mnistlab.errors import DataError
from mnistlab.files import open_file
from mnistlab.text import printable, shorten

_NAME = re.compile(r"(?P<number>\d{1,18})_(?P<label>\d{1,4})")

_PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
"""What opens a compressed archive, by its first bytes."""
_MOST_MEMBERS = 1_000_000
_LONGEST_HEADER = 1 << 13
"""Bytes of an extended header, which holds long names and times; tarfile takes time with the square
of them to read it."""
_EXTENDED = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


def read_tars(train: Path, test: Path | None) -> Dataset:
    """Read a training archive and, unless ``None``, a test archive.

    Raises:
        DataError: not a tar file, truncated, empty, a broken picture, or one whose name is not
            ``{number}_{label}``.
    """
    return make_dataset(
        train.parent.name or train.stem, _read_tar(train), _read_tar(test) if test else None
    )


class _Member(tarfile.TarInfo):
    """A member whose header is checked before tarfile acts on it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """See :class:`tarfile.TarInfo`."""
        member = super().frombuf(buf, encoding, errors)
        if member.size < 0:
            raise DataError(f"{shorten(member.name)}: has a size of {member.size:,} bytes")
        if member.type in _EXTENDED and member.size > _LONGEST_HEADER:
            raise DataError(f"{shorten(member.name)}: its name or its attributes are too long")
        return member


def _read_tar(path: Path) -> Split:
    try:
        with open_file(path) as packed:
            opener = _opener(packed)
            with (
                _unpack(packed, opener, path) as file,
                tarfile.open(fileobj=file, mode="r:", tarinfo=_Member) as archive,
            ):
                pictures, numbers, labels = _read_pictures(archive, path)
                _refuse_truncated(archive, path)
                # The checksum of a packed archive is only checked at its end, behind its padding.
                while opener and file.read(tarfile.RECORDSIZE):
                    pass
    except DataError as error:
        raise (
            error if str(error).startswith(printable(str(path))) else DataError(f"{path}: {error}")
        ) from None
    except (
        OSError,
        EOFError,
        ValueError,
        OverflowError,
        RecursionError,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise DataError(f"{path}: cannot be read as a tar file: {error}") from error
    if not labels:
        raise DataError(f"{path}: no pictures in the archive")
    # The archive's order is that of the file system it was made on.
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    return Split(pictures.stacked(order), np.array(labels, np.int64)[order])


def _read_pictures(
    archive: tarfile.TarFile, path: Path
) -> tuple[PictureStack, list[int], list[int]]:
    """Return the pictures, their numbers and their labels, in the archive's order."""
    size = path.stat().st_size
    pictures, numbers, labels = PictureStack(path, most_unpacked(size)), [], []
    last = -1
    for count, member in enumerate(archive):
        # A damaged size can lead back to a header that was read already, for ever.
        if member.size < 0 or member.offset <= last:
            raise DataError(f"{path}: its members overlap; copy it again")
        if count >= _MOST_MEMBERS:
            raise DataError(f"{path}: more than {_MOST_MEMBERS:,} members")
        last = member.offset
        name = PurePosixPath(member.name)
        if not member.isfile() or name.name.startswith(".") or name.suffix.lower() not in SUFFIXES:
            continue
        where = f"{path}: {shorten(str(name))}"
        # Of a sparse member the archive holds less than its size.
        if member.issparse() or member.size > LEAST:
            raise DataError(f"{where}: {member.size:,} bytes are no picture of a digit")
        content = archive.extractfile(member)
        if content is not None:
            number, label = _parse_name(name, path)
            pictures.add(content.read(), where)
            numbers.append(number)
            labels.append(label)
    return pictures, numbers, labels


def _opener(file: BinaryIO) -> Callable[..., Any] | None:
    """Return what opens a packed archive; ``None`` for a plain one."""
    start = file.read(6)
    file.seek(0)
    return next((opener for magic, opener in _PACKED.items() if start.startswith(magic)), None)


def _unpack(file: BinaryIO, opener: Callable[..., Any] | None, path: Path) -> IO[bytes]:
    size = path.stat().st_size
    if opener:
        refuse_holes(file, path)
        return cast("IO[bytes]", BoundedReader(opener(file), most_unpacked(size), path))
    return cast("IO[bytes]", BoundedReader(file, size + tarfile.RECORDSIZE, path))


def _refuse_truncated(archive: tarfile.TarFile, path: Path) -> None:
    """Refuse an archive without the block of zeros that ends every complete one, which tarfile
    accepts.
    """
    file = archive.fileobj
    if file is not None:
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise DataError(f"{path}: the archive is truncated; copy it again")


def _parse_name(name: PurePosixPath, path: Path) -> tuple[int, int]:
    match = _NAME.fullmatch(name.stem)
    if match is None:
        raise DataError(
            f"{path}: {shorten(str(name))}: a picture is named {{number}}_{{label}}.png, for"
            " example 00042_7.png"
        )
    return int(match["number"]), int(match["label"])
