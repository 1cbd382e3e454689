"""MATLAB's ``.mat`` files up to version 7; those of version 7.3 are HDF5."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.array_files import (
    joined,
    place_of,
    read_array_files,
    read_whole,
    start_of,
)
from mnistlab.data.array_names import parse_name
from mnistlab.data.arrays import Arrays, rows_from, splits_from
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Parts, ReadOptions, Rows
from mnistlab.data.mat_file import read_mat

_SUFFIX = ".mat"
_HDF5_START = b"MATLAB 7.3"
_SVHN_SHAPE, _ZERO = (32, 32, 3), 10
_MAPPING = "mapping"


def _named(tree: FileTree) -> list[str]:
    return [
        name
        for name in tree.others
        if name.lower().endswith(_SUFFIX)
        and not start_of(tree, name, len(_HDF5_START)).startswith(_HDF5_START)
    ]


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    del options
    return bool(_named(tree))


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    """Read the arrays of the files that make one data set."""
    files, notes = read_array_files(
        tree, _named(tree), options.chosen, lambda name: _read_file(tree, name)
    )
    place = place_of(tree, files)
    svhn = [_correct_svhn(arrays) for arrays in files.values()]
    if any(svhn):
        notes.append("label 10 stands for the digit 0, as in the Street View House Numbers")
    arrays = dict(joined(files))
    mapping = _take_mapping(arrays)
    # EMNIST's own pixels, and those of the Caltech silhouettes, run down the columns.
    by_columns = bool(mapping) or any("silhouettes" in name.lower() for name in files)
    parts = splits_from(arrays, place, matlab=True, by_columns=by_columns, classes=mapping)
    if by_columns:
        notes.append("pixels are read column by column, as MATLAB stores them")
    return Parts(**{**vars(parts), "notes": [*parts.notes, *notes]})


def _correct_svhn(arrays: Arrays) -> bool:
    """Make label 10 the 0 that it stands for, where the arrays are those of the house numbers."""
    images = next((a for n, a in arrays.items() if parse_name(n).kind == "images"), None)
    labels = next((a for n, a in arrays.items() if parse_name(n).kind == "labels"), None)
    if images is None or labels is None or images.shape[:3] != _SVHN_SHAPE or not labels.size:
        return False
    if labels.dtype.kind not in "ui" or labels.min() < 1 or labels.max() != _ZERO:
        return False
    labels[labels == _ZERO] = 0
    return True


def _take_mapping(arrays: dict[str, NDArray[Any]]) -> Mapping[int, str] | None:
    """Take out EMNIST's table of labels and the codes of their characters."""
    for name, array in arrays.items():
        if name.split("/")[-1] == _MAPPING and array.ndim == 2 and array.shape[1] > 1:
            del arrays[name]
            return {int(row[0]): chr(int(row[1])) for row in array}
    return None


def _read_file(tree: FileTree, name: str) -> dict[str, NDArray[Any]]:
    return dict(_arrays(read_mat(read_whole(tree, name), tree.where(name)), ""))


def _arrays(variables: Mapping[str, Any], above: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays, also those within structures, such as ``dataset/train/images``.

    What is none, such as a sparse matrix, is an empty one of objects, to be named as not used.
    """
    for name, value in variables.items():
        if isinstance(value, dict):
            yield from _arrays(value, f"{above}{name}/")
        elif isinstance(value, np.ndarray):
            yield above + name, value
        else:
            yield above + name, _cell_words(value or ())


def _cell_words(cells: Sequence[Any]) -> NDArray[Any]:
    words = [
        str(cell[0])
        for cell in cells
        if isinstance(cell, np.ndarray) and cell.shape == (1,) and cell.dtype.kind == "U"
    ]
    return np.array(words) if words and len(words) == len(cells) else np.empty(0, object)


def _rows(tree: FileTree, name: str) -> Rows:
    arrays = {key: array for key, array in _read_file(tree, name).items() if array.size}
    by_columns = bool(_take_mapping(arrays))
    return rows_from(arrays, tree.where(name), matlab=True, by_columns=by_columns)


FORM = Form("MATLAB files", 60, _matches, _read, _rows)
