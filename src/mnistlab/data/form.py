"""The registry of forms: discovered by file, tried in order, each turning files into splits."""

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import Split
from mnistlab.data.file_tree import FileTree
from mnistlab.fit import Fit

Part = Literal["train", "validation", "test"]
PART_NAMES: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validate": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""What folders and files of a split are called, in small letters, and which split that is."""


@dataclass(frozen=True)
class ReadOptions:
    """How data are read.

    Attributes:
        size: height and width in pixels to which pictures of different sizes are brought; ``None``
            is 32x32.
        fit: how they are, see :func:`mnistlab.fit.place`.
        skip_damaged: leave damaged pictures out, and say so, rather than refuse all.
        group: a column of a table with this name says which images belong together.
        chosen: the file that the user named within the folder or archive, if any.
    """

    size: tuple[int, int] | None = None
    fit: Fit = "pad"
    skip_damaged: bool = False
    group: str = ""
    chosen: str = ""


@dataclass(frozen=True)
class Parts:
    """What was read.

    Attributes:
        train: the training split, or all there is.
        validation: the split that is called validation; or ``None``.
        test: the split that is called test; or ``None``.
        classes: the classes' names; ``None`` counts them from the labels.
        notes: what was left out, scaled, or taken in another sense than might be expected; each a
            short sentence.
        called: what the data call each split, for example ``{"validation": "val"}``.
    """

    train: Split
    validation: Split | None = None
    test: Split | None = None
    classes: tuple[str, ...] | None = None
    notes: Sequence[str] = ()
    called: dict[Part, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Rows:
    """The images of one file, whether or not it has labels.

    Attributes:
        images: uint8, ``(n, channels, height, width)``; none of a file that holds pictures' files.
        pictures: the content of each picture's file, of such a file.
        ids: what the file calls each, or nothing.
        labelled: whether it has labels, which are ignored.
        notes: see :class:`Parts`.
    """

    images: NDArray[np.uint8]
    pictures: Sequence[bytes] = ()
    ids: Sequence[str] = ()
    labelled: bool = False
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Form:
    """One form in which labelled images come.

    Attributes:
        name: for messages, such as ``class folders``.
        order: forms are asked in ascending order of this.
        matches: whether a tree of files is of this form, told by names and a few first bytes.
        read: reads it; raises :class:`mnistlab.errors.DataError` in one line that names the file.
        rows: reads the images of one file by its name, and needs no labels; ``None`` if the form
            has no such files.
    """

    name: str
    order: int
    matches: Callable[[FileTree, ReadOptions], bool]
    read: Callable[[FileTree, ReadOptions], Parts]
    rows: Callable[[FileTree, str], Rows] | None = None


@cache
def forms() -> tuple[Form, ...]:
    """Return all forms, in the order in which they are asked."""
    package = import_module("mnistlab.data.forms")
    modules = (
        import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    )
    found = [module.FORM for module in modules if hasattr(module, "FORM")]
    return tuple(sorted(found, key=lambda form: form.order))


def part_of(name: str) -> Part | None:
    """Return which split a folder's or a file's stem names, in any letter case."""
    return PART_NAMES.get(name.lower())
