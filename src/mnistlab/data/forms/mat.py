"""MATLAB's ``.mat`` files up to version 7; those of version 7.3 are HDF5."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

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
from mnistlab.data.arrays import Arrays, splits_from
from mnistlab.data.bounds import refuse_bomb
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Parts, ReadOptions
from mnistlab.errors import DataError

_SUFFIX = ".mat"
_HEADER, _TAG = 128, 8
_ENDIAN_AT, _LITTLE = 126, b"IM"
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _OBJECT = 1, 2, 3
_DEEPEST = 8
_HDF5_START = b"MATLAB 7.3"
_SVHN_SHAPE, _ZERO = (32, 32, 3), 10
_MAPPING = "mapping"


def _named(tree: FileTree) -> list[str]:
    return [
        name
        for name in tree.names
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
    from scipy.io import loadmat

    where, content = tree.where(name), read_whole(tree, name)
    try:
        with warnings.catch_warnings():
            # SciPy warns of variables of one name, and of what it does not read.
            warnings.simplefilter("ignore")
            variables = loadmat(
                io.BytesIO(_unpacked(content, where)),
                struct_as_record=False,
                verify_compressed_data_integrity=True,
            )
    except (DataError, MemoryError):
        raise
    # SciPy raises almost anything on damaged files.
    except Exception as error:
        raise DataError(f"{where}: cannot be read as a .mat file: {error}") from error
    return dict(_arrays(variables, ""))


def _arrays(variables: Mapping[str, Any], above: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays within structures, such as ``dataset/train/images``."""
    for name, value in variables.items():
        if name.startswith("_"):
            continue
        if isinstance(value, np.ndarray) and value.dtype != object:
            yield above + name, np.array(value)
        elif getattr(value, "size", 0) == 1 and hasattr(value.flat[0], "_fieldnames"):
            yield from _arrays(vars(value.flat[0]), f"{above}{name}/")
        else:
            # What is no array of numbers or words, such as a sparse matrix, is named as not used.
            yield above + name, _cell_words(value)


def _cell_words(cells: Any) -> NDArray[Any]:
    """Return the words of a cell array, or an empty array of objects if it is none."""
    members = cells.flat if isinstance(cells, np.ndarray) else ()
    words = [cell.flat[0] if getattr(cell, "size", 0) == 1 else cell for cell in members]
    if words and all(isinstance(word, str) for word in words):
        return np.array(words)
    return np.empty(0, object)


def _unpacked(content: bytes, where: str) -> bytes:
    """Return the same file with no variable compressed, checked so that SciPy takes no more memory
    for it than the file really holds.
    """
    if len(content) < _HEADER or content[_ENDIAN_AT:_HEADER] not in (_LITTLE, _LITTLE[::-1]):
        # Version 4, which is never compressed: SciPy checks its lengths.
        return content
    order: Literal["<", ">"] = "<" if content[_ENDIAN_AT:_HEADER] == _LITTLE else ">"
    elements, at, promised = [content[:_HEADER]], _HEADER, 0
    while at + _TAG <= len(content):
        kind, size = struct.unpack_from(f"{order}2I", content, at)
        element = content[at : at + _TAG + size]
        if len(element) < _TAG + size:
            raise DataError(f"{where}: truncated; copy it again")
        at += _TAG + size
        if kind == _COMPRESSED:
            unpacking = zlib.decompressobj()
            tag = unpacking.decompress(element[_TAG:], _TAG)
            kind, size = struct.unpack(f"{order}2I", tag)
            promised += size
            refuse_bomb(where, promised, len(content))
            element = tag + unpacking.decompress(unpacking.unconsumed_tail, max(1, size))
            if len(element) != _TAG + size or unpacking.decompress(unpacking.unconsumed_tail, 1):
                raise DataError(f"{where}: a variable is not as long as it says; copy it again")
            if not unpacking.eof:
                raise DataError(f"{where}: a variable's checksum is missing; copy it again")
        if kind == _MATRIX:
            _check_matrix(memoryview(element)[_TAG:], order, 0)
        elements.append(element)
    if at != len(content):
        raise DataError(f"{where}: truncated; copy it again")
    return b"".join(elements)


def _check_matrix(body: memoryview, order: str, depth: int) -> None:
    """Refuse structures and cells that promise more members than there are bytes for, or that lie
    within each other too deep.
    """
    if depth > _DEEPEST:
        raise ValueError("structures within structures, too deep")
    parts = list(_elements(body, order))
    if len(parts) < 2:
        return
    kind = int.from_bytes(parts[0][1][:4], "little" if order == "<" else "big") & 0xFF
    if kind not in (_CELL, _STRUCT, _OBJECT):
        return
    sides = np.frombuffer(parts[1][1], f"{order}i4").tolist()
    members = [part for element, part in parts if element == _MATRIX]
    count = 1
    for side in sides:
        count *= max(side, 0)
    if count > len(body) // _TAG:
        raise ValueError(f"{count:,} members are promised in {len(body):,} bytes")
    for member in members:
        _check_matrix(member, order, depth + 1)


def _elements(body: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yield the type and the bytes of each element within a matrix."""
    at = 0
    while at + _TAG <= len(body):
        kind, size = struct.unpack_from(f"{order}2I", body, at)
        if kind >> 16:
            # Up to four bytes lie within the tag.
            yield kind & 0xFFFF, body[at + 4 : at + 4 + (kind >> 16)]
            at += _TAG
            continue
        if at + _TAG + size > len(body):
            raise ValueError(f"{size:,} bytes are promised where there are fewer")
        yield kind, body[at + _TAG : at + _TAG + size]
        at += _TAG + (size + 7) // 8 * 8


FORM = Form("MATLAB files", 60, _matches, _read)
