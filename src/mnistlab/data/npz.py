"""Keras's ``mnist.npz``: ``x_train``, ``y_train``, ``x_test``, ``y_test`` in one zip of arrays."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import Dataset, Split, make_dataset
from mnistlab.errors import DataError


def read_npz(path: Path) -> Dataset:
    """Read such a file; arrays that would need pickle are refused.

    Raises:
        DataError: not a zip of arrays, damaged, an array missing, or of another shape or type.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise DataError(f"{path}: a single array, not the zip of four that Keras publishes")
            missing = {"x_train", "y_train", "x_test", "y_test"} - set(arrays.files)
            if missing:
                raise DataError(f"{path}: lacks {', '.join(sorted(missing))}; it holds {', '.join(arrays.files)}")
            train, test = (_split(arrays[f"x_{part}"], arrays[f"y_{part}"], path) for part in ("train", "test"))
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    return make_dataset(path.stem, train, test)


def _split(images: NDArray[np.generic], labels: NDArray[np.generic], path: Path) -> Split:
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 or images.dtype != np.uint8:
        raise DataError(f"{path}: images of shape {images.shape} and type {images.dtype}; expected (n, h, w) of uint8")
    if labels.size != len(labels) or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{path}: labels of shape {labels.shape} and type {labels.dtype}; expected (n,) whole numbers")
    return Split(images.astype(np.uint8, copy=False), labels.reshape(-1).astype(np.int64))
