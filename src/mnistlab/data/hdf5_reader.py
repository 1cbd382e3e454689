"""The program that reads one HDF5 file with h5py, in a process of its own: a damaged file can crash
the HDF5 library, or keep it busy for ever.

It reads the file from standard input and writes to standard output: for each data set a line of
JSON with its name, type and shape, and its bytes; at the end a line with what to know of the file.
"""

import io
import json
import math
import sys
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

_CLASS, _REFERENCES = "MATLAB_class", "#refs#"
_MOST_DATA_SETS = 10_000


def main(most: int) -> None:
    """Read the file, whose data sets may have so many bytes together."""
    source: BinaryIO = sys.stdin.buffer
    if not source.seekable():
        source = io.BytesIO(source.read())
    with h5py.File(source, "r") as file:
        found = _data_sets(file)
        promised = sum(math.prod(data.shape) * data.dtype.itemsize for data in found.values())
        if promised > most:
            raise ValueError(
                f"would expand to {promised:,} bytes; a file of its size may expand to at most"
                f" {most:,}"
            )
        for name, data in found.items():
            array = np.ascontiguousarray(_array(data, file))
            _write({"name": name, "type": array.dtype.str, "shape": array.shape})
            if not array.dtype.hasobject:
                sys.stdout.buffer.write(array.reshape(-1).view(np.uint8).data)
        _write({"matlab": any(_CLASS in data.attrs for data in found.values())})


def _write(about: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(about).encode() + b"\n")


def _data_sets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Return the data sets by name; links to other files are not followed.

    Raises:
        ValueError: the values of one lie in another file, which could be any on this machine.
    """
    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or name.startswith(_REFERENCES) or not item.shape:
            return
        if item.external or item.is_virtual:
            raise ValueError(f"{name} lies in another file; copy it into this one")
        if len(found) >= _MOST_DATA_SETS:
            raise ValueError(f"more than {_MOST_DATA_SETS:,} data sets")
        found[name] = item

    file.visititems(visit)
    return found


def _array(data: h5py.Dataset, file: h5py.File) -> NDArray[Any]:
    """Return a data set as an array, an empty one of objects if it holds something else than
    numbers and words. MATLAB reverses the axes, and writes text as numbers.
    """
    if h5py.check_string_dtype(data.dtype) is not None:
        return np.array(data.asstr("utf-8", "replace")[()], dtype=str)
    kind = data.attrs.get(_CLASS)
    if kind == b"char":
        return np.array([_text(row) for row in data[()].T])
    if kind == b"cell":
        cells = [file[reference] for reference in data[()].reshape(-1)]
        if all(cell.attrs.get(_CLASS) == b"char" for cell in cells):
            return np.array([_text(cell[()].T.reshape(-1)) for cell in cells])
    if data.dtype.kind not in "biufS":
        return np.empty(0, object)
    values = np.asarray(data[()])
    return values.T if kind is not None else values


def _text(codes: NDArray[Any]) -> str:
    return "".join(map(chr, codes.tolist()))


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    # h5py raises almost anything on damaged files.
    except Exception as error:
        _write({"error": str(error)})
