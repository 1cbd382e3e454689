"""Pictures in ordinary files (PNG, JPEG and so on) as grey bytes."""

import io
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnistlab.data.dataset import Dataset, Split, make_dataset
from mnistlab.errors import DataError
from mnistlab.files import read_file
from mnistlab.text import listed

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""Of Pillow's others some start programs, as PostScript does, and the name does not decide."""
_MOST_PIXELS = 1 << 24
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def decode(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decode one picture to grey.

    Args:
        content: the file's bytes.
        name: for messages.

    Returns:
        uint8, ``(height, width)``: colours by ITU-R 601 luma, 16 bits scaled to 8, transparency
        laid on white.

    Raises:
        DataError: not a picture, damaged, or absurdly large.
    """
    try:
        _check_chunks(content)
        with warnings.catch_warnings(), Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            warnings.simplefilter("ignore")
            width, height = image.size
            if width * height > _MOST_PIXELS:
                raise ValueError(f"{width}x{height} pixels; at most {_MOST_PIXELS:,} are read")
            if image.mode.startswith("I"):
                return (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
            if image.has_transparency_data:
                overlay = image.convert("RGBA")
                return np.asarray(
                    Image.alpha_composite(Image.new("RGBA", image.size, "white"), overlay).convert(
                        "L"
                    )
                )
            return np.asarray(image.convert("L"))
    # Pillow's decoders raise almost anything on damaged files, SyntaxError for a broken PNG among
    # them.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name}: not a readable picture: {reason}") from error


def _check_chunks(content: bytes) -> None:
    """Hold a PNG's chunks against their checksums, of which Pillow leaves out those of pixels.

    Raises:
        ValueError: one is damaged.
    """
    if not content.startswith(_PNG_MAGIC):
        return
    at, chunk = len(_PNG_MAGIC), b""
    while chunk != b"IEND":
        end = at + 8 + int.from_bytes(content[at : at + 4])
        chunk = content[at + 4 : at + 8]
        if len(content) < end + 4 or zlib.crc32(content[at + 4 : end]) != int.from_bytes(
            content[end : end + 4]
        ):
            raise ValueError("cut off, or a checksum is wrong")
        at = end + 4


def stack(pictures: list[NDArray[np.uint8]], names: list[str]) -> NDArray[np.uint8]:
    """Stack pictures of one size into ``(n, height, width)``.

    Raises:
        DataError: one differs in size from the first; the message names it.
    """
    for picture, name in zip(pictures, names, strict=True):
        if picture.shape != pictures[0].shape:
            found, first = ("x".join(map(str, p.shape)) for p in (picture, pictures[0]))
            raise DataError(
                f"{name}: {found} pixels, but {names[0]} is {first}; all must have one size"
            )
    return np.stack(pictures)


def read_class_folders(folder: Path) -> Dataset:
    """Read ``folder/train/CLASS/*.png`` and ``folder/test/CLASS/*.png``, or ``folder/CLASS/*.png``
    alone.

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
    pictures: list[NDArray[np.uint8]] = []
    names: list[str] = []
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
        pictures += [_read_picture(path) for path in paths]
        names += map(str, paths)
        labels += [classes.index(subfolder.name)] * len(paths)
    if not pictures:
        raise DataError(f"{folder}: no class folders with pictures")
    return Split(stack(pictures, names), np.array(labels, np.int64))


def _read_picture(path: Path) -> NDArray[np.uint8]:
    try:
        return decode(read_file(path), str(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


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
    """Encode grey pixels, uint8 ``(height, width)``, as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
