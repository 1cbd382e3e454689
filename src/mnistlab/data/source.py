"""From what a user names (a known data set, a folder, a file) to a :class:`Dataset`."""

import os
from pathlib import Path

from mnistlab.data.csv import read_csvs
from mnistlab.data.dataset import Dataset, make_dataset
from mnistlab.data.download import OnProgress
from mnistlab.data.idx import read_split
from mnistlab.data.image_files import SUFFIXES, read_class_folders
from mnistlab.data.known_datasets import CATALOGUE, load_known
from mnistlab.data.npz import read_npz
from mnistlab.data.tar import read_tars
from mnistlab.errors import DataError, did_you_mean
from mnistlab.text import listed, printable


def load_dataset(source: str = "mnist", on_progress: OnProgress | None = None) -> Dataset:
    """Load labelled images.

    Args:
        source: a known name (``mnist``, ``fashion-mnist``, ...), a folder (of IDX files, of class
            folders, or with ``train.tar`` or ``train.csv`` in it), or a file: the course's
            ``train.tar`` (``test.tar`` is taken from beside it), Kaggle's ``train.csv``, Keras's
            ``mnist.npz``.
        on_progress: told of a download's progress.

    Raises:
        DataError: nothing there, or what is there is damaged or no data set; the message names the
            file.

    Examples:
        >>> from mnistlab import load_dataset
        >>> mnist = load_dataset("mnist")
        >>> mnist.train.images.shape, mnist.train.images.dtype
        ((60000, 28, 28), dtype('uint8'))
        >>> mnist.test.labels[:5]
        array([7, 2, 1, 0, 4])
    """
    if not source:
        raise DataError("the name of the data is empty; name a data set, a folder or a file")
    if source in CATALOGUE:
        return load_known(CATALOGUE[source], on_progress)
    path = Path(source)
    try:
        path = path.expanduser()
        if path.is_dir():
            return _load_folder(path)
        if path.exists():
            return _load_file(path)
    # A home folder of nobody is a RuntimeError, a name with a zero byte a ValueError.
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    except DataError as error:
        # What only shows once the parts are put together knows the data set's name, not its place.
        raise (
            error if printable(str(path)) in str(error) else DataError(f"{path}: {error}")
        ) from None
    hint = did_you_mean(source, CATALOGUE) or f"known by name: {', '.join(CATALOGUE)}"
    raise DataError(f"{source}: no such file, folder or data set; {hint}")


def _load_file(path: Path) -> Dataset:
    match path.suffix.lower():
        case ".npz":
            return read_npz(path)
        case ".csv":
            return read_csvs(path, _partner(path))
        case ".tar" | ".tgz" | ".gz" | ".bz2" | ".xz" if (
            ".tar" in path.name.lower() or path.suffix.lower() == ".tgz"
        ):
            return read_tars(path, _partner(path))
    raise DataError(f"{path}: not a known kind of data file (.tar, .csv, .npz, or a folder)")


def _partner(train: Path) -> Path | None:
    """The test file beside a training file, told by its name."""
    test = train.with_name(train.name.replace("train", "test"))
    return test if test != train and os.path.lexists(test) else None


def _load_folder(folder: Path) -> Dataset:
    if any(folder.glob("*images*idx3*")):
        return _load_idx_folder(folder)
    for pattern in ("*train*.tar*", "*train*.csv", "*.npz"):
        files = sorted(path for path in folder.glob(pattern) if not path.is_dir())
        if len(files) > 1:
            raise DataError(
                f"{folder}: holds {listed([path.name for path in files])}; name the one to use"
            )
        if files:
            return _load_file(files[0])
    if any(path.is_dir() and not path.name.startswith(".") for path in folder.iterdir()):
        return read_class_folders(folder)
    if any(path.suffix.lower() in SUFFIXES for path in folder.iterdir()):
        raise DataError(
            f"{folder}: holds pictures, but no folder per class; name the folder that holds those"
            " of all classes"
        )
    raise DataError(
        f"{folder}: no data in this folder (IDX files, class folders, train.tar, train.csv or an"
        " .npz)"
    )


def _load_idx_folder(folder: Path) -> Dataset:
    train = read_split(_idx_file(folder, "images", "train"), _idx_file(folder, "labels", "train"))
    test = read_split(
        _idx_file(folder, "images", "t10k", "test"), _idx_file(folder, "labels", "t10k", "test")
    )
    return make_dataset(folder.resolve().name, train, test)


def _idx_file(folder: Path, kind: str, *parts: str) -> Path:
    files = sorted(path for part in parts for path in folder.glob(f"*{part}*{kind}*idx*"))
    if not files:
        raise DataError(
            f"{folder}: lacks the {kind} file of the {parts[-1]} set, for example"
            f" {parts[0]}-{kind}-idx*-ubyte.gz"
        )
    # The same file packed and unpacked is one file; EMNIST's folder holds six sets.
    if len({path.name.removesuffix(".gz") for path in files}) > 1:
        raise DataError(
            f"{folder}: holds {listed([path.name for path in files])}; keep one set in a folder"
        )
    return files[0]
