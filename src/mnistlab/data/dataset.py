"""Dataset: labelled grey images for training and testing, held in memory as bytes."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import DataError
from mnistlab.text import is_unicode

DIGITS = tuple("0123456789")
_TEST_SHARE = 7
_HELD_OUT_SEED = 1998


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled images.

    Attributes:
        images: uint8, ``(n, height, width)``, 0 is black.
        labels: int64, ``(n,)``, from 0.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test split of the same image size and classes; make one with
    :func:`make_dataset`.

    Attributes:
        name: for example ``mnist``.
        classes: the classes' names; label ``i`` means ``classes[i]``.
        note: how the splits were made, where readers of the results must know it; or nothing.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    note: str = ""

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        _, height, width = self.train.images.shape
        return height, width

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of SHA-256 over both splits' shapes, images and labels."""
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            digest.update(repr(split.images.shape).encode())
            digest.update(np.ascontiguousarray(split.images).data)
            digest.update(np.ascontiguousarray(split.labels).data)
        return digest.hexdigest()[:16]


def make_dataset(
    name: str,
    train: Split,
    test: Split | None,
    *,
    classes: tuple[str, ...] | None = None,
    note: str = "",
) -> Dataset:
    """Make a data set of two splits, and check that they fit together.

    Args:
        name: for messages and records.
        train: the training split.
        test: the test split; ``None`` takes every seventh image of ``train`` in a fixed random
            order (MNIST's own proportion of 60,000 to 10,000) and says so in the note.
        classes: the classes' names; ``None`` counts them from the training labels, at least the ten
            digits.
        note: see :class:`Dataset`.

    Raises:
        DataError: a name that is not UTF-8, an empty split, counts or image sizes that differ, a
            label out of range, a class without images.
    """
    for label in (name, *(classes or ())):
        if not is_unicode(label):
            raise DataError(
                f"{name}: the name {label} is not UTF-8, which records and tables are written in;"
                " rename it"
            )
    _check_split(f"{name}: training set", train)
    if classes is None:
        classes = _count_classes(name, train.labels)
    if test is None:
        train, test = _hold_out(name, train)
        note = (
            f"{name} has no test set: {len(test):,} of its images, drawn once at random, are held"
            " out as one"
        )
    _check_split(f"{name}: test set", test)
    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = " and ".join(f"{s.images.shape[1]}x{s.images.shape[2]}" for s in (train, test))
        raise DataError(f"{name}: training and test images differ in size ({sizes} pixels)")
    for kind, split in (("training", train), ("test", test)):
        low, high = int(split.labels.min()), int(split.labels.max())
        if low < 0 or high >= len(classes):
            wrong = low if low < 0 else high
            at = int(np.argmax(split.labels == wrong))
            raise DataError(
                f"{name}: {kind} image {at} has label {wrong}; labels are 0 to {len(classes) - 1}"
            )
    return Dataset(name, train, test, classes, note)


def _check_split(name: str, split: Split) -> None:
    if len(split.images) != len(split.labels):
        raise DataError(f"{name}: {len(split.images):,} images but {len(split.labels):,} labels")
    if split.images.size == 0:
        raise DataError(f"{name}: no images")


def _count_classes(name: str, labels: NDArray[np.int64]) -> tuple[str, ...]:
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise DataError(
            f"{name}: training image {int(labels.argmin())} has label {low}; labels start at 0"
        )
    if high < len(DIGITS):
        return DIGITS
    # Of more labels than there are images, one is always missing.
    absent = np.setdiff1d(np.arange(min(high, len(labels)) + 1), labels)
    if absent.size:
        at = int(labels.argmax())
        raise DataError(
            f"{name}: training image {at} has label {high}, out of range: no image has label"
            f" {absent[0]}"
        )
    return tuple(str(label) for label in range(high + 1))


def _hold_out(name: str, split: Split) -> tuple[Split, Split]:
    order = np.random.default_rng(_HELD_OUT_SEED).permutation(len(split))
    count = len(split) // _TEST_SHARE
    if count == 0:
        raise DataError(f"{name}: {len(split)} images are too few to hold out a test set")
    test, train = np.sort(order[:count]), np.sort(order[count:])
    return Split(split.images[train], split.labels[train]), Split(
        split.images[test], split.labels[test]
    )
