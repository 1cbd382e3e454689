"""Pickles of arrays, such as ``mnist.pkl.gz``, read without running them."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.array_files import joined, place_of, read_array_files, read_whole
from mnistlab.data.arrays import rows_from, splits_from
from mnistlab.data.bounds import most_unpacked
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Parts, ReadOptions, Rows
from mnistlab.data.plain_pickle import read_pickle
from mnistlab.errors import DataError

_SUFFIXES = (".pkl", ".pickle", ".p", ".pkl.gz", ".pickle.gz")
_GZIP_MAGIC = b"\x1f\x8b"
_SPLITS = {2: ("train", "test"), 3: ("train", "validation", "test")}
"""What pairs of images and labels are, by how many there are."""


def _named(tree: FileTree) -> list[str]:
    return [name for name in tree.others if name.lower().endswith(_SUFFIXES)]


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    del options
    return bool(_named(tree))


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    """Read the arrays of the files that make one data set."""
    files, notes = read_array_files(
        tree, _named(tree), options.chosen, lambda name: _read_file(tree, name)
    )
    parts = splits_from(joined(files), place_of(tree, files))
    return Parts(**{**vars(parts), "notes": [*parts.notes, *notes]})


def _read_file(tree: FileTree, name: str) -> dict[str, NDArray[Any]]:
    content, where = read_whole(tree, name), tree.where(name)
    if content.startswith(_GZIP_MAGIC):
        content = _unpacked(content, where)
    return dict(_arrays(read_pickle(content, where)))


def _unpacked(content: bytes, where: str) -> bytes:
    most = most_unpacked(len(content))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{where}: cannot be read: {error}") from error
    if len(unpacked) > most:
        raise DataError(f"{where}: would expand to more than {most:,} bytes")
    return unpacked


def _arrays(held: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays of a dictionary, or of pairs of images and labels, by name."""
    if isinstance(held, np.ndarray):
        yield "images", held
    elif isinstance(held, dict):
        for key, value in held.items():
            name = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
            if isinstance(value, dict):
                yield from ((f"{name}/{inner}", array) for inner, array in _arrays(value))
            else:
                yield name, _array(value)
    elif isinstance(held, list | tuple):
        pairs = all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in held)
        if pairs and len(held) in _SPLITS:
            for part, (images, labels) in zip(_SPLITS[len(held)], held, strict=True):
                yield f"{part}/images", _array(images)
                yield f"{part}/labels", _array(labels)
        else:
            yield from ((f"arr_{at}", _array(value)) for at, value in enumerate(held))


def _array(value: Any) -> NDArray[Any]:
    """Return an array or a list as an array, an empty one of objects if it is neither."""
    if isinstance(value, np.ndarray):
        return value
    try:
        return np.array(value if isinstance(value, list | tuple) else None)
    # Lists of lists of different lengths.
    except ValueError:
        return np.empty(0, object)


def _rows(tree: FileTree, name: str) -> Rows:
    arrays = {key: array for key, array in _read_file(tree, name).items() if array.size}
    return rows_from(arrays, tree.where(name))


FORM = Form("pickled arrays", 62, _matches, _read, _rows)
