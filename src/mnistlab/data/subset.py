"""Subset: some of the training images to train on, and others to validate with, always the same
ones.
"""

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import Dataset, Split, make_dataset
from mnistlab.errors import DataError

_SEED = 1998


def take_subset(dataset: Dataset, *, validation: int = 0, limit: int = 0) -> Dataset:
    """Hold out training images for validation, and keep some or all of the others.

    The draw depends only on the number of training images: the same images are held out whatever
    the limit, and a larger limit keeps all that a smaller one keeps.

    Args:
        dataset: the whole.
        validation: training images that take the test set's place; 0 leaves the test set.
        limit: how many of the other training images to keep; 0, or more than there are, keeps
            all. The note says so if there are fewer.

    Raises:
        DataError: nothing would be left to train on.
    """
    if not validation and not limit:
        return dataset
    count = len(dataset.train)
    if validation > count - 2:
        raise DataError(
            f"{dataset.name}: cannot hold out {validation:,} of {count:,} training images"
        )
    order = np.random.default_rng(_SEED).permutation(count)
    kept = order[validation:][: limit or None]
    notes = [dataset.note] if dataset.note else []
    if len(kept) < count - validation:
        notes.append(f"{len(kept):,} of {count:,} training images, drawn once at random")
    elif limit > len(kept):
        notes.append(
            f"train_limit is {limit:,}, but there are only {len(kept):,} training images; all of"
            " them are used"
        )
    if validation:
        notes.append(
            f"tested on {validation:,} held-out training images; the test set was not looked at"
        )
    test = _part(dataset.train, order[:validation]) if validation else dataset.test
    return make_dataset(
        dataset.name,
        _part(dataset.train, kept),
        test,
        classes=dataset.classes,
        note="; ".join(notes),
    )


def _part(split: Split, chosen: NDArray[np.int64]) -> Split:
    chosen = np.sort(chosen)
    return Split(split.images[chosen], split.labels[chosen])
