"""Labels from arrays: numbers, words, columns of zeros and ones, as int64 from 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import DataError
from mnistlab.text import listed

_MOST_CLASSES, _FEW = 10_000, 20


@dataclass(frozen=True)
class Labels:
    """Labels of several splits.

    Attributes:
        values: of each array by its name, int64 ``(n,)`` from 0; -1 marks what has no label.
        classes: the classes' names; ``None`` if labels are missing among those that there are.
        notes: what was taken in another sense than might be expected.
    """

    values: dict[str, NDArray[np.int64]]
    classes: tuple[str, ...] | None
    notes: list[str]


def count_labels(array: NDArray[Any]) -> int:
    """Return how many labels an array holds if it looks like labels, otherwise 0.

    Many values that all differ rather number or name the images.
    """
    if array.dtype.kind not in "SUbuif" or array.size == 0:
        return 0
    if array.size == max(array.shape, default=0):
        differ = array.size > _FEW and len(np.unique(array)) == array.size
        return 0 if differ else array.size
    if array.ndim == 2 and array.dtype.kind in "buif":
        for table in (array, array.T):
            if _is_one_hot(table):
                return len(table)
    return 0


def read_labels(
    arrays: Mapping[str, NDArray[Any]],
    place: str,
    *,
    names: Sequence[str] | Mapping[int, str] | None = None,
) -> Labels:
    """Read the labels of all splits together.

    Args:
        arrays: by name. Each holds whole numbers, truth values or words, ``(n,)``, ``(n, 1)`` or
            ``(1, n)``; or one column, or one row, for each class, with a one where it is that class
            and elsewhere 0 or -1.
        place: what messages start with.
        names: of the classes, in the labels' order or by label.

    Raises:
        DataError: labels of another shape or type, several for one image, or fractions.
    """
    flat = {name: _flatten(array, f"{place}: {name}") for name, array in arrays.items()}
    kinds = {values.dtype.kind for values in flat.values()}
    if len(kinds) > 1:
        raise DataError(
            f"{place}: labels are words and numbers ({_described(arrays)}); use one kind"
        )
    return (_number_words if kinds == {"U"} else _number)(flat, place, names)


def to_text(words: NDArray[Any]) -> NDArray[np.str_]:
    """Return words, bytes or text, as text without spaces around them."""
    if words.dtype.kind == "S":
        words = np.char.decode(words, "utf-8", "replace")
    return np.char.strip(words)


def _flatten(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return labels ``(n,)``: int64, float64 with NaN where there is none, or text."""
    if array.dtype.kind in "SU":
        array = to_text(array)
    if array.dtype.kind not in "Ubuif":
        raise DataError(
            f"{name}: labels of type {array.dtype}; store whole numbers or words (as fixed-length"
            " strings)"
        )
    if array.size != max(array.shape, default=0):
        array = _from_one_hot(array, name)
    array = array.reshape(-1)
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind != "f":
        return array.astype(np.int64)
    known = array[~np.isnan(array)]
    if not np.isfinite(known).all() or (known != np.rint(known)).any():
        at = int(np.argmax(~np.isnan(array) & (array != np.rint(array))))
        raise DataError(
            f"{name}: label {at} is {array[at]}; labels are whole numbers or words, one for each"
            " image"
        )
    return array.astype(np.int64 if len(known) == len(array) else np.float64)


def _is_one_hot(table: NDArray[Any]) -> bool:
    """Whether each row has one 1, and else only 0 or only -1."""
    if table.shape[1] < 2:
        return False
    ones = table == 1
    others = (table == 0) if (table == 0).any() else (table == -1)
    return bool((ones.sum(axis=1) == 1).all() and (ones | others).all())


