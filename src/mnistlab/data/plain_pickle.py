"""Pickles of plain data, as CIFAR's Python archives are, read without Python's pickle module.

A pickle is a program that may call any function. Here its steps are followed one by one, and only
those that build numbers, text, lists, tuples, dictionaries and NumPy arrays of numbers are known.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pickletools import genops
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import DataError
from mnistlab.text import printable, shorten

_PUSHING = (
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT UNICODE BINUNICODE BINUNICODE8"
    " SHORT_BINUNICODE BINBYTES BINBYTES8 SHORT_BINBYTES BYTEARRAY8"
)
_VALUES = set(_PUSHING.split())
"""Steps that push the value beside them."""
_BYTES = {"STRING", "BINSTRING", "SHORT_BINSTRING"}
"""Text of Python 2, which is bytes."""
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUT, _GET = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}
_SKIPPED = {"PROTO", "FRAME"}
_NUMBER = re.compile(r"[biuf][1248]")
_DEEPEST = 8


class _RefusedError(Exception):
    """A step that is not followed."""


@dataclass
class _Type:
    """The type of an array's elements, as the pickle describes it."""

    code: str
    order: str = "<"

    def dtype(self) -> np.dtype[Any]:
        if not _NUMBER.fullmatch(self.code) or self.order not in ("<", ">", "|", "="):
            raise _RefusedError(f"an array of type {self.code}")
        return np.dtype(self.order + self.code)


@dataclass
class _Array:
    """An array, which pickles make empty first."""

    content: NDArray[Any] | None = None


def read_pickle(content: bytes, where: str) -> Any:
    """Return the plain data of a pickle; text of Python 2 is bytes.

    Args:
        content: of the file.
        where: what messages start with.

    Raises:
        DataError: damaged, or with anything but numbers, text, containers and arrays of numbers.
    """
    try:
        return _resolved(_Program(content).run(), {}, 0)
    except _RefusedError as error:
        raise DataError(
            f"{where}: this pickle holds {shorten(printable(str(error)))}; only numbers, text and"
            " arrays of numbers are read, and no code is run"
        ) from None
    except MemoryError:
        raise
    # Damage may lead to any error of the steps.
    except Exception as error:
        raise DataError(f"{where}: cannot be read as a pickle: {error}") from error


