"""Labelled pictures: picture files whose split and class are known, read into splits."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnistlab.data.dataset import Split
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Part, Parts, ReadOptions
from mnistlab.data.pictures import read_pictures
from mnistlab.errors import DataError
from mnistlab.text import listed

_ORDER: tuple[Part, ...] = ("train", "validation", "test")


class LabelledPicture(NamedTuple):
    """A picture's file, its class, its split, and the group it belongs to, if any."""

    name: str
    label: str
    part: Part
    group: str = ""


def read_labelled(
    tree: FileTree,
    pictures: Sequence[LabelledPicture],
    options: ReadOptions,
    notes: Sequence[str] = (),
    called: dict[Part, str] | None = None,
    classes: tuple[str, ...] | None = None,
    *,
    by_class: bool = True,
) -> Parts:
    """Decode pictures, and put them into splits.

    Args:
        tree: the files.
        pictures: what to read, in order.
        options: how they are read.
        notes: what is to be said of the data already.
        called: see :class:`Parts`.
        classes: the classes' names; ``None`` takes those of the training pictures in order.
        by_class: put the pictures of each class together.

    Raises:
        DataError: no training pictures, a class that training lacks, or damaged pictures.
    """
    called = called or {}
    trained = {picture.label for picture in pictures if picture.part == "train"}
    if not trained:
        raise DataError(
            f"{tree.place}: has {listed(list(called.values()))} but no training pictures; call"
            " their folder train"
        )
    classes = classes or sort_classes(trained)
    numbers = {name: number for number, name in enumerate(classes)}
    strange = [picture for picture in pictures if picture.label not in numbers]
    if strange:
        raise DataError(
            f"{tree.where(strange[0].name)}: class {strange[0].label!r} is not among the training"
            f" classes ({listed(classes)})"
        )
    # By split, so that each is a part of one array.
    ordered = sorted(
        pictures,
        key=lambda picture: (_ORDER.index(picture.part), by_class and numbers[picture.label]),
    )
    found = read_pictures(tree, [picture.name for picture in ordered], options)
    kept = [ordered[index] for index in found.kept]
    splits: dict[Part, Split] = {}
    start = 0
    for part in _ORDER:
        own = [picture for picture in kept if picture.part == part]
        rows = slice(start, start := start + len(own))
        if own:
            splits[part] = Split(
                found.images[rows],
                np.array([numbers[picture.label] for picture in own], np.int64),
                [picture.name for picture in own],
                None if found.digests is None else found.digests[rows],
                [picture.group for picture in own] if own[0].group else (),
            )
    if "train" not in splits:
        raise DataError(f"{tree.place}: all training pictures are damaged; copy them again")
    return Parts(
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        classes,
        [*notes, *found.notes],
        called,
    )


def sort_classes(names: set[str]) -> tuple[str, ...]:
    """Return the classes' names in order, numbers by value and before words."""
    return tuple(
        sorted(
            names,
            key=lambda name: (
                not name.isdecimal(),
                int(name) if name.isdecimal() else 0,
                name,
            ),
        )
    )
