"""Writers of the forms in which labelled images are published."""

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnistlab.data.file_tree import open_tree
from mnistlab.data.form import Parts, ReadOptions, forms
from mnistlab.errors import DataError

Pair = tuple[np.ndarray, np.ndarray]


def png_bytes(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_tar(path: Path, members: list[tuple[str, bytes]], mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def _idx(folder: Path, train: Pair, test: Pair, suffix: str = "") -> Path:
    for part, (images, labels) in (("train", train), ("t10k", test)):
        for kind, array in (("images-idx3", images), ("labels-idx1", labels.astype(np.uint8))):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            content = header + array.tobytes()
            packed = gzip.compress(content) if suffix else content
            (folder / f"{part}-{kind}-ubyte{suffix}").write_bytes(packed)
    return folder


def _idx_gz(folder: Path, train: Pair, test: Pair) -> Path:
    return _idx(folder, train, test, ".gz")


def _tar(folder: Path, train: Pair, test: Pair) -> Path:
    for part, (images, labels) in (("train", train), ("test", test)):
        members = [
            (f"{i:05}_{label}.png", png_bytes(image))
            for i, (image, label) in enumerate(zip(images, labels))
        ]
        # File systems hand files out in an order of their own.
        write_tar(folder / f"{part}.tar", [("./", b""), ("./._junk", b"x"), *members[::-1]])
    return folder


def _csv(folder: Path, train: Pair, test: Pair) -> Path:
    for part, (images, labels) in (("train", train), ("test", test)):
        flat = images.reshape(len(images), -1)
        lines = ["label," + ",".join(f"pixel{i}" for i in range(flat.shape[1]))]
        lines += [",".join(map(str, [label, *pixels])) for label, pixels in zip(labels, flat)]
        (folder / f"{part}.csv").write_text("\n".join(lines) + "\n")
    return folder


def _npz(folder: Path, train: Pair, test: Pair) -> Path:
    path = folder / "mnist.npz"
    np.savez(
        path,
        x_train=train[0],
        y_train=train[1].astype(np.uint8),
        x_test=test[0],
        y_test=test[1].astype(np.uint8),
    )
    return path


def _class_folders(folder: Path, train: Pair, test: Pair) -> Path:
    for part, (images, labels) in (("train", train), ("test", test)):
        for i, (image, label) in enumerate(zip(images, labels)):
            path = folder / part / str(label) / f"{i:05}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png_bytes(image))
            (path.parent / ".DS_Store").write_bytes(b"x")
    return folder


FORMS = {
    "idx": _idx,
    "idx.gz": _idx_gz,
    "tar": _tar,
    "csv": _csv,
    "npz": _npz,
    "class folders": _class_folders,
}


def read_as(name: str, path: Path, chosen: str = "") -> Parts:
    """Read a folder, an archive, or a file named in it, in the form of this name."""
    tree, options = open_tree(path), ReadOptions(chosen=chosen)
    form = next(form for form in forms() if form.matches(tree, options))
    assert form.name == name
    return form.read(tree, options)


def refusal_of(name: str, path: Path, chosen: str = "") -> str:
    """Return the one line with which it is refused, which starts with the path."""
    with pytest.raises(DataError) as caught:
        read_as(name, path, chosen)
    line = str(caught.value)
    assert line.startswith(str(path))
    assert len(line) - len(str(path)) < 250
    assert "\n" not in line
    return line
