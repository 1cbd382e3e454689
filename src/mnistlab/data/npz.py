"""Keras's ``mnist.npz``: ``x_train``, ``y_train``, ``x_test``, ``y_test`` in one zip of arrays."""

import io
import math
import warnings
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mnistlab.data.bounds import refuse_bomb
from mnistlab.data.dataset import Dataset, Split, make_dataset
from mnistlab.errors import DataError
from mnistlab.files import open_file
from mnistlab.text import listed

_NAMES = ("x_train", "y_train", "x_test", "y_test")
_SUFFIX = ".npy"


def read_npz(path: Path) -> Dataset:
    """Read such a file; arrays that would need pickle are refused.

    Raises:
        DataError: not a zip of arrays, damaged, an array missing, or of another shape or type.
    """
    try:
        with open_file(path) as file, warnings.catch_warnings():
            # NumPy warns of headers that Python 2 wrote.
            warnings.simplefilter("ignore")
            if file.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX:
                raise DataError(f"{path}: one array, not a zip of four as Keras publishes it")
            train_images, train_labels, test_images, test_labels = _read_arrays(file, path)
        train, test = (
            _split(train_images, train_labels, path),
            _split(test_images, test_labels, path),
        )
    except (DataError, MemoryError):
        raise
    # The exceptions of zip files and array headers share no other base class.
    except Exception as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    return make_dataset(path.stem, train, test)


def _read_arrays(file: BinaryIO, path: Path) -> list[NDArray[np.generic]]:
    with zipfile.ZipFile(file) as archive:
        held = [name.removesuffix(_SUFFIX) for name in archive.namelist()]
        missing = sorted(set(_NAMES) - set(held))
        if missing:
            raise DataError(
                f"{path}: lacks {', '.join(missing)}; it holds {listed(held) or 'nothing'}"
            )
        members = [archive.getinfo(name + _SUFFIX) for name in _NAMES]
        refuse_bomb(path, sum(member.file_size for member in members))
        if any(
            member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            for member in members
        ):
            raise DataError(
                f"{path}: compressed in another way than by NumPy; write it with"
                " numpy.savez_compressed"
            )
        return [_parse(_read_member(archive, member), path) for member in members]


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return all bytes of a member, whose checksum is only checked at its end."""
    with archive.open(member) as file:
        # With its size, since zipfile would otherwise unpack 2 GiB before it looks at it.
        content = file.read(member.file_size)
        if len(content) < member.file_size:
            raise EOFError(f"{member.filename}: truncated")
        return content


def _parse(content: bytes, path: Path) -> NDArray[np.generic]:
    """Make an array of a ``.npy`` file's bytes, without a copy."""
    stream = io.BytesIO(content)
    read_header = (
        npy.read_array_header_1_0 if npy.read_magic(stream) == (1, 0) else npy.read_array_header_2_0
    )
    shape, is_fortran, dtype = read_header(stream)
    if dtype.hasobject:
        raise DataError(
            f"{path}: cannot be read: it holds Python objects, which are never loaded; write plain"
            " numbers"
        )
    start = stream.tell()
    promised, found = math.prod(shape) * dtype.itemsize, len(content) - start
    if promised != found:
        raise DataError(
            f"{path}: an array's header promises {promised:,} bytes, but the file holds {found:,}"
        )
    return np.frombuffer(content, dtype, offset=start).reshape(
        shape, order="F" if is_fortran else "C"
    )


def _split(images: NDArray[np.generic], labels: NDArray[np.generic], path: Path) -> Split:
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 or images.dtype != np.uint8:
        raise DataError(
            f"{path}: images of shape {images.shape} and type {images.dtype}; expected (n, h, w) of"
            " uint8"
        )
    if labels.size != len(labels) or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{path}: labels of shape {labels.shape} and type {labels.dtype}; expected (n,) whole"
            " numbers"
        )
    return Split(images.astype(np.uint8, copy=False), labels.reshape(-1).astype(np.int64))
