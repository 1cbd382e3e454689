"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), in their Python and binary archives, packed or not."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.array_files import read_whole
from mnistlab.data.cifar_classes import CIFAR_10, CIFAR_100
from mnistlab.data.dataset import Split
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Part, Parts, ReadOptions, Rows
from mnistlab.data.plain_pickle import read_pickle
from mnistlab.errors import DataError
from mnistlab.text import listed

_BATCHES = 5
_NAMES = {
    "CIFAR-10, Python": re.compile(r"(?P<train>data_batch_\d+)|(?P<test>test_batch)"),
    "CIFAR-10, binary": re.compile(r"(?P<train>data_batch_\d+\.bin)|(?P<test>test_batch\.bin)"),
    "CIFAR-100, Python": re.compile(r"(?P<train>train)|(?P<test>test)"),
    "CIFAR-100, binary": re.compile(r"(?P<train>train\.bin)|(?P<test>test\.bin)"),
}
"""The four archives, and what their files of images are called."""
_STARTS = ("data_batch_", "test", "train")
_META = {
    "CIFAR-10, Python": "batches.meta",
    "CIFAR-10, binary": "batches.meta.txt",
    "CIFAR-100, Python": "meta",
    "CIFAR-100, binary": "fine_label_names.txt",
}
"""The file that names the classes."""
_PIXELS, _SIDE = 3 * 32 * 32, 32

_Files = dict[tuple[str, str], list[str]]
"""Files of images by their archive and their folder."""


def _find(tree: FileTree, options: ReadOptions) -> _Files:
    found: _Files = {}
    for name in tree.others:
        folder, _, base = name.rpartition("/")
        # Quick, since there may be many files.
        if base.startswith(_STARTS):
            for archive, pattern in _NAMES.items():
                if pattern.fullmatch(base):
                    found.setdefault((archive, folder), []).append(name)
    found = {key: names for key, names in found.items() if _is_real(tree, key, names)}
    if options.chosen:
        return {key: names for key, names in found.items() if options.chosen in names}
    return found


def _is_real(tree: FileTree, key: tuple[str, str], names: list[str]) -> bool:
    """Whether these are CIFAR's, where their names are those of many other files."""
    archive, folder = key
    if (
        archive.startswith("CIFAR-10,")
        or PurePosixPath(folder, _META[archive]).as_posix() in tree.others
    ):
        return True
    if "binary" in archive:
        return all(tree.size(name) and tree.size(name) % (_PIXELS + 2) == 0 for name in names)
    return (PurePosixPath(folder).name or tree.place.name) == "cifar-100-python"


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    return bool(_find(tree, options))


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    """Read the archive; of CIFAR-100 the fine labels."""
    found = _find(tree, options)
    if len(found) > 1:
        folders = [f"{archive} in {folder or tree.place.name}" for archive, folder in found]
        raise DataError(f"{tree.place}: holds {listed(folders, 4)}; name the one to use")
    (archive, folder), names = next(iter(found.items()))
    classes, notes = _class_names(tree, archive, folder), []
    parts = {
        part: [name for name in names if _part(archive, name) == part] for part in ("train", "test")
    }
    if not parts["train"]:
        raise DataError(f"{tree.where(names[0])}: only the test images are there; add data_batch_1")
    if archive.startswith("CIFAR-10,") and len(parts["train"]) < _BATCHES:
        notes.append(f"only {len(parts['train'])} of {_BATCHES} training batches are there")
    if "100" in archive:
        notes.append("the labels are the 100 fine classes")
    splits = {
        part: _join([_read_batch(tree, name, archive, len(classes)) for name in files])
        for part, files in parts.items()
        if files
    }
    return Parts(
        splits["train"],
        test=splits.get("test"),
        classes=classes,
        notes=notes,
    )


def _part(archive: str, name: str) -> Part:
    found = _NAMES[archive].fullmatch(PurePosixPath(name).name)
    return "train" if found and found["train"] else "test"


