"""MATLAB's MAT-files of versions 5 to 7, read without SciPy, which damaged ones can crash.

The format is described in MathWorks' "MAT-File Format", version R2019b.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from mnistlab.data.bounds import refuse_bomb
from mnistlab.errors import DataError

_HEADER, _TAG = 128, 8
_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_STORED = "- i1 u1 i2 u2 i4 u4 f4 - f8 - - i8 u8"
_ELEMENTS = {number: name for number, name in enumerate(_STORED.split()) if name != "-"}
"""NumPy's names of the types in which values are stored, smaller than their class if they fit."""
_TEXT = {16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCT, _CHAR = 1, 2, 4
_CLASSES = "f8 f4 i1 u1 i2 u2 i4 u4 i8 u8"
_NUMBERS = dict(enumerate(_CLASSES.split(), start=6))
"""NumPy's names of the classes of numbers."""
_LOGICAL, _COMPLEX = 0x200, 0x800
_DEEPEST, _LONGEST_TEXT = 8, 1 << 22

_Element = tuple[int, memoryview]


def read_mat(content: bytes, where: str) -> dict[str, Any]:
    """Return the variables of a file by name.

    Args:
        content: of the file.
        where: what messages start with.

    Returns:
        Arrays of numbers, of truth values or of text; lists of the members of a cell array;
        dictionaries of a structure's fields; ``None`` for anything else.

    Raises:
        DataError: damaged, of another version, or it would expand to far more than it holds.
    """
    order = _ORDERS.get(content[_HEADER - 2 : _HEADER])
    if order is None:
        raise DataError(f"{where}: not a MAT-file of version 5 to 7; save it with -v7")
    try:
        variables = {}
        for kind, body in _unpacked(memoryview(content)[_HEADER:], order, where):
            if kind == _MATRIX:
                name, value = _matrix(body, order, 0)
                variables[name] = value
        return variables
    except (DataError, MemoryError):
        raise
    # Damage may lead to any error of what unpacks and shapes.
    except Exception as error:
        raise DataError(f"{where}: cannot be read as a MAT-file: {error}") from error


def _unpacked(content: memoryview, order: str, where: str) -> Iterator[_Element]:
    """Yield the variables, each unpacked if it is compressed."""
    promised = 0
    for kind, body in _elements(content, order, aligned=False):
        if kind != _COMPRESSED:
            yield kind, body
            continue
        unpacking = zlib.decompressobj()
        kind, size = struct.unpack(f"{order}2I", unpacking.decompress(body, _TAG))
        promised += size
        refuse_bomb(where, promised, len(content))
        unpacked = unpacking.decompress(unpacking.unconsumed_tail, max(1, size))
        rest = unpacking.decompress(unpacking.unconsumed_tail, 1)
        if len(unpacked) != size or rest or not unpacking.eof:
            raise ValueError("a variable has another length than it says, or no checksum")
        yield kind, memoryview(unpacked)


def _elements(body: memoryview, order: str, *, aligned: bool = True) -> Iterator[_Element]:
    """Yield the type and the bytes of each element."""
    at = 0
    while at < len(body):
        kind, size = struct.unpack_from(f"{order}2I", body, at)
        small = kind >> 16
        if small:
            # Up to four bytes lie within the tag.
            kind, size, start = kind & 0xFFFF, small, at + 4
            at += _TAG
        else:
            start = at + _TAG
            at = start + (-(-size // 8) * 8 if aligned else size)
        if (small and size > 4) or start + size > len(body):
            raise ValueError(f"truncated: {size:,} bytes are promised where there are fewer")
        yield kind, body[start : start + size]


def _matrix(body: memoryview, order: str, depth: int) -> tuple[str, Any]:
    """Return the name and the value of a variable, a cell or a field."""
    if depth > _DEEPEST:
        raise ValueError("structures within structures, too deep")
    if not len(body):
        return "", np.empty((0, 0))
    (_, about), (_, sides), (_, name), *parts = _elements(body, order)
    flags = int(np.frombuffer(about, f"{order}u4")[0])
    shape = tuple(np.frombuffer(sides, f"{order}i4").tolist())
    return bytes(name).decode("utf-8"), _value(flags, shape, parts, order, depth)


def _value(
    flags: int, shape: tuple[int, ...], parts: list[_Element], order: str, depth: int
) -> Any:
    kind = flags & 0xFF
    if kind in _NUMBERS and not flags & _COMPLEX:
        stored, values = parts[0]
        array = np.frombuffer(values, f"{order}{_ELEMENTS[stored]}").reshape(shape, order="F")
        return array.astype(bool if flags & _LOGICAL else _NUMBERS[kind])
    if kind == _CHAR and len(parts[0][1]) <= _LONGEST_TEXT:
        return _rows(parts[0], shape, order)
    if kind == _CELL:
        return [_matrix(member, order, depth + 1)[1] for _, member in parts]
    if kind == _STRUCT and math.prod(shape) == 1:
        (_, length), (_, names) = parts[:2]
        width = int(np.frombuffer(length, f"{order}i4")[0])
        fields = [
            bytes(names[at : at + width]).split(b"\0")[0].decode("utf-8")
            for at in range(0, len(names), width)
        ]
        held = [_matrix(member, order, depth + 1)[1] for _, member in parts[2:]]
        return dict(zip(fields, held, strict=True))
    return None


def _rows(element: _Element, shape: tuple[int, ...], order: str) -> Any:
    """Return the text of each row of characters, as an array."""
    stored, content = element
    if stored in _TEXT:
        wide = "" if stored == 16 else "-le" if order == "<" else "-be"
        letters = list(bytes(content).decode(_TEXT[stored] + wide))
    else:
        letters = [chr(code) for code in np.frombuffer(content, f"{order}{_ELEMENTS[stored]}")]
    if not letters:
        return np.array([""])
    rows = np.array(letters).reshape(shape, order="F").reshape(shape[0], -1)
    return np.array(["".join(row) for row in rows.tolist()])
