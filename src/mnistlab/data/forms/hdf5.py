"""HDF5 files, also those that MATLAB 7.3 writes: data sets in groups, each an array."""

import io
import json
import math
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
from mnistlab.data.arrays import rows_from, splits_from
from mnistlab.data.bounds import most_unpacked
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Parts, ReadOptions, Rows
from mnistlab.errors import DataError, describe_exit
from mnistlab.files import open_file

_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5", ".h5py", ".mat")
_MAGIC, _MAGIC_AT = b"\x89HDF\r\n\x1a\n", (0, 512, 1024, 2048)
_READER = str(Path(__file__).parents[1] / "hdf5_reader.py")
_SECONDS, _BYTES_PER_SECOND = 30, 5e6
"""How long reading a file may take."""


def _named(tree: FileTree, options: ReadOptions) -> list[str]:
    return [
        name
        for name in tree.others
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
    _refuse_missing_extra(tree.place)
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


def _refuse_missing_extra(place: Path | str) -> None:
    if find_spec("h5py") is None:
        raise DataError(
            f"{place}: HDF5 files need an extra; install it: pip install 'mnistlab[hdf5]'"
        )


def _read_file(tree: FileTree, name: str, matlab: list[bool]) -> dict[str, NDArray[Any]]:
    where, size, path = tree.where(name), tree.size(name), tree.path(name)
    try:
        with open_file(path) if path else io.BytesIO() as file:
            answer = subprocess.run(  # noqa: S603 - a program of this package
                [sys.executable, "-P", _READER, str(most_unpacked(size))],
                stdin=file if path else None,
                input=None if path else read_whole(tree, name),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS + size / _BYTES_PER_SECOND,
                check=False,
            )
    except OSError as error:
        raise DataError(f"{where}: cannot be read: {error.strerror or error}") from error
    except subprocess.TimeoutExpired as error:
        raise DataError(
            f"{where}: not read within {error.timeout:.0f} seconds; the file is probably damaged"
        ) from None
    arrays, about = _parse(answer.stdout)
    if answer.returncode:
        about = {"error": f"the reader {describe_exit(answer.returncode)}"}
    if "matlab" not in about:
        reason = about.get("error", "truncated")
        raise DataError(f"{where}: cannot be read as an HDF5 file: {reason}")
    matlab.append(about["matlab"])
    return arrays


def _parse(answer: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays that the reader wrote, and its last line."""
    arrays: dict[str, NDArray[Any]] = {}
    at, about = 0, dict[str, Any]()
    while at < len(answer):
        end = answer.find(b"\n", at) + 1
        if not end:
            break
        about, at = json.loads(answer[at:end]), end
        if "name" not in about:
            continue
        kind, shape = np.dtype(about["type"]), tuple(about["shape"])
        if kind.hasobject:
            arrays[about["name"]] = np.empty(0, object)
            continue
        count = math.prod(shape)
        if at + count * kind.itemsize > len(answer):
            break
        if kind.itemsize:
            flat = np.frombuffer(answer, kind, count, at)
            arrays[about["name"]] = flat.reshape(shape)
        at += count * kind.itemsize
    return arrays, about


def _rows(tree: FileTree, name: str) -> Rows:
    where, matlab = tree.where(name), list[bool]()
    _refuse_missing_extra(where)
    arrays = _read_file(tree, name, matlab)
    held = {key: array for key, array in arrays.items() if array.size}
    return rows_from(held, where, matlab=matlab[0])


FORM = Form("HDF5 files", 61, _matches, _read, _rows)
