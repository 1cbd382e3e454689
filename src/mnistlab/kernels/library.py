"""The compiled library: its builds, and the choice of one that fits this processor."""

import ctypes
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mnistlab.errors import KernelError

BUILDS = ("x86_64_v4", "x86_64_v3", "x86_64_v2", "generic")
"""Names of builds, the fastest first; on processors other than x86-64 there is only the last."""

SAME_BITS = ("x86_64_v4", "x86_64_v3")
"""Builds that give the same bits: for processors with AVX-512, and with AVX2 and FMA."""

CHOICE = "MNISTLAB_KERNELS"
"""Environment variable: the name of a build, the path of a library, or ``none``."""

_FOLDER = Path(__file__).parent
_LEVELS = {"x86_64_v4": 4, "x86_64_v3": 3, "x86_64_v2": 2, "generic": 0}


class Addresses(list[int | None]):
    """Addresses of arrays, an argument of :meth:`Library.call`; ``None`` for an absent one."""


@dataclass(frozen=True)
class Library:
    """The functions of one build."""

    build: str
    functions: ctypes.CDLL

    def operations(self) -> set[str]:
        """Return the names of the operations that it has."""
        return set(self.functions.mnistlab_operations().decode().split())

    def losses(self) -> set[str]:
        """Return the names of the losses that it has."""
        return set(self.functions.mnistlab_losses().decode().split())

    def peak_seconds(self, operations: int, *, threads: int = 1) -> float:
        """Return the seconds that multiplications and additions take at best: fused where the
        processor can, on whole vectors, in registers, none waiting for another.

        Args:
            operations: floating-point operations in all, rounded up to whole rounds; a fused one is
                two.
            threads: which share them.

        Raises:
            KernelError: not enough memory or threads.

        Example:
            >>> from mnistlab.kernels import load_library
            >>> seconds = load_library().peak_seconds(10**9, threads=2)
            >>> gigaflops_a_second = 1 / seconds
        """
        seconds = ctypes.c_double()
        self.call("mnistlab_peak", operations, threads, ctypes.byref(seconds))
        return seconds.value

    def call(self, function: str, *arguments: Any) -> None:
        """Call a function.

        Raises:
            KernelError: it failed; the message says why.
        """
        reason = getattr(self.functions, function)(*arguments)
        if reason:
            raise KernelError(reason.decode())

    def call_by_name(
        self,
        function: str,
        handle: ctypes.c_void_p,
        arguments: Mapping[str, int | float | str | Addresses | ctypes.c_void_p | None],
    ) -> None:
        """Call a function that takes arguments by name.

        Args:
            function: its name.
            handle: its first argument.
            arguments: integers, floats, text, and arrays by address (``c_void_p``) or a list of
                addresses; ``None`` is left out.

        Raises:
            KernelError: it failed; the message says why.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        kept = [_array(value) for value in given.values()]  # alive during the call
        kinds = "".join(kind for kind, _, _ in kept)
        self.call(
            function,
            handle,
            len(given),
            (ctypes.c_char_p * len(given))(*(name.encode() for name in given)),
            kinds.encode(),
            (ctypes.c_int64 * len(given))(*(bits for _, bits, _ in kept)),
        )


@cache
def load_library() -> Library:
    """Load the fastest build that fits this processor, or the one that ``MNISTLAB_KERNELS`` names.

    Raises:
        KernelError: there is no such build; the message says why.
    """
    choice = os.environ.get(CHOICE)
    if choice == "none":
        raise KernelError(f"turned off by {CHOICE}=none")
    if choice and choice.endswith(".so"):
        return _load(Path(choice).stem, Path(choice))
    if choice and choice not in BUILDS:
        raise KernelError(f"{CHOICE}={choice}: no such build; one of {', '.join(BUILDS)} or none")
    level = processor_level()
    fitting = [
        name for name in installed() if _LEVELS[name] <= level and choice in (None, "", name)
    ]
    if not fitting:
        raise KernelError(_why_none(choice, level))
    return _load(fitting[0], _path(fitting[0]))


def _load(build: str, path: Path) -> Library:
    try:
        functions = ctypes.CDLL(str(path))
    except OSError as error:
        raise KernelError(f"the build {build} cannot be loaded: {error}") from error
    try:
        _declare(functions)
    except AttributeError:
        raise KernelError(
            f"the build {build} belongs to another version of mnistlab; install mnistlab again"
        ) from None
    return Library(build, functions)


def installed() -> list[str]:
    """Return the names of the installed builds, the fastest first."""
    return [name for name in BUILDS if _path(name).exists()]


def processor_level() -> int:
    """Return this processor's x86-64 level: 2, 3 or 4, or 0 if it is older or not x86-64."""
    try:
        return int(ctypes.CDLL(str(_FOLDER / "_processor.so")).mnistlab_processor_level())
    except OSError:
        return 0


def _path(build: str) -> Path:
    return _FOLDER / f"_{build}.so"


def _why_none(choice: str | None, level: int) -> str:
    there = ", ".join(installed())
    if not there:
        return (
            "not built: there was no C++20 compiler (gcc 11, clang 14, or newer) when mnistlab was"
            " installed"
        )
    if choice:
        return f"{CHOICE}={choice}: not installed, or not for this processor; installed: {there}"
    return f"this processor is too old for every build (x86-64 level {level}; installed: {there})"


def _declare(functions: ctypes.CDLL) -> None:
    text, handle, count = ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int32
    by_name = (handle, count, ctypes.POINTER(text), text, ctypes.POINTER(ctypes.c_int64))
    integers = ctypes.POINTER(ctypes.c_int32)
    sizes, floats = ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(ctypes.c_double)
    signatures: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "mnistlab_operations": (text, ()),
        "mnistlab_losses": (text, ()),
        "mnistlab_new": (text, (ctypes.POINTER(handle), count, sizes)),
        "mnistlab_add": (
            text,
            (
                *(handle, text),
                *(count, integers, integers, sizes),  # inputs, and their shapes
                *(count, sizes),  # the output's shape
                *(count, sizes),  # integers
                *(count, floats),
                *(count, integers, sizes),  # parameters
                *(count, integers),  # buffers
            ),
        ),
        "mnistlab_finish": (text, (handle, count, integers, count)),
        "mnistlab_train": (text, by_name),
        "mnistlab_step": (text, by_name),
        "mnistlab_evaluate": (text, by_name),
        "mnistlab_forward": (text, by_name),
        "mnistlab_backward": (text, by_name),
        "mnistlab_free": (None, (handle,)),
        "mnistlab_new_context": (text, (ctypes.POINTER(handle),)),
        "mnistlab_free_context": (None, (handle,)),
        "mnistlab_peak": (text, (ctypes.c_int64, count, ctypes.POINTER(ctypes.c_double))),
        "mnistlab_philox": (None, (ctypes.c_uint64, *2 * (ctypes.POINTER(ctypes.c_uint32),))),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(functions, name)
        function.restype, function.argtypes = result, arguments


def _array(value: int | float | str | Addresses | ctypes.c_void_p) -> tuple[str, int, Any]:
    """Return an argument's kind, its 64 bits, and what must live as long as the call."""
    if isinstance(value, Addresses):
        table = (ctypes.c_void_p * max(len(value), 1))(*value)
        return "a", ctypes.addressof(table), table
    if isinstance(value, str):
        text = ctypes.create_string_buffer(value.encode())
        return "a", ctypes.addressof(text), text
    if isinstance(value, ctypes.c_void_p):
        return "a", value.value or 0, None
    if isinstance(value, float):
        return "f", struct.unpack("<q", struct.pack("<d", value))[0], None
    return "i", int(value), None
