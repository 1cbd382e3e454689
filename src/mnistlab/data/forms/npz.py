"""NumPy's arrays: ``.npz`` files such as Keras's and MedMNIST's, and folders of ``.npy`` files."""

import io
import math
import warnings
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mnistlab.data.array_files import (
    beside,
    joined,
    place_of,
    read_array_files,
    read_whole,
    rest_of,
)
from mnistlab.data.array_names import parse_name
from mnistlab.data.arrays import Arrays, rows_from, splits_from
from mnistlab.data.file_tree import FileTree, Folder, Zip, archive_kind
from mnistlab.data.form import Form, Parts, ReadOptions, Rows
from mnistlab.errors import DataError
from mnistlab.text import listed

_ONE, _SEVERAL = ".npy", ".npz"


def _named(tree: FileTree, suffix: str) -> list[str]:
    return [name for name in tree.others if name.lower().endswith(suffix)]


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    del options
    return bool(_named(tree, _ONE) or _named(tree, _SEVERAL))


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    """Read the arrays; those that would need pickle are refused, or left out if nothing needs them.

    An ``.npz`` file that is opened as an archive, and a folder of ``.npy`` files, look alike.
    """
    archives = _named(tree, _SEVERAL)
    if options.chosen.lower().endswith(_ONE):
        arrays = _named(beside(tree, options.chosen), _ONE)
        same = [name for name in arrays if rest_of(name) == rest_of(options.chosen)]
        tree = Folder(tree.place, same if len(same) > 1 else arrays)
    elif archives:
        files, notes = read_array_files(
            tree, archives, options.chosen, lambda name: _read_npz(tree, name)
        )
        return _splits(joined(files), place_of(tree, files), notes)
    return _splits(_read_arrays(tree), str(tree.place), [])


def _splits(arrays: Arrays, place: str, notes: list[str]) -> Parts:
    kept = {name: array for name, array in arrays.items() if not array.dtype.hasobject}
    for name in arrays.keys() - kept.keys():
        if parse_name(name).kind in ("images", "labels"):
            raise DataError(
                f"{place}: cannot be read: {name} holds Python objects, which are never loaded;"
                " write plain numbers or fixed-length strings"
            )
        notes = [*notes, f"{name} holds Python objects and is left out"]
    parts = splits_from(kept, place)
    return Parts(**{**vars(parts), "notes": [*parts.notes, *notes]})


def _read_npz(tree: FileTree, name: str) -> Mapping[str, NDArray[Any]]:
    path, where = tree.path(name), tree.where(name)
    if path is not None and archive_kind(path) is Zip:
        return _read_members(Zip(path), where)
    content = read_whole(tree, name)
    if content.startswith(npy.MAGIC_PREFIX):
        return {PurePosixPath(name).stem: parse_npy(content, where)}
    return _read_members(Zip(tree.place, io.BytesIO(content)), where)


def _read_members(archive: Zip, where: str) -> Mapping[str, NDArray[Any]]:
    """Read the arrays of a file; other names than NumPy gives are damage."""
    others = [name for name in archive.names if not name.lower().endswith(_ONE)] + archive.hidden
    if others:
        raise DataError(
            f"{where}: cannot be read: holds {listed(others)}; an .npz file holds only .npy files"
        )
    return _read_arrays(archive)


def _read_arrays(tree: FileTree) -> Mapping[str, NDArray[Any]]:
    return {
        name[: -len(_ONE)]: parse_npy(read_whole(tree, name), tree.where(name))
        for name in _named(tree, _ONE)
    }


def parse_npy(content: bytes, where: str) -> NDArray[Any]:
    """Make an array of the bytes of an ``.npy`` file, without a copy.

    Returns:
        The array, read-only; of Python objects an empty one of that type.

    Raises:
        DataError: damaged, or of another length than its header says.
    """
    stream = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            # NumPy warns of headers that Python 2 wrote.
            warnings.simplefilter("ignore")
            is_first = npy.read_magic(stream) == (1, 0)
            read_header = npy.read_array_header_1_0 if is_first else npy.read_array_header_2_0
            shape, is_fortran, dtype = read_header(stream)
    # The header is parsed as Python's literals, which raises almost anything.
    except Exception as error:
        raise DataError(f"{where}: cannot be read: {error}") from error
    if dtype.hasobject:
        return np.empty(0, object)
    start = stream.tell()
    promised, found = math.prod(shape) * dtype.itemsize, len(content) - start
    if promised != found:
        raise DataError(
            f"{where}: its header promises {promised:,} bytes, but the file holds {found:,}"
        )
    try:
        flat = np.frombuffer(content, dtype, offset=start)
        return flat.reshape(shape, order="F" if is_fortran else "C")
    # Elements of no bytes, or a negative length.
    except ValueError as error:
        raise DataError(f"{where}: cannot be read: {error}") from error


def _rows(tree: FileTree, name: str) -> Rows:
    where = tree.where(name)
    if name.lower().endswith(_SEVERAL):
        arrays = _read_npz(tree, name)
    else:
        arrays = {PurePosixPath(name).stem: parse_npy(read_whole(tree, name), where)}
    return rows_from({key: array for key, array in arrays.items() if array.size}, where)


FORM = Form("NumPy arrays", 50, _matches, _read, _rows)