class _Program:
    """A pickle's steps, and the values that they have built so far."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        value: Any
        for step, value, _ in genops(self._content):
            if step.name == "STOP":
                return self._stack.pop()
            if step.name in _SKIPPED:
                continue
            if step.name in _VALUES:
                self._stack.append(value)
            elif step.name in _BYTES:
                self._stack.append(value.encode("latin-1"))
            elif step.name in _CONSTANTS:
                self._stack.append(_CONSTANTS[step.name]())
            elif step.name in _PUT:
                self._memo[value] = self._stack[-1]
            elif step.name in _GET:
                self._stack.append(self._memo[value])
            else:
                self._build(step.name, value)
        raise EOFError("truncated")

    def _build(self, step: str, value: Any) -> None:
        stack = self._stack
        match step:
            case "MEMOIZE":
                self._memo[len(self._memo)] = stack[-1]
            case "MARK":
                self._marks.append(len(stack))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(self._taken(len(stack) - _TUPLES[step])))
            case "TUPLE":
                stack.append(tuple(self._marked()))
            case "LIST":
                stack.append(self._marked())
            case "DICT":
                stack.append(_pairs(self._marked()))
            case _:
                self._fill(step, value)

    def _fill(self, step: str, value: Any) -> None:
        stack = self._stack
        match step:
            case "APPEND":
                _as(list, stack[-2]).append(stack.pop())
            case "APPENDS":
                items = self._marked()
                _as(list, stack[-1]).extend(items)
            case "SETITEM":
                items = self._taken(len(stack) - 2)
                _as(dict, stack[-1]).update(_pairs(items))
            case "SETITEMS":
                items = self._marked()
                _as(dict, stack[-1]).update(_pairs(items))
            case _:
                self._make(step, value)

    def _make(self, step: str, value: Any) -> None:
        """Make an array: the only objects for which a pickle may name what makes them."""
        stack = self._stack
        match step:
            case "GLOBAL":
                stack.append(_maker(*value.split(" ", 1)))
            case "STACK_GLOBAL":
                module, name = self._taken(len(stack) - 2)
                stack.append(_maker(module, name))
            case "REDUCE":
                maker, arguments = self._taken(len(stack) - 2)
                if not callable(maker):
                    raise _RefusedError("a call of something else than an array")
                stack.append(maker(*arguments))
            case "BUILD":
                made, state = self._taken(len(stack) - 2)
                stack.append(_filled(made, state))
            case _:
                raise _RefusedError(f"a step called {step}")

    def _taken(self, start: int) -> list[Any]:
        if start < 0:
            raise IndexError("it takes more than there is")
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _marked(self) -> list[Any]:
        return self._taken(self._marks.pop())


def _as(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{type(value).__name__} in place of {kind.__name__}")
    return value


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def _maker(module: str, name: str) -> Callable[..., Any]:
    maker = _MAKERS.get((module, name))
    if maker is None:
        raise _RefusedError(f"{module}.{name}")
    return maker


def _empty_array(*arguments: Any) -> _Array:
    del arguments
    return _Array()


def _no_array(*arguments: Any) -> None:
    """Stand for the class of arrays, which is only named and never called."""
    del arguments
    raise _RefusedError("a call of numpy.ndarray")


def _type(code: Any, *arguments: Any) -> _Type:
    del arguments
    return _Type(code.decode("ascii") if isinstance(code, bytes) else _as(str, code))


def _encoded(text: Any, encoding: Any) -> bytes:
    """Return bytes, which Python 3 writes as text into pickles that Python 2 can read."""
    if encoding not in ("latin1", b"latin1"):
        raise _RefusedError(f"text in {encoding}")
    return _as(str, text).encode("latin-1")  # type: ignore[no-any-return]


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> _Array:
    return _Array(_shaped(content, kind, shape, is_fortran=order in ("F", b"F")))


def _scalar(kind: Any, content: Any) -> Any:
    return _shaped(content, kind, (), is_fortran=False).item()


_MAKERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _no_array,
    ("numpy", "dtype"): _type,
    ("_codecs", "encode"): _encoded,
    **{
        (f"numpy.{core}.{module}", name): maker
        for core in ("core", "_core")
        for module, name, maker in (
            ("multiarray", "_reconstruct", _empty_array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}
"""What pickles of arrays call, by module and name, and what is called in its place."""


def _filled(made: Any, state: Any) -> Any:
    """Give an array, or its type, what the pickle says of it."""
    if isinstance(made, _Type):
        order = state[1]
        made.order = order.decode("ascii") if isinstance(order, bytes) else _as(str, order)
        return made
    if isinstance(made, _Array):
        _, shape, kind, is_fortran, content = state
        made.content = _shaped(content, kind, shape, is_fortran=bool(is_fortran))
        return made
    raise _RefusedError("a state of something else than an array")


def _shaped(content: Any, kind: Any, shape: Any, *, is_fortran: bool) -> NDArray[Any]:
    if not isinstance(content, bytes | bytearray):
        raise _RefusedError("an array of objects")
    dtype = _as(_Type, kind).dtype()
    promised = math.prod(shape) * dtype.itemsize
    if promised != len(content) or any(side < 0 for side in shape):
        raise ValueError(f"an array promises {promised:,} bytes and has {len(content):,}")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if is_fortran else "C")


def _resolved(value: Any, done: dict[int, Any], depth: int) -> Any:
    """Put the arrays in their places, however often the pickle refers to a container."""
    if isinstance(value, _Array):
        return value.content
    if not isinstance(value, dict | list | tuple):
        if isinstance(value, _Type) or callable(value):
            raise _RefusedError("what makes arrays in place of one")
        return value
    if depth > _DEEPEST:
        raise _RefusedError("containers within containers, too deep")
    if id(value) not in done:
        if isinstance(value, dict):
            done[id(value)] = {key: _resolved(item, done, depth + 1) for key, item in value.items()}
        else:
            done[id(value)] = type(value)(_resolved(item, done, depth + 1) for item in value)
    return done[id(value)]
