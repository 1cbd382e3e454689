"""From what a user names (a known data set, a folder, a file) to a :class:`Dataset`."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

from mnistlab.data.dataset import DIGITS, Dataset, make_dataset, unseen
from mnistlab.data.download import OnProgress
from mnistlab.data.duplicates import find_duplicates
from mnistlab.data.file_tree import FileTree, Folder, Joined, archive_kind, open_tree
from mnistlab.data.form import PART_NAMES, Form, Part, Parts, ReadOptions, forms, part_of
from mnistlab.data.known_datasets import CATALOGUE, load_known
from mnistlab.errors import DamagedPictures, DataError, did_you_mean
from mnistlab.fit import Fit
from mnistlab.text import counted, listed, printable, shorten

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
_MOST_FILES_ASKED = 50
"""Of a folder, whether they are of another form than what is read."""


def load_dataset(
    source: Path | str = "mnist",
    on_progress: OnProgress | None = None,
    *,
    size: int | tuple[int, int] | None = None,
    fit: Fit = "pad",
    group: str = "",
    skip_damaged: bool = False,
) -> Dataset:
    """Load labelled images.

    Args:
        source: a known name (``mnist``, ``fashion-mnist``, ...); or a folder, an archive or a file
            in one of the forms that :doc:`data` lists: class folders, tables of pixels, tables of
            file names and labels, arrays, IDX files, and others. The content decides, not the name.
        on_progress: called with a download's progress.
        size: pixels to which pictures of different sizes are brought, a side or height and width;
            ``None`` is 32. Pictures of one size keep it, unless a side is longer than 512.
        fit: how they are, see :func:`mnistlab.fit.place`.
        group: where the data have no test set, images of one group are held out together: the name
            of a table's column, or what tells the group from a file's name, see
            :func:`mnistlab.data.holdout.group_of`.
        skip_damaged: leave damaged pictures out, and say so, rather than refuse all.

    Raises:
        DataError: an unknown ``fit``; nothing there, or what is there is damaged or no data set;
            the message names the file.

    Examples:
        >>> from mnistlab import load_dataset
        >>> mnist = load_dataset("mnist")
        >>> mnist.train.images.shape, mnist.train.images.dtype
        ((60000, 1, 28, 28), dtype('uint8'))
        >>> mnist.test.labels[:5]
        array([7, 2, 1, 0, 4])
    """
    source = str(source)
    if not source:
        raise DataError("the name of the data is empty; name a data set, a folder or a file")
    if fit not in get_args(Fit):
        raise DataError(f"fit: must be one of {', '.join(get_args(Fit))}; found {fit!r}")
    if source in CATALOGUE:
        return load_known(CATALOGUE[source], on_progress)
    sides = (size, size) if isinstance(size, int) else size
    path = Path(source)
    try:
        path = path.expanduser()
        if path.exists():
            tree, chosen = _tree(path)
            options = ReadOptions(sides, fit, skip_damaged, group, chosen)
            return _dataset(path, _read(tree, options), group)
    # A home folder of nobody is a RuntimeError, a name with a zero byte a ValueError.
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    except DamagedPictures:
        raise
    except DataError as error:
        # What only shows once the parts are put together knows the data set's name, not its place.
        raise (
            error if printable(str(path)) in str(error) else DataError(f"{path}: {error}")
        ) from None
    hint = did_you_mean(source, CATALOGUE) or f"known by name: {', '.join(CATALOGUE)}"
    raise DataError(f"{source}: no such file, folder or data set; {hint}")


def _tree(path: Path) -> tuple[FileTree, str]:
    """Return the files that a path means, and the name of the one that was chosen, if any."""
    if path.is_dir():
        return _in_folder(Folder(path)), ""
    names = [path.name, *(found.name for found in _partners(path))]
    tree = Folder(path.parent, names)
    options = ReadOptions(chosen=path.name)
    if any(form.matches(tree, options) for form in forms()):
        return tree, path.name
    if archive_kind(path):
        parts = {part_of(_stem(name)) or name: path.parent / name for name in names}
        if len(parts) == 1:
            return open_tree(path), ""
        return Joined(path.parent, {part: open_tree(file) for part, file in parts.items()}), ""
    raise DataError(
        f"{path}: not a known form of data; known are {_known_forms()}, also in archives (zip, tar)"
    )


def _in_folder(tree: Folder) -> FileTree:
    """Return a folder's files; if they are archives, what those hold."""
    archives = [name for name in tree.names if "/" not in name and name.lower().endswith(_ARCHIVES)]
    if not archives or tree.pictures:
        return tree
    by_part: dict[str, list[str]] = {}
    for name in archives:
        by_part.setdefault(_part_in(name) or "", []).append(name)
    for names in by_part.values():
        if len(names) > 1:
            raise DataError(f"{tree.place}: holds {listed(names)}; name the one to use")
    if len(archives) == 1:
        return open_tree(tree.place / archives[0])
    if "" in by_part or "train" not in by_part:
        raise DataError(f"{tree.place}: holds {listed(archives)}; name the one to use")
    return Joined(
        tree.place, {part: open_tree(tree.place / names[0]) for part, names in by_part.items()}
    )