def _from_one_hot(array: NDArray[Any], name: str) -> NDArray[np.int64]:
    shape = f"labels of shape {array.shape} and type {array.dtype}"
    if array.ndim == 2 and array.dtype.kind != "U":
        by_row, by_column = _is_one_hot(array), _is_one_hot(array.T)
        if by_row and by_column and (array != array.T).any():
            raise DataError(
                f"{name}: {shape} could be one-hot by row or by column; store the class numbers,"
                " (n,)"
            )
        if by_row or by_column:
            return np.asarray(np.argmax(array == 1, axis=1 if by_row else 0), np.int64)
        if np.isin(array, (0, 1)).all():
            raise DataError(
                f"{name}: {shape} give some images several classes or none; each needs exactly one"
            )
    raise DataError(f"{name}: {shape}; expected one label for each image, (n,), or one-hot")


def _number_words(
    flat: dict[str, NDArray[Any]],
    place: str,
    names: Sequence[str] | Mapping[int, str] | None,
) -> Labels:
    del names
    words = sorted({str(word) for values in flat.values() for word in np.unique(values)} - {""})
    _refuse_count(len(words), place)
    if all(word.removeprefix("-").isdecimal() for word in words):
        return _number(
            {
                name: np.array([float(word or "nan") for word in values.tolist()])
                for name, values in flat.items()
            },
            place,
            None,
        )
    numbers = {name: np.searchsorted(words, values) for name, values in flat.items()}
    for name, values in flat.items():
        numbers[name][values == ""] = -1
    return Labels(numbers, tuple(words), [])


def _number(
    flat: dict[str, NDArray[Any]],
    place: str,
    names: Sequence[str] | Mapping[int, str] | None,
) -> Labels:
    every = [
        values[~np.isnan(values)] if values.dtype.kind == "f" else values
        for values in flat.values()
    ]
    present = np.unique(np.concatenate(every)).astype(np.int64).tolist()
    _refuse_count(len(present), place)
    first = present[0]
    if first < 0 and present != [-1, 1]:
        name, values = next(item for item in flat.items() if (item[1] == first).any())
        raise DataError(
            f"{place}: {name}: image {int(np.argmax(values == first))} has label {first}; labels"
            " start at 0, so remove images without a label"
        )
    if names is None and first == 0:
        # What is missing among them may be damage, which is judged where the classes are counted.
        complete = present[-1] == len(present) - 1
        classes = tuple(map(str, present)) if complete else None
        kept, notes = None, list[str]()
    else:
        kept, classes, notes = _name_classes(present, names)
    numbers = {}
    for name, values in flat.items():
        whole = np.nan_to_num(values, nan=first).astype(np.int64)
        numbers[name] = whole if kept is None else np.searchsorted(kept, whole)
        if values.dtype.kind == "f":
            numbers[name][np.isnan(values)] = -1
    return Labels(numbers, classes, notes)


def _name_classes(
    present: list[int], names: Sequence[str] | Mapping[int, str] | None
) -> tuple[list[int], tuple[str, ...], list[str]]:
    """Return the numbers that stand for the classes, in order, the classes' names, and notes."""
    if names is not None and not isinstance(names, Mapping):
        # Of k names the labels are 0 to k - 1, or 1 to k as MATLAB counts.
        start = int(present[0] > 0 and present[-1] == len(names))
        names = {start + at: name for at, name in enumerate(names)}
    if names and all(label in names for label in present):
        kept = sorted(names)
        return kept, tuple(names[label] for label in kept), []
    note = f"the classes are named by their labels, {_range(present)}"
    return present, tuple(map(str, present)), [note]


def _range(present: list[int]) -> str:
    if present[-1] - present[0] == len(present) - 1:
        return f"{present[0]} to {present[-1]}"
    return listed([str(label) for label in present], 5)


def _refuse_count(count: int, place: str) -> None:
    if count == 0:
        raise DataError(f"{place}: no image has a label; add the labels")
    if count > _MOST_CLASSES:
        raise DataError(
            f"{place}: {count:,} different labels; at most {_MOST_CLASSES:,} classes are read;"
            " check which array holds the labels"
        )


def _described(arrays: Mapping[str, NDArray[Any]]) -> str:
    return listed([f"{name} {array.dtype}" for name, array in arrays.items()], 4)
