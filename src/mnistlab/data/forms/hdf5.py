"""HDF5 files, also those that MATLAB 7.3 writes: data sets in groups, each an array."""

import io
import math
from contextlib import closing
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.array_files import (
    beside,
    joined,
    place_of,
    read_array_files,
    read_whole,
    start_of,
)
from mnistlab.data.arrays import splits_from
from mnistlab.data.bounds import refuse_bomb
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Parts, ReadOptions
from mnistlab.errors import DataError
from mnistlab.files import open_file

if TYPE_CHECKING:
    import h5py

_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5", ".h5py", ".mat")
_MAGIC, _MAGIC_AT = b"\x89HDF\r\n\x1a\n", (0, 512, 1024, 2048)
_CLASS, _REFERENCES = "MATLAB_class", "#refs#"
_MOST_DATA_SETS = 10_000


def _named(tree: FileTree, options: ReadOptions) -> list[str]:
    return [
        name
        for name in tree.names
        if (name.lower().endswith(_SUFFIXES) or name == options.chosen) and _is_hdf5(tree, name)
    ]


def _is_hdf5(tree: FileTree, name: str) -> bool:
    start = start_of(tree, name, _MAGIC_AT[-1] + len(_MAGIC))
    return any(start[at : at + len(_MAGIC)] == _MAGIC for at in _MAGIC_AT)


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    return bool(_named(tree, options))


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    """Read the data sets of the files that make one set of images.

    Raises:
        DataError: as :func:`mnistlab.data.arrays.splits_from` does; a damaged file, one that refers
            to others, or h5py is not installed.
    """
    try:
        import h5py  # noqa: F401
    except ImportError as error:
        raise DataError(
            f"{tree.place}: HDF5 files need an extra; install it: pip install 'mnistlab[hdf5]'"
        ) from error
    matlab: list[bool] = []
    files, notes = read_array_files(
        tree, _named(tree, options), options.chosen, lambda name: _read_file(tree, name, matlab)
    )
    if options.chosen and all(len(arrays) == 1 for arrays in files.values()):
        whole = beside(tree, options.chosen)
        files, notes = read_array_files(
            whole,
            _named(whole, options),
            options.chosen,
            lambda name: _read_file(whole, name, matlab),
        )
    parts = splits_from(joined(files), place_of(tree, files), matlab=any(matlab))
    return Parts(**{**vars(parts), "notes": [*parts.notes, *notes]})


def _read_file(tree: FileTree, name: str, matlab: list[bool]) -> dict[str, NDArray[Any]]:
    import h5py

    where, path = tree.where(name), tree.path(name)
    try:
        opened = cast("BinaryIO", io.BytesIO(read_whole(tree, name)))
        if path is not None:
            opened = open_file(path)
        with closing(opened), h5py.File(opened, "r") as file:
            found = _data_sets(file, where)
            promised = sum(math.prod(data.shape) * data.dtype.itemsize for data in found.values())
            refuse_bomb(where, promised, tree.size(name))
            matlab.append(any(_CLASS in data.attrs for data in found.values()))
            return {key: _array(data, file) for key, data in found.items()}
    except (DataError, MemoryError):
        raise
    # h5py raises almost anything on damaged files.
    except Exception as error:
        raise DataError(f"{where}: cannot be read as an HDF5 file: {error}") from error


def _data_sets(file: "h5py.File", where: str) -> dict[str, "h5py.Dataset"]:
    """Return the data sets by name; links to other files are not followed.

    Raises:
        DataError: the values of one lie in another file, which could be any on this machine.
    """
    import h5py

    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or name.startswith(_REFERENCES):
            return
        if item.shape is None:
            return
        if item.external or item.is_virtual:
            raise DataError(f"{where}: {name} lies in another file; copy it into this one")
        if len(found) >= _MOST_DATA_SETS:
            raise DataError(f"{where}: more than {_MOST_DATA_SETS:,} data sets")
        found[name] = item

    file.visititems(visit)
    return found


def _array(data: "h5py.Dataset", file: "h5py.File") -> NDArray[Any]:
    """Return a data set as an array; MATLAB reverses its axes, and writes text as numbers."""
    import h5py

    if h5py.check_string_dtype(data.dtype) is not None:
        return np.array(data.asstr("utf-8", "replace")[()], dtype=str)
    kind = data.attrs.get(_CLASS)
    if kind == b"char":
        return np.array([_text(row) for row in data[()].T])
    if kind == b"cell":
        cells = [file[reference] for reference in data[()].reshape(-1)]
        if all(cell.attrs.get(_CLASS) == b"char" for cell in cells):
            return np.array([_text(cell[()].T.reshape(-1)) for cell in cells])
        return np.empty(0, object)
    if data.dtype.hasobject or data.dtype.names:
        return np.empty(0, object)
    values = np.asarray(data[()])
    return values.T if kind is not None else values


def _text(codes: NDArray[Any]) -> str:
    return "".join(map(chr, codes.tolist()))


FORM = Form("HDF5 files", 61, _matches, _read)
