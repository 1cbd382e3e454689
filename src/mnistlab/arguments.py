"""What public functions are given, checked: each error is one line that names the argument."""

import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from mnistlab.errors import MnistlabError, RunError

_MOST_THREADS = 1024


def whole_number(
    name: str, value: Any, least: int, most: int, error: type[MnistlabError] = RunError
) -> int:
    """Return a whole number, NumPy's included.

    Args:
        name: of the argument.
        value: what was given for it.
        least: that it may be.
        most: that it may be.
        error: to raise.

    Raises:
        MnistlabError: of the kind ``error``: no whole number, or out of range.

    Example:
        >>> whole_number("workers", 4, 1, 1024)
        4
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, Integral)
        or not least <= int(value) <= most
    ):
        raise error(f"{name}: must be a whole number from {least:,} to {most:,}; found {value!r}")
    return int(value)


def thread_count(name: str, value: Any) -> int | None:
    """Return a number of threads or of processes; ``None`` leaves it to the machine.

    Raises:
        RunError: no whole number from 1 to 1,024.
    """
    return None if value is None else whole_number(name, value, 1, _MOST_THREADS)


def probability(name: str, value: Any, error: type[MnistlabError]) -> float:
    """Return a probability.

    Raises:
        MnistlabError: of the kind ``error``: no number from 0 to 1.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 1:
        raise error(f"{name}: must be a probability, from 0 to 1; found {value!r}")
    return float(value)


def as_path(name: str, value: Any, wanted: str, error: type[MnistlabError] = RunError) -> Path:
    """Return the path of a file or a folder.

    Args:
        name: of the argument.
        value: what was given for it.
        wanted: what it should be, such as ``a finished run's folder``.
        error: to raise.

    Raises:
        MnistlabError: of the kind ``error``: a value that is no path.
    """
    if not isinstance(value, str | os.PathLike):
        raise error(f"{name}: must be {wanted}; found {type(value).__name__}")
    return Path(value)
