"""Numbered pictures, as the course has them: files named ``{number}_{label}.png``."""

import re

import numpy as np

from mnistlab.data.dataset import number_names
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Part, Parts, ReadOptions, part_of
from mnistlab.data.labelled_pictures import LabelledPicture, read_labelled
from mnistlab.errors import DataError
from mnistlab.text import printable, shorten

_NAME = re.compile(r"(?P<number>\d{1,18})_(?P<label>\d{1,4})\.\w+")


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    del options
    pictures = tree.pictures
    # Several folders that are no splits are classes, whatever the pictures are called.
    places = {name.rpartition("/")[0] for name in pictures}
    folders = {
        tuple(folder for folder in place.split("/") if folder and not part_of(folder))
        for place in places
    }
    return len(folders) == 1 and any(_NAME.fullmatch(name.rpartition("/")[2]) for name in pictures)


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    found: list[tuple[int, LabelledPicture]] = []
    called: dict[Part, str] = {}
    for name in tree.pictures:
        *folders, file = name.split("/")
        match = _NAME.fullmatch(file)
        if match is None:
            raise DataError(
                f"{tree.place}: {shorten(printable(name))}: a picture is named"
                " {number}_{label}.png, for example 00042_7.png"
            )
        word = next((folder for folder in folders if part_of(folder)), "")
        part: Part = part_of(word) or "train"
        if word:
            called[part] = word
        picture = LabelledPicture(name, str(int(match["label"])), part)
        found.append((int(match["number"]), picture))
    found.sort(key=lambda pair: pair[0])
    classes = number_names(np.array([int(picture.label) for _, picture in found]))
    # Not class by class, but in the order of their numbers.
    return read_labelled(
        tree, [picture for _, picture in found], options, (), called, classes, by_class=False
    )


FORM = Form("numbered pictures", 80, _matches, _read)
