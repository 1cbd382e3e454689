"""The course's archives: ``train.tar`` and ``test.tar``, pictures named
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
from typing import IO, Any, BinaryIO, cast

import numpy as np

from mnistlab.data.bounds import LEAST, BoundedReader, most_unpacked
from mnistlab.data.dataset import Dataset, Split, make_dataset
from mnistlab.data.image_files import SUFFIXES, decode, stack
from mnistlab.errors import DataError
from mnistlab.files import open_file
from mnistlab.text import shorten

_NAME = re.compile(r"(?P<number>\d{1,18})_(?P<label>\d{1,4})")

_PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
"""What opens a packed archive, by how it starts."""


def read_tars(train: Path, test: Path | None) -> Dataset:
    """Read a training archive and, unless ``None``, a test archive.

    Raises:
        DataError: not a tar file, truncated, empty, a broken picture, or one whose name is not
            ``{number}_{label}``.
    """
    return make_dataset(
        train.parent.name or train.stem, _read_tar(train), _read_tar(test) if test else None
    )


def _read_tar(path: Path) -> Split:
    pictures = []
    try:
        with (
            open_file(path) as packed,
            _unpack(packed, path) as file,
            tarfile.open(fileobj=file, mode="r:") as archive,
        ):
            for member in archive:
                name = PurePosixPath(member.name)
                if (
                    not member.isfile()
                    or name.name.startswith(".")
                    or name.suffix.lower() not in SUFFIXES
                ):
                    continue
                # Of a sparse file the archive holds less than its size.
                if member.size > LEAST:
                    raise DataError(
                        f"{path}: {shorten(str(name))}: {member.size:,} bytes are no picture of a"
                        " digit"
                    )
                content = archive.extractfile(member)
                if content is not None:
                    number, label = _parse_name(name, path)
                    where = f"{path}: {shorten(str(name))}"
                    pictures.append((number, label, decode(content.read(), where), where))
            _refuse_cut(archive, path)
    except (
        OSError,
        EOFError,
        ValueError,
        OverflowError,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise DataError(f"{path}: cannot be read as a tar file: {error}") from error
    if not pictures:
        raise DataError(f"{path}: no pictures in the archive")
    # The archive's own order is that of whichever file system it was packed on.
    pictures.sort(key=lambda entry: entry[0])
    images = stack([entry[2] for entry in pictures], [entry[3] for entry in pictures])
    return Split(images, np.array([entry[1] for entry in pictures], np.int64))


def _unpack(file: BinaryIO, path: Path) -> IO[bytes]:
    start = file.read(6)
    file.seek(0)
    for magic, unpack in _PACKED.items():
        if start.startswith(magic):
            return cast("IO[bytes]", BoundedReader(unpack(file), most_unpacked(path), path))
    return cast("IO[bytes]", BoundedReader(file, path.stat().st_size + tarfile.RECORDSIZE, path))


def _refuse_cut(archive: tarfile.TarFile, path: Path) -> None:
    """Refuse an archive without the block of zeros that ends every whole one, which tarfile itself
    lets pass.
    """
    file = archive.fileobj
    if file is not None:
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise DataError(f"{path}: the archive is cut off; copy it anew")
        # The checksum of a packed archive is looked at in the end, and beyond the block of zeros
        # there is more.
        while file.read(tarfile.RECORDSIZE):
            pass


def _parse_name(name: PurePosixPath, path: Path) -> tuple[int, int]:
    match = _NAME.fullmatch(name.stem)
    if match is None:
        raise DataError(
            f"{path}: {shorten(str(name))}: a picture is named {{number}}_{{label}}.png, for"
            " example 00042_7.png"
        )
    return int(match["number"]), int(match["label"])