def _join(batches: list[Split]) -> Split:
    return Split(
        np.concatenate([batch.images for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
    )


def _class_names(tree: FileTree, archive: str, folder: str) -> tuple[str, ...]:
    published = CIFAR_100 if "100" in archive else CIFAR_10
    name = PurePosixPath(folder, _META[archive]).as_posix()
    if name not in tree.others:
        return published
    content = read_whole(tree, name)
    if "binary" in archive:
        names = content.decode("utf-8", "replace").split()
    else:
        meta = _fields(read_pickle(content, tree.where(name)), tree.where(name))
        found = meta.get("fine_label_names" if "100" in archive else "label_names") or ()
        names = [_text(word) for word in found]
    return tuple(names) or published


def _read_batch(tree: FileTree, name: str, archive: str, classes: int) -> Split:
    content, where = read_whole(tree, name), tree.where(name)
    if "binary" in archive:
        images, labels = _parse_binary(content, where, _labels_in(archive))
    else:
        images, labels = _parse_pickle(content, where)
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        wrong = int(np.argmax((labels < 0) | (labels >= classes)))
        raise DataError(
            f"{where}: image {wrong} has label {labels[wrong]}; labels are 0 to {classes - 1}: the"
            " file is damaged or another one"
        )
    return Split(images, labels)


def _labels_in(archive: str) -> int:
    """Return how many bytes of an image are labels."""
    return 2 if "100" in archive else 1


def _parse_binary(
    content: bytes, where: str, bytes_of_label: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Split rows of a label, two of CIFAR-100 of which the second is the fine one, and pixels."""
    row = bytes_of_label + _PIXELS
    if not content or len(content) % row:
        raise DataError(
            f"{where}: {len(content):,} bytes are not a multiple of an image's {row:,}; copy it"
            " again"
        )
    rows = np.frombuffer(content, np.uint8).reshape(-1, row)
    images = rows[:, bytes_of_label:].reshape(-1, 3, _SIDE, _SIDE)
    return images, rows[:, bytes_of_label - 1].astype(np.int64)


def _parse_pickle(content: bytes, where: str) -> tuple[NDArray[Any], NDArray[Any]]:
    batch = _fields(read_pickle(content, where), where)
    images, labels = _pixels_of(batch, where), _labels_of(batch)
    if labels is None:
        raise DataError(f"{where}: holds {listed(list(batch), 5)}; CIFAR has data and labels")
    whole = np.array(labels)
    if whole.shape != (len(images),) or whole.dtype.kind not in "iu":
        raise DataError(
            f"{where}: labels of shape {whole.shape} and type {whole.dtype} for {len(images):,}"
            " images; CIFAR has a whole number for each"
        )
    return images, whole.astype(np.int64)


def _labels_of(batch: Mapping[str, Any]) -> Any:
    return batch.get("fine_labels", batch.get("labels"))


def _pixels_of(batch: Mapping[str, Any], where: str) -> NDArray[Any]:
    pixels = batch.get("data")
    if not isinstance(pixels, np.ndarray):
        raise DataError(f"{where}: holds {listed(list(batch), 5)}; CIFAR has data and labels")
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != _PIXELS:
        raise DataError(
            f"{where}: data of shape {pixels.shape} and type {pixels.dtype}; CIFAR has"
            f" (n, {_PIXELS}) of uint8"
        )
    return pixels.reshape(-1, 3, _SIDE, _SIDE)


def _fields(batch: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(batch, dict):
        raise DataError(f"{where}: a pickle of a {type(batch).__name__}; CIFAR has a dictionary")
    return {_text(key): value for key, value in batch.items()}


def _text(word: Any) -> str:
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)


def _rows(tree: FileTree, name: str) -> Rows:
    ((archive, _),) = _find(tree, ReadOptions(chosen=name))
    content, where = read_whole(tree, name), tree.where(name)
    if "binary" in archive:
        return Rows(_parse_binary(content, where, _labels_in(archive))[0], labelled=True)
    batch = _fields(read_pickle(content, where), where)
    return Rows(_pixels_of(batch, where), labelled=_labels_of(batch) is not None)


FORM = Form("CIFAR", 10, _matches, _read, _rows)