def _part_in(name: str) -> Part | None:
    """Return which split a file's name speaks of."""
    words = "".join(letter if letter.isalnum() else " " for letter in _stem(name).lower()).split()
    return next((PART_NAMES[word] for word in words if word in PART_NAMES), None)


def _stem(name: str) -> str:
    return name.split(".")[0]


def _partners(path: Path) -> Iterator[Path]:
    """Yield the files of the other splits beside a training file, told by its name."""
    for word in ("train", "Train", "TRAIN"):
        if word not in path.name:
            continue
        for other in ("test", "val", "valid", "validation"):
            cased = other.upper() if word.isupper() else other.title() if word[0] == "T" else other
            partner = path.with_name(path.name.replace(word, cased))
            if partner.exists():
                yield partner
        return


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    for form in forms():
        if form.matches(tree, options):
            parts = form.read(tree, options)
            others = _not_read(tree, form) if form.rows and not options.chosen else ()
            return replace(parts, notes=[*parts.notes, *others])
    if not tree.names:
        empty = f"; the folder {tree.empty[0]} is empty" if tree.empty else ""
        raise DataError(f"{tree.place}: no data: there is no file in it{empty}")
    if tree.pictures:
        raise DataError(
            f"{tree.place}: holds pictures, but nothing tells their classes: name the folder with"
            " one folder per class, add a table of file names and labels, or name files"
            " {number}_{label}.png"
        )
    raise DataError(f"{tree.place}: no data in it; known forms are {_known_forms()}")


def _not_read(tree: FileTree, form: Form) -> Iterator[str]:
    """Say what else a folder holds that is of another form, or pictures."""
    for name in tree.others[:_MOST_FILES_ASKED]:
        alone = tree.only(name)
        other = next((one for one in forms() if one.matches(alone, ReadOptions())), form)
        if other is not form:
            yield f"{shorten(printable(name))} ({other.name}) is not read; name it to use it"
    if tree.pictures:
        yield f"pictures beside the data are not read: {listed(tree.pictures, most=2)}"


def _known_forms() -> str:
    return listed([form.name for form in forms()])


def _name(path: Path) -> str:
    """Return what a data set is called: its folder, or its file unless that is one of several
    splits. One that is called as a known data set has its folder's name before its own.
    """
    path = path.resolve()
    words = re.split(r"[\W_]+", _stem(path.name))
    if not path.is_dir() and any(map(part_of, words)):
        path = path.parent
    name = path.name if path.is_dir() else _stem(path.name)
    return f"{path.parent.name}/{name}" if name in CATALOGUE else name or str(path)


def _dataset(path: Path, parts: Parts, group: str) -> Dataset:
    """Put a data set together from its parts, and say which serves as what."""
    notes = list(parts.notes)
    train, test, validation = parts.train, parts.test, parts.validation
    if test is None and validation is not None:
        word = parts.called.get("validation", "validation")
        notes.append(f"there is no test set, so {word} ({len(validation):,} images) serves as one")
        test, validation = validation, None
    elif validation is not None:
        word = parts.called.get("validation", "validation")
        notes.append(
            f"{word} ({len(validation):,} images) is not trained on, and tested on only if"
            " validation = given"
        )
    dataset = make_dataset(
        _name(path),
        train,
        test,
        classes=parts.classes,
        note="; ".join(notes),
        validation=validation,
        group=group,
    )
    splits = dataset.splits
    shared = find_duplicates({key: split.images for key, split in splits.items()}, near=False)
    notes = [
        dataset.note,
        *_missing_digits(dataset),
        *_untrained(dataset),
        *_untested(dataset),
        *shared.shared({key: split.names for key, split in splits.items()}),
    ]
    return replace(dataset, note="; ".join(filter(None, notes)))


def _missing_digits(dataset: Dataset) -> Iterator[str]:
    """Say that numbers with gaps are taken for the ten digits, of which some have no image."""
    labels = np.unique(np.concatenate([split.labels for split in dataset.splits.values()]))
    if dataset.classes == DIGITS and len(labels) < len(DIGITS):
        yield (
            f"the labels are {listed([DIGITS[label] for label in labels])}: numbers with gaps are"
            " taken for the ten digits, words such as class1 for classes of their own"
        )


def _untested(dataset: Dataset) -> Iterator[str]:
    """Say of which classes there are training images only."""
    labels = np.setdiff1d(dataset.train.labels, dataset.test.labels)
    if labels.size:
        untested = [dataset.classes[label] for label in labels]
        yield f"the test set has no image of {unseen(untested)}"


def _untrained(dataset: Dataset) -> Iterator[str]:
    """Say of which classes there are test images only."""
    trained = np.bincount(dataset.train.labels, minlength=len(dataset.classes)) > 0
    untrained = ~trained[dataset.test.labels]
    if untrained.any():
        names = [dataset.classes[label] for label in np.unique(dataset.test.labels[untrained])]
        count = counted(int(untrained.sum()), "test image")
        yield f"{count} but no training image of {listed(names, most=5)}"
