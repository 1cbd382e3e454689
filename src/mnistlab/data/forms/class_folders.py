"""Class folders: pictures in one folder per class, with or without a folder per split."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Part, Parts, ReadOptions, part_of
from mnistlab.data.labelled_pictures import LabelledPicture, read_labelled
from mnistlab.errors import DataError
from mnistlab.text import counted, listed

_SHOWN = 3


@dataclass(frozen=True)
class _Layout:
    """Which part of a picture's name is its split and which its class.

    Attributes:
        wrappers: folders at the top in which everything lies.
        split: place of the split's folder below them, or ``None``.
        label: place of the class's folder below them.
    """

    wrappers: int
    split: int | None
    label: int


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    return not options.chosen and any("/" in name for name in tree.pictures)


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    unnamed = set(tree.others).intersection(tree.pictures)
    others = [name for name in tree.others if name not in unnamed]
    loose = [name for name in tree.pictures if "/" not in name]
    pictures = [name for name in tree.pictures if "/" in name]
    paths = [name.split("/") for name in pictures]
    layout = _find_layout(tree, paths)
    notes = _left_out(tree, loose, others)
    if tree.empty:
        raise DataError(f"{tree.where(tree.empty[0])}: no pictures in this folder; remove it")
    called: dict[Part, str] = {}
    unlabelled: Counter[str] = Counter()
    labelled: list[LabelledPicture] = []
    split, label = layout.wrappers + (layout.split or 0), layout.wrappers + layout.label
    for name, path in zip(pictures, paths, strict=True):
        part: Part | None = "train"
        if layout.split is not None:
            part = part_of(path[split])
            if len(path) - 1 <= label:
                unlabelled[path[split]] += 1
                continue
            if part:
                called[part] = path[split]
        labelled.append(LabelledPicture(name, path[label], part or "train"))
    for word, count in unlabelled.items():
        are = "is" if count == 1 else "are"
        notes.append(
            f"{counted(count, 'picture')} in {word} {are} in no class folder and {are} not used"
        )
    depth = max(label, split) + 2
    if deeper := sum(len(picture.name.split("/")) > depth for picture in labelled):
        lie, count_as = ("lies", "counts") if deeper == 1 else ("lie", "count")
        notes.append(
            f"{counted(deeper, 'picture')} {lie} deeper inside a class folder and {count_as} as its"
            " class"
        )
    return read_labelled(tree, labelled, options, notes, called)


def _find_layout(tree: FileTree, paths: Sequence[Sequence[str]]) -> _Layout:
    """Find the folders of splits and classes.

    Folders in which everything lies are passed over, as archives have them. If all that is left at
    the top is called train, val or test, those are splits, and classes lie below them; a class may
    be called train, for there are others beside it. Or each class has folders of splits.
    """
    wrappers = 0
    while len({path[wrappers] for path in paths}) == 1 and all(
        len(path) > wrappers + 2 for path in paths
    ):
        if part_of(paths[0][wrappers]):
            break
        wrappers += 1
    tops = {path[wrappers] for path in paths}
    inner = [path for path in paths if len(path) > wrappers + 2]
    if all(map(part_of, tops)) and inner:
        return _Layout(wrappers, 0, 1)
    if all(map(part_of, tops)):
        raise DataError(
            f"{tree.place}: pictures lie in {listed(sorted(tops))} without a folder per class; give"
            " each class a folder there, or put a table of file names and labels beside them"
        )
    seconds = {path[wrappers + 1] for path in inner}
    if len(inner) == len(paths) and seconds and all(map(part_of, seconds)) and len(seconds) > 1:
        return _Layout(wrappers, 1, 0)
    return _Layout(wrappers, None, 0)


def _left_out(tree: FileTree, loose: list[str], others: list[str]) -> list[str]:
    """Say which files are not read."""
    notes = []
    for names, one, several in (
        (loose, "outside the class folders", "outside the class folders"),
        (others, "that is not a picture", "that are not pictures"),
        (tree.hidden, "that is hidden", "that are hidden"),
    ):
        if names:
            what = f"file {one} is" if len(names) == 1 else f"files {several} are"
            notes.append(f"{len(names):,} {what} not used: {listed(names, _SHOWN)}")
    if tree.results:
        notes.append(f"what mnistlab has written is not used: {listed(tree.results, _SHOWN)}")
    return notes


FORM = Form("class folders", 90, _matches, _read)
