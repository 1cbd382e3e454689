"""IDX, the file format in which MNIST is published (LeCun, Cortes and Burges, 1998)."""

import gzip
import io
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.bounds import refuse_bomb, refuse_holes
from mnistlab.data.dataset import Split
from mnistlab.errors import DataError
from mnistlab.files import open_file

# QMNIST's labels are 32-bit integers; everything else in MNIST's family is unsigned bytes.
_ELEMENTS: dict[int, np.dtype[Any]] = {0x08: np.dtype(np.uint8), 0x0C: np.dtype(">i4")}
_MOST_DIMENSIONS = 4
_LONGEST_HEADER = 4 + 4 * _MOST_DIMENSIONS
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: Path) -> NDArray[Any]:
    """Read one IDX file, gzipped or plain.

    Args:
        path: for example ``train-images-idx3-ubyte.gz``; the content decides whether it is
            unzipped, not the name.

    Returns:
        uint8 or big-endian int32, read-only, shaped as the header says: ``(60000, 28, 28)`` for
        MNIST's training images, ``(60000,)`` for its labels.

    Raises:
        DataError: unreadable, damaged, not IDX, of another element type, or of another length than
            its header says.
    """
    try:
        with open_file(path) as file:
            refuse_holes(file, path)
            return _read(file, str(path))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def parse_idx(content: bytes, where: str) -> NDArray[Any]:
    """Read the bytes of an IDX file, which messages call ``where``; see :func:`read_idx`."""
    try:
        return _read(io.BytesIO(content), where)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{where}: cannot be read: {error}") from error


def read_split(images: Path, labels: Path) -> Split:
    """Read a file of images and the file of their labels.

    Args:
        images: uint8, ``(n, height, width)``.
        labels: uint8 ``(n,)``, or int32 ``(n, fields)`` as QMNIST has them, of which the first
            field is the class.

    Raises:
        DataError: a file cannot be read, has another shape, or their counts differ.
    """
    pixels, classes = read_idx(images), read_idx(labels)
    if pixels.ndim != 3 or pixels.dtype != np.uint8:
        raise DataError(
            f"{images}: shape {pixels.shape} of {pixels.dtype}; images are (n, height, width) of"
            " uint8"
        )
    if classes.ndim == 2 and classes.shape[1] > 0:
        classes = classes[:, 0]
    if classes.ndim != 1:
        raise DataError(f"{labels}: shape {classes.shape}; labels are (n,)")
    if len(pixels) != len(classes):
        raise DataError(
            f"{labels}: {len(classes):,} labels, but {images.name} holds {len(pixels):,} images"
        )
    return Split(pixels, classes.astype(np.int64))


def _read(file: BinaryIO, where: str) -> NDArray[Any]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    file.seek(0)
    return (_read_packed if packed else _read_plain)(file, where, size)


def _read_plain(file: BinaryIO, where: str, size: int) -> NDArray[Any]:
    element, shape, start = _parse_header(file.read(_LONGEST_HEADER), where)
    promised, found = math.prod(shape) * element.itemsize, size - start
    if found != promised:
        raise DataError(
            f"{where}: the header promises {promised:,} bytes, but the file holds {found:,}"
        )
    file.seek(start)
    return np.frombuffer(file.read(promised), element).reshape(shape)


def _read_packed(file: BinaryIO, where: str, size: int) -> NDArray[Any]:
    with gzip.GzipFile(fileobj=file) as unpacked:
        element, shape, start = _parse_header(unpacked.read(_LONGEST_HEADER), where)
        promised = math.prod(shape) * element.itemsize
        refuse_bomb(where, promised, size)
        unpacked.seek(start)
        # One byte more reaches the end, where the checksum is verified.
        content = unpacked.read(promised + 1)
    if len(content) != promised:
        held = "more" if len(content) > promised else f"{len(content):,}"
        raise DataError(
            f"{where}: the header promises {promised:,} bytes, but the file holds {held}"
        )
    return np.frombuffer(content, element).reshape(shape)


def _parse_header(content: bytes, where: str) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return the element type, the shape, and the offset in bytes at which the elements start."""
    if len(content) < 4 or content[:2] != b"\0\0":
        raise DataError(
            f"{where}: not an IDX file (it starts with {content[:4].hex(' ') or 'nothing'})"
        )
    code, dimensions = content[2], content[3]
    if code not in _ELEMENTS:
        raise DataError(
            f"{where}: elements of type 0x{code:02x}; images and labels are 0x08 (bytes) or 0x0c"
            " (int32)"
        )
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise DataError(f"{where}: {dimensions} dimensions; images have 3 or 4 and labels 1")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{where}: ends inside its header")
    return (
        _ELEMENTS[code],
        tuple(np.frombuffer(content, ">u4", dimensions, offset=4).tolist()),
        start,
    )
