"""Dataset: labelled images for training and testing, grey or in colour, held in memory as bytes."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.grey_images import GreyImages
from mnistlab.data.holdout import group_of, grouped, stratified
from mnistlab.errors import DataError
from mnistlab.text import is_unicode, listed

DIGITS = tuple("0123456789")
_GREY, _COLOUR = 3, 4
"""Dimensions of images without and with channels."""
_COLOURS = 3
_TEST_SHARE = 1 / 7
_HELD_OUT_SEED = 1998
_NO_TEST_SET = "no test set: "


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled images.

    Attributes:
        images: uint8, ``(n, channels, height, width)``, 0 is black; 1 channel is grey, 3 are red,
            green and blue. Grey images may be given as ``(n, height, width)``.
        labels: int64, ``(n,)``, from 0; other integers become int64.
        names: what each image is called, such as the file that it comes from; or nothing.
        digests: uint64, ``(n,)``, of the files of images that were brought to one size; they then
            identify the images, whatever that size.
        groups: which images belong together, such as those of one patient; or nothing.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: Sequence[str] = ()
    digests: NDArray[np.uint64] | None = None
    groups: Sequence[str] = ()

    def __post_init__(self) -> None:
        images, labels = np.asanyarray(self.images), np.asanyarray(self.labels)
        if labels.dtype.kind in "iu":
            labels = labels.astype(np.int64, copy=False)
        object.__setattr__(self, "labels", labels)
        for field in ("names", "groups"):
            if isinstance(given := getattr(self, field), np.ndarray):
                object.__setattr__(self, field, given.tolist())
        images = images[:, np.newaxis] if images.ndim == _GREY else images
        if images.ndim == _COLOUR and images.shape[1] == 1 and images.dtype == np.uint8:
            images = images.view(GreyImages)
        object.__setattr__(self, "images", images)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "Split":
        """Return the images of these indices, in this order."""
        return Split(
            self.images[indices],
            self.labels[indices],
            [self.names[index] for index in indices] if self.names else (),
            None if self.digests is None else self.digests[indices],
            [self.groups[index] for index in indices] if self.groups else (),
        )

    def grouped_by(self, group: str) -> Sequence[str]:
        """Return each image's group: what the data say, or else what its name tells.

        Args:
            group: what tells it from a name, see :func:`mnistlab.data.holdout.group_of`.

        Raises:
            DataError: the images have neither groups nor names, or a name tells no group.
        """
        if self.groups:
            return self.groups
        if not self.names:
            raise DataError("its images have no file names to find groups in")
        return [group_of(name, group) for name in self.names]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test split of the same image size and classes; make one with
    :func:`make_dataset`.

    Attributes:
        name: for example ``mnist``.
        classes: the classes' names; label ``i`` means ``classes[i]``.
        note: what a reader of the results must know about how the splits came about, or nothing.
        validation: the data's own validation split, neither trained on nor tested on unless that is
            asked for; or ``None``.
        drawn: where the test images stood, ascending, among the images that they were drawn from;
            ``None`` if the test set is the data's own.
        watched: images that are scored after each epoch, for early stopping or a learning rate that
            follows them, neither trained on nor tested on; or ``None``.
        identity: the fingerprint that it had before the watched images were taken from the training
            images; empty if none were.

    Examples:
        >>> from mnistlab import load_dataset
        >>> mnist = load_dataset("mnist")
        >>> mnist.image_size, len(mnist.train), len(mnist.test)
        ((28, 28), 60000, 10000)
        >>> mnist.classes
        ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    note: str = ""
    validation: Split | None = None
    drawn: NDArray[np.int64] | None = None
    watched: Split | None = None
    identity: str = ""

    @property
    def notes(self) -> list[str]:
        """The note's sentences, one by one."""
        return [sentence for sentence in self.note.split("; ") if sentence]

    @property
    def splits(self) -> Mapping[str, Split]:
        """The splits by name: ``train``, ``test`` and, where there is one, ``validation``."""
        own = {"train": self.train, "test": self.test}
        return own if self.validation is None else own | {"validation": self.validation}

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.train.images.shape[2:]
        return height, width

    @property
    def channels(self) -> int:
        """1 if the images are grey, 3 if they have colour."""
        return int(self.train.images.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of SHA-256 over both splits' images and labels, whether or not
        some of the training images are only watched.
        """
        return self.identity or fingerprint(self.train, self.test)


def fingerprint(*splits: Split) -> str:
    """Return sixteen hexadecimal digits of SHA-256 over the splits' shapes, images and labels.

    Grey images count as ``(n, height, width)``. Images that were brought to one size count by the
    digests of their files.
    """
    digest = hashlib.sha256()
    for split in splits:
        images = split.images if split.digests is None else split.digests
        if images.ndim == _COLOUR and images.shape[1] == 1:
            images = images[:, 0]
        digest.update(repr(images.shape).encode())
        digest.update(np.ascontiguousarray(images).data)
        digest.update(np.ascontiguousarray(split.labels).data)
    return digest.hexdigest()[:16]


def make_dataset(
    name: str,
    train: Split,
    test: Split | None,
    *,
    classes: Sequence[str] | None = None,
    note: str = "",
    validation: Split | None = None,
    group: str = "",
) -> Dataset:
    """Check that the splits fit together, and make a data set of them.

    Args:
        name: for messages and records.
        train: the training split.
        test: the test split; ``None`` draws a seventh of ``train`` once at random, of each class
            its share (MNIST's own proportion of 60,000 to 10,000), and says so in the note.
        classes: the classes' names; ``None`` takes the labels for them, see :func:`number_names`.
        note: see :class:`Dataset`.
        validation: see :class:`Dataset`.
        group: if a test set is drawn, what tells the groups that stay together, see
            :func:`mnistlab.data.holdout.group_of`.

    Raises:
        DataError: a name that is not UTF-8, an empty split, images or labels of another type or
            shape, counts or image sizes that differ, a label out of range, two classes of one name.

    Examples:
        >>> import numpy as np
        >>> from mnistlab import make_dataset
        >>> from mnistlab.data import Split
        >>> images = np.zeros((70, 8, 8), np.uint8)
        >>> labels = np.arange(70) % 2
        >>> data = make_dataset("mine", Split(images, labels), None, classes=("cat", "dog"))
        >>> len(data.train), len(data.test)
        (60, 10)
    """
    for label in (name, *_check_classes(name, classes)):
        if not isinstance(label, str):
            raise DataError(f"{label!r}: is no name; names of data sets and classes are texts")
        if not is_unicode(label):
            raise DataError(
                f"{name}: the name {label} is not UTF-8, which records and tables are written in;"
                " rename it"
            )
    others = {
        kind: split
        for kind, split in (("test", test), ("validation", validation))
        if split is not None
    }
    for kind, split in {"training": train, **others}.items():
        _check_split(f"{name}: {kind} set", split)
    if classes is None:
        classes = _count_classes(name, train.labels)
        labels = np.concatenate([split.labels for split in (train, *others.values())])
        # One of ten that only the test images have is noted.
        if labels.min() >= 0 and labels.max() < len(DIGITS):
            classes = number_names(labels)
    drawn = None
    if test is None:
        drawn, held_out = _draw_test_set(name, train, group)
        train, test = train.take(_others(len(train), drawn)), train.take(drawn)
        note = "; ".join(filter(None, (note, held_out)))
    splits = {"training": train, "test": test} | others
    _refuse_differences(name, splits)
    for kind, split in splits.items():
        low, high = int(split.labels.min()), int(split.labels.max())
        if low < 0 or high >= len(classes):
            wrong = low if low < 0 else high
            at = int(np.argmax(split.labels == wrong))
            raise DataError(
                f"{name}: {kind} image {at} has label {wrong}; labels are 0 to {len(classes) - 1}"
            )
    return Dataset(name, train, test, tuple(classes), note, validation, drawn)


def unseen(classes: Sequence[str]) -> str:
    """Return the names of classes that a test set lacks, and what that means."""
    whom = "that class" if len(classes) == 1 else "those classes"
    return f"{listed(classes, most=5)}, so its accuracy says nothing about {whom}"


def undo_draw(dataset: Dataset) -> Dataset:
    """Return the data set with a test set that was only drawn put back among the training images,
    in their old order.

    Returns:
        The data set itself if its test set is its own; otherwise one whose test images are among
        its training images as well.
    """
    if dataset.drawn is None:
        return dataset
    train, test, drawn = dataset.train, dataset.test, dataset.drawn
    count = len(train) + len(test)
    # Each image of the whole stands in the training images or, after them, in the test images.
    order = np.argsort(np.concatenate([_others(count, drawn), drawn]))
    digests = None
    if train.digests is not None and test.digests is not None:
        digests = np.concatenate([train.digests, test.digests])
    both = Split(
        np.concatenate([train.images, test.images]),
        np.concatenate([train.labels, test.labels]),
        [*train.names, *test.names],
        digests,
        [*train.groups, *test.groups],
    )
    notes = [note for note in dataset.note.split("; ") if not note.startswith(_NO_TEST_SET)]
    return replace(dataset, train=both.take(order), note="; ".join(notes), drawn=None)


def _others(count: int, drawn: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.setdiff1d(np.arange(count), drawn)


def _check_classes(name: str, classes: Sequence[str] | None) -> Sequence[str]:
    if isinstance(classes, str):
        raise DataError(f"{name}: classes: one text, {classes!r}; give one for each class")
    found = list(classes or ())
    if len(set(found)) < len(found):
        (twice, _), *_ = Counter(found).most_common(1)
        raise DataError(f"{name}: classes: {twice!r} is there twice")
    return found


def _check_split(name: str, split: Split) -> None:
    if not isinstance(split, Split):
        raise DataError(f"{name}: is a {type(split).__name__}; give mnistlab.Split(images, labels)")
    labels, images = split.labels, split.images
    if images.dtype != np.uint8:
        raise DataError(
            f"{name}: images of {images.dtype}; expected uint8, from 0 (black) to 255: of numbers"
            " from 0 to 1, for example, (255 * images).round().astype('uint8')"
        )
    if labels.ndim != 1 or labels.dtype != np.int64 or isinstance(labels, np.ma.MaskedArray):
        kind = "masked " if isinstance(labels, np.ma.MaskedArray) else ""
        raise DataError(
            f"{name}: {kind}labels of {labels.dtype} and shape {labels.shape}; expected a whole"
            " number from 0 for each image: of words, for example, classes, labels ="
            " numpy.unique(words, return_inverse=True)"
        )
    for kind, told in (("names", split.names), ("groups", split.groups)):
        if len(told) not in (0, len(images)):
            raise DataError(f"{name}: {len(images):,} images but {len(told):,} {kind}")
    if len(images) != len(labels):
        raise DataError(f"{name}: {len(images):,} images but {len(labels):,} labels")
    if images.size == 0:
        raise DataError(f"{name}: no images")
    if split.images.ndim != _COLOUR or split.images.shape[1] not in (1, 3):
        raise DataError(
            f"{name}: images of shape {split.images.shape}; expected (n, channels, height, width)"
            " with 1 or 3 channels"
        )


def _refuse_differences(name: str, splits: dict[str, Split]) -> None:
    """Refuse splits whose images differ in size or in their channels."""
    shapes = {kind: split.images.shape[1:] for kind, split in splits.items()}
    for kind, shape in shapes.items():
        if shape != shapes["training"]:
            words = [
                f"{height}x{width} pixels{' in colour' if channels == _COLOURS else ''}"
                for channels, height, width in (shapes["training"], shape)
            ]
            raise DataError(f"{name}: training and {kind} images differ ({' and '.join(words)})")


def number_names(labels: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the classes' names where labels are mere numbers from 0: the numbers up to the highest
    one, or all ten digits if some of those below it are missing.
    """
    high = int(labels.max())
    gaps = len(np.unique(labels)) <= high
    return DIGITS if gaps and high < len(DIGITS) else tuple(map(str, range(high + 1)))


def _count_classes(name: str, labels: NDArray[np.int64]) -> tuple[str, ...]:
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise DataError(
            f"{name}: training image {int(labels.argmin())} has label {low}; labels start at 0"
        )
    # As many labels as there are, and one more, cannot all be there.
    absent = np.setdiff1d(np.arange(min(high, len(labels)) + 1), labels)
    if absent.size and high >= len(DIGITS):
        at = int(labels.argmax())
        raise DataError(
            f"{name}: training image {at} has label {high}, out of range: no image has label"
            f" {absent[0]}; number the classes from 0 without gaps"
        )
    return number_names(labels)


def _draw_test_set(name: str, split: Split, group: str) -> tuple[NDArray[np.int64], str]:
    """Return which images serve as a test set, of each class its share, and a note on it."""
    random = np.random.default_rng(_HELD_OUT_SEED)
    try:
        if group:
            groups = split.grouped_by(group)
            test = grouped(groups, split.labels, _TEST_SHARE, random)
            how = f"in whole groups ({len(set(groups)):,} in all)"
        else:
            test, how = stratified(split.labels, _TEST_SHARE, random), "from each class"
    except DataError as error:
        raise DataError(f"{name}: cannot hold out a test set: {error}") from None
    held_out = f"{len(test):,} images, drawn once at random {how}, are held out as one"
    return test, _NO_TEST_SET + held_out
