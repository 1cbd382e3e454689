"""The compiled library: its builds, and the choice of one that fits this processor."""

import ctypes
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mnistlab.errors import KernelError
from mnistlab.kernels.structures import STRUCTURES, Evaluation, Layer, Shape, Training

BUILDS = ("x86_64_v4", "x86_64_v3", "x86_64_v2", "generic")
"""Names of builds, the fastest first; on processors other than x86-64 there is only the last."""

CHOICE = "MNISTLAB_KERNELS"
"""Environment variable: the name of a build, the path of a library, or ``none``."""

_FOLDER = Path(__file__).parent
_LEVELS = {"x86_64_v4": 4, "x86_64_v3": 3, "x86_64_v2": 2, "generic": 0}


@dataclass(frozen=True)
class Library:
    """The functions of one build."""

    build: str
    functions: ctypes.CDLL


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
    _declare(functions)
    for number, structure in enumerate(STRUCTURES):
        if functions.mnistlab_layout(number) != ctypes.sizeof(structure):
            raise KernelError(
                f"the build {build} belongs to another version of mnistlab; install mnistlab again"
            )
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
    functions.mnistlab_plan.restype = ctypes.c_void_p
    functions.mnistlab_plan.argtypes = (
        ctypes.POINTER(Layer),
        ctypes.c_int32,
        ctypes.c_int32,
        Shape,
        ctypes.c_int32,
    )
    functions.mnistlab_train.argtypes = (ctypes.c_void_p, ctypes.POINTER(Training))
    functions.mnistlab_evaluate.argtypes = (ctypes.c_void_p, ctypes.POINTER(Evaluation))
    functions.mnistlab_free.argtypes = (ctypes.c_void_p,)
    functions.mnistlab_free.restype = None
    functions.mnistlab_philox.argtypes = (
        ctypes.c_uint64,
        ctypes.POINTER(ctypes.c_uint32),
        ctypes.POINTER(ctypes.c_uint32),
    )
    functions.mnistlab_philox.restype = None
