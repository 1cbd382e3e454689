"""Subset: some of the training images to train on, and others to validate with, always the same
ones.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import Dataset, Split, make_dataset
from mnistlab.data.holdout import group_of, grouped, stratified
from mnistlab.errors import DataError
from mnistlab.text import listed

_SEED = 1998


def take_subset(
    dataset: Dataset,
    *,
    validation: int | Literal["given"] = 0,
    limit: int = 0,
    group: str = "",
) -> Dataset:
    """Hold out training images for validation, and keep some or all of the others.

    The draw depends only on the number of training images: the same images are held out whatever
    the limit, and a larger limit keeps all that a smaller one keeps. Only where it would leave a
    class out, or with a ``group``, does it depend on labels or names.

    Args:
        dataset: the whole.
        validation: training images that take the test set's place; ``given`` takes the data's own
            validation split; 0 leaves the test set.
        limit: how many of the other training images to keep; 0, or more than there are, keeps
            all.
        group: what tells the groups that are held out whole, see
            :func:`mnistlab.data.holdout.group_of`.

    Raises:
        DataError: nothing would be left to train on, or there is no validation split.
    """
    if not validation and not limit:
        return dataset
    notes = [dataset.note] if dataset.note else []
    test, count, tested = dataset.test, len(dataset.train), ""
    order = np.random.default_rng(_SEED).permutation(count)
    if validation == "given":
        if dataset.validation is None:
            raise DataError(
                f"{dataset.name}: has no validation set of its own; set validation to a number of"
                " training images to hold out"
            )
        test, others = dataset.validation, order
        tested = f"tested on the {len(test):,} validation images, not on the test set"
    else:
        if validation > count - 2:
            raise DataError(
                f"{dataset.name}: cannot hold out {validation:,} of {count:,} training images"
            )
        held_out, how = _hold_out(dataset.train, order, validation, group)
        others = order[~np.isin(order, held_out)]
        if validation:
            test = dataset.train.take(np.sort(held_out))
            tested = (
                f"tested on {len(held_out):,} held-out training images{how}, not on the test set"
            )
    kept = others[: limit or None]
    if len(kept) < len(others):
        notes.append(f"{len(kept):,} of {count:,} training images, drawn once at random")
    if tested:
        notes.append(tested)
    train = dataset.train.take(np.sort(kept))
    notes += _missing(dataset, train, "training") + _missing(dataset, test, "tested")
    return make_dataset(dataset.name, train, test, classes=dataset.classes, note="; ".join(notes))


def _hold_out(
    split: Split, order: NDArray[np.int64], count: int, group: str
) -> tuple[NDArray[np.int64], str]:
    """Return which images to hold out, and how they were drawn if not plainly."""
    if not count:
        return order[:0], ""
    if group:
        groups = [group_of(name, group) for name in split.names]
        random = np.random.default_rng(_SEED)
        return grouped(groups, split.labels, count, random), " (whole groups)"
    plain = order[:count]
    parts = split.labels[plain], split.labels[order[count:]]
    present = np.unique(split.labels)
    if all(len(np.unique(part)) == len(present) for part in parts) or len(present) > count:
        return plain, ""
    # A plain draw leaves a rare class out, which not every number can mend.
    fair = stratified(split.labels, count, np.random.default_rng(_SEED))
    return (fair, " (of each class a share)") if len(fair) == count else (plain, "")


def _missing(dataset: Dataset, split: Split, kind: str) -> list[str]:
    """Say which classes no image of a split has."""
    there = np.bincount(split.labels, minlength=len(dataset.classes)) > 0
    whole = np.bincount(dataset.train.labels, minlength=len(dataset.classes)) > 0
    names = [dataset.classes[label] for label in np.flatnonzero(whole & ~there)]
    return [f"no {kind} image is of class {listed(names, 5)}"] if names else []
