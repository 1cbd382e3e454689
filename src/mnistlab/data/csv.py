"""Tables of pixels, as Kaggle's Digit Recognizer has them: ``label,pixel0,pixel1,...``."""

import io
import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mnistlab.data.dataset import Dataset, Split, make_dataset
from mnistlab.errors import DataError
from mnistlab.files import open_file
from mnistlab.text import shorten

_LONGEST_LINE = 1 << 22
"""Characters; a million pixels in a row are fewer."""


def read_csvs(train: Path, test: Path | None) -> Dataset:
    """Read a labelled table and, unless ``None``, a second one for testing.

    Kaggle's own ``test.csv`` has no labels, so it is ignored and a test set is held out of the
    training table.

    Raises:
        DataError: no label column, a cell that is not a number from 0 to 255, rows of unequal
            length, or a number of pixels that is not a square.
    """
    labelled = test is not None and _has_labels(test)
    return make_dataset(
        train.parent.name or train.stem,
        _read_csv(train),
        _read_csv(test) if test and labelled else None,
    )


def _first_row(path: Path) -> list[str]:
    try:
        return [cell.strip().strip('"') for cell in next(_lines(path), "").split(",")]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _lines(path: Path) -> Iterator[str]:
    with io.TextIOWrapper(open_file(path), encoding="utf-8-sig") as file:
        while line := file.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise DataError(
                    f"{path}: a line has more than {_LONGEST_LINE:,} characters, too many for a row"
                )
            yield line


def _has_labels(path: Path) -> bool:
    return not _first_row(path)[0].startswith("pixel")


def _read_csv(path: Path) -> Split:
    first = _first_row(path)
    header = not first[0].isdecimal()
    if header and first[0].lower() != "label":
        raise DataError(
            f"{path}: the first column is {shorten(first[0])!r}; it must be 'label', then the"
            " pixels"
        )
    side = math.isqrt(len(first) - 1)
    if side < 1 or side * side != len(first) - 1:
        raise DataError(f"{path}: {len(first) - 1:,} pixel columns do not make a square image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # A row that begins with # is damaged, not a comment.
            table = np.loadtxt(
                _lines(path), np.int32, delimiter=",", skiprows=int(header), ndmin=2, comments=None
            )
    except (OSError, ValueError, OverflowError, Warning) as error:
        raise DataError(f"{path}: cannot be read as a table of whole numbers: {error}") from error
    if table.shape[1] != len(first):
        raise DataError(
            f"{path}: rows of {table.shape[1]:,} cells below a first row of {len(first):,};"
            " copy it again"
        )
    pixels = table[:, 1:]
    if pixels.min() < 0 or pixels.max() > 255:
        row, column = np.argwhere((pixels < 0) | (pixels > 255))[0].tolist()
        found = pixels[row, column]
        raise DataError(
            f"{path}: data row {row + 1}, pixel {column} is {found}; pixels are 0 to 255"
        )
    return Split(pixels.astype(np.uint8).reshape(-1, side, side), table[:, 0].astype(np.int64))
