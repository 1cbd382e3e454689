"""What to classify: the pictures and the rows of images that arguments name, in their order."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mnistlab.cli.picture_sources import STANDARD_INPUT, find_sources, natural
from mnistlab.data.file_tree import FileTree, Folder, archive_kind
from mnistlab.data.form import Rows
from mnistlab.data.unlabelled import holds_rows, read_rows
from mnistlab.errors import DataError
from mnistlab.prediction.files import PictureFile
from mnistlab.text import counted, shorten


@dataclass(frozen=True)
class Item:
    """One picture, or one row of a table.

    Attributes:
        file: what the output calls its file.
        id: a row's own name, or its number from 1; of a picture, its path within the folder or the
            archive that was named, or its file's name.
        is_row: whether it is a row.
    """

    file: str
    id: str
    is_row: bool = False

    @property
    def name(self) -> str:
        """What a line of text calls it."""
        return f"{self.file}: {self.id}" if self.is_row else self.file


@dataclass
class Group:
    """Items that are read in one way: pictures, the rows of one file, or nothing but a fault."""

    items: list[Item] = field(default_factory=list)
    pictures: list[PictureFile] = field(default_factory=list)
    images: NDArray[np.uint8] | None = None
    fault: str | None = None


@dataclass
class Found:
    """All that arguments name, and what is to be said of it."""

    groups: list[Group] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    labelled: list[str] = field(default_factory=list)

    @property
    def items(self) -> list[Item]:
        """All items, in order."""
        return [item for group in self.groups for item in group.items]


def find(arguments: Sequence[str], given: bytes, classes: Sequence[str]) -> Found:
    """Find what arguments name.

    Args:
        arguments: pictures; folders and archives (zip, tar), of which all pictures are taken,
            however deep; patterns; tables and arrays of images, labelled or not; ``-``.
        given: what ``-`` is: standard input.
        classes: the model's; folders of these names are labels.
    """
    found = Found()
    for argument in arguments:
        path = Path(argument)
        # Not Path's, which raise if a name is too long for a file.
        if argument == STANDARD_INPUT:
            _add(found, Item("-", "-"), PictureFile(content=given))
        elif os.path.isdir(path):  # noqa: PTH112
            _add_tree(found, argument, lambda path=path: Folder(path), classes)
        elif holds_rows(path):
            _add_rows(found, argument, path)
        elif kind := _archive(path):
            _add_tree(found, argument, lambda path=path, kind=kind: kind(path), classes)
        else:
            for source in find_sources([argument]):
                if source.path is not None and holds_rows(source.path):
                    _add_rows(found, source.name, source.path)
                elif source.path is not None:
                    item = Item(source.name, source.path.name)
                    _add(found, item, PictureFile(source.path))
                else:
                    _refuse(found, source.name, source.fault or "nothing to read")
    return found


def _archive(path: Path) -> "type[FileTree] | None":
    try:
        return archive_kind(path) if os.path.isfile(path) else None  # noqa: PTH113
    except DataError:
        return None


def _refuse(found: Found, name: str, fault: str) -> None:
    found.groups.append(Group([Item(name, name)], fault=fault))


def _add(found: Found, item: Item, picture: PictureFile) -> None:
    """Add a picture to the pictures before it, so that all are decoded together."""
    if not found.groups or not found.groups[-1].pictures:
        found.groups.append(Group())
    found.groups[-1].items.append(item)
    found.groups[-1].pictures.append(picture)


def _add_tree(found: Found, argument: str, open_it: object, classes: Sequence[str]) -> None:
    try:
        tree: FileTree = open_it()  # type: ignore[operator]
        names = sorted(tree.pictures, key=lambda name: natural(PurePosixPath(name)))  # type: ignore[arg-type]
    except DataError as error:
        _refuse(found, argument, str(error).removeprefix(f"{argument}: "))
        return
    passed = len(tree.names) - len(names), len(tree.hidden)
    if any(passed):
        other, hidden = passed
        said = [counted(other, "other file")] * bool(other)
        said += [counted(hidden, "hidden file" if not other else "hidden one")] * bool(hidden)
        found.notes.append(f"{argument}: {' and '.join(said)} passed over")
    if not names:
        kind = "folder" if isinstance(tree, Folder) else "archive"
        _refuse(
            found, argument, f"a{'n' * (kind == 'archive')} {kind} without pictures{_hint(tree)}"
        )
        return
    folders = {parts[-2] for name in names if len(parts := name.split("/")) > 1}
    if folders and folders <= set(classes):
        found.labelled.append(argument)
    for name in names:
        path = tree.path(name)
        inner = os.path.join(argument, name)  # noqa: PTH118 - as the user wrote it
        picture = PictureFile(path) if path else PictureFile(tree=tree, member=name)
        _add(found, Item(inner, name), picture)


def _hint(tree: FileTree) -> str:
    tables = [name for name in tree.names if name.lower().endswith((".csv", ".tsv", ".npy"))]
    return f"; name the file of images in it, such as {shorten(tables[0])}" if tables else ""


def _add_rows(found: Found, name: str, path: Path) -> None:
    try:
        rows: Rows = read_rows(path)
    except DataError as error:
        _refuse(found, name, str(error).removeprefix(f"{path}: "))
        return
    found.notes += [f"{name}: {note.removeprefix(f'{path.name}: ')}" for note in rows.notes]
    if rows.labelled:
        found.labelled.append(name)
    count = len(rows.pictures) or len(rows.images)
    ids = list(rows.ids) or [str(number) for number in range(1, count + 1)]
    items = [Item(name, row, is_row=True) for row in ids]
    if rows.pictures:
        pictures = [PictureFile(content=content) for content in rows.pictures]
        found.groups.append(Group(items, pictures))
    else:
        found.groups.append(Group(items, images=rows.images))


def prepared_rows(group: Group) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of a group of rows."""
    yield from () if group.images is None else group.images
