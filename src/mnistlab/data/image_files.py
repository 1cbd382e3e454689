"""Pictures in ordinary files (PNG, JPEG and so on), decoded to grey bytes."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnistlab.data.bounds import LEAST, most_unpacked
from mnistlab.data.dataset import Dataset, Split, make_dataset
from mnistlab.data.decode import decode
from mnistlab.errors import DataError
from mnistlab.files import read_file
from mnistlab.text import listed

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}


class PictureStack:
    """Pictures of one size, decoded one after the other, whose pixels are bounded together.

    Args:
        place: the archive or folder that they come from, for messages.
        most: pixels that they may have together.
    """

    def __init__(self, place: Path, most: int) -> None:
        self._place = place
        self._most = most
        self._pictures: list[NDArray[np.uint8]] = []
        self._first = ""

    def __len__(self) -> int:
        return len(self._pictures)

    def add(self, content: bytes, name: str) -> None:
        """Decode one more picture.

        Args:
            content: the file's bytes.
            name: for messages.

        Raises:
            DataError: not a picture, damaged, absurdly large, of another size than the first, or
                one too many.
        """
        picture = decode(content, name, colour="grey", check_size=self._check_size)
        self._pictures.append(picture.pixels[0])
        self._first = self._first or name

    def stacked(self, order: Sequence[int] | None = None) -> NDArray[np.uint8]:
        """Return the pictures, uint8 ``(n, height, width)``.

        Args:
            order: places from 0 in which they were added; ``None`` is that order itself.
        """
        chosen = self._pictures if order is None else [self._pictures[place] for place in order]
        return np.stack(chosen)

    def _check_size(self, name: str, height: int, width: int) -> None:
        if self._pictures and (height, width) != self._pictures[0].shape:
            first = "x".join(map(str, self._pictures[0].shape))
            raise DataError(
                f"{name}: {height}x{width} pixels, but {self._first} is {first}; all must have one"
                " size"
            )
        if (len(self) + 1) * height * width > self._most:
            raise DataError(
                f"{self._place}: would expand to more than {self._most:,} pixels; files of this"
                " size may expand to no more"
            )


def read_class_folders(folder: Path) -> Dataset:
    """Read ``folder/train/CLASS/*.png`` and ``folder/test/CLASS/*.png``, or only
    ``folder/CLASS/*.png``.

    The classes are the training folders' names in order, numbers by value.

    Raises:
        DataError: no pictures, a damaged one, sizes that differ, or a test class that training
            lacks.
    """
    parts = {path.name.lower(): path for path in _folders_in(folder)}
    train_folder = parts.get("train") or parts.get("training")
    if train_folder is None:
        names = tuple(path.name for path in _folders_in(folder))
        return make_dataset(folder.resolve().name, _read_split(folder, names), None, classes=names)
    classes = tuple(path.name for path in _folders_in(train_folder))
    train = _read_split(train_folder, classes)
    test_folder = (
        parts.get("test") or parts.get("testing") or parts.get("val") or parts.get("valid")
    )
    test = _read_split(test_folder, classes) if test_folder else None
    return make_dataset(folder.resolve().name, train, test, classes=classes)


def _read_split(folder: Path, classes: tuple[str, ...]) -> Split:
    files: list[Path] = []
    labels: list[int] = []
    for subfolder in _folders_in(folder):
        if subfolder.name not in classes:
            raise DataError(
                f"{subfolder}: no such class among the training folders ({listed(classes)})"
            )
        paths = sorted(
            p
            for p in subfolder.iterdir()
            if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")
        )
        if not paths:
            raise DataError(f"{subfolder}: no pictures in this class folder")
        files += paths
        labels += [classes.index(subfolder.name)] * len(paths)
    if not files:
        raise DataError(f"{folder}: no class folders with pictures")
    pictures = PictureStack(folder, most_unpacked(sum(map(_size, files))))
    for file in files:
        try:
            pictures.add(read_file(file, LEAST), str(file))
        except OSError as error:
            raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    return Split(pictures.stacked(), np.array(labels, np.int64))


def _size(file: Path) -> int:
    """Return a file's bytes, none if it is too large to be read or not there."""
    try:
        size = file.stat().st_size
    except OSError:
        return 0
    return size if size <= LEAST else 0


def _folders_in(folder: Path) -> list[Path]:
    folders = [
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))
    ]
    return sorted(
        folders,
        key=lambda path: (
            not path.name.isdecimal(),
            int(path.name) if path.name.isdecimal() else 0,
            path.name,
        ),
    )


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode pixels as a PNG file.

    Args:
        pixels: uint8, ``(height, width)``, or ``(channels, height, width)`` with 1 channel or RGB.
    """
    if pixels.ndim == 3:
        pixels = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
