"""Subset: some of the training images to train on, and others to validate with or a fold to test
on, always the same ones.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import Dataset, Split, make_dataset, undo_draw
from mnistlab.data.holdout import folds, grouped, stratified
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
            all. The note says so if there are fewer.
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
        try:
            held_out, how = _hold_out(dataset.train, order, validation, group)
        except DataError as error:
            raise DataError(f"{dataset.name}: cannot hold out images: {error}") from None
        others = order[~np.isin(order, held_out)]
        if validation:
            test = dataset.train.take(np.sort(held_out))
            tested = (
                f"tested on {len(held_out):,} held-out training images{how}, not on the test set"
            )
    kept = others[: limit or None]
    if len(kept) < len(others):
        notes.append(f"{len(kept):,} of {count:,} training images, drawn once at random")
    elif limit > len(kept):
        notes.append(
            f"train_limit is {limit:,}, but there are only {len(kept):,} training images, all of"
            " which are used"
        )
    if tested:
        notes.append(tested)
    train = dataset.train.take(np.sort(kept))
    notes += _missing(dataset, train, "training") + _missing(dataset, test, "tested")
    return make_dataset(dataset.name, train, test, classes=dataset.classes, note="; ".join(notes))


def take_fold(
    dataset: Dataset, fold: int, count: int, *, limit: int = 0, group: str = ""
) -> Dataset:
    """Divide the training images into folds; test on one, and train on some or all of the others.

    The folds depend on nothing but the images' number, labels and groups. A test set that was only
    drawn from the training images is divided with them; the data's own is left alone.

    Args:
        dataset: the whole.
        fold: the one to test on, from 1 to ``count``.
        count: how many folds, at least 2.
        limit: how many images of the other folds to keep; 0, or more than there are, keeps all.
        group: what tells the groups that stay together, see
            :func:`mnistlab.data.holdout.group_of`.

    Returns:
        A data set whose ``drawn`` are the places of the fold's images among all that were divided.

    Raises:
        DataError: too few images of a class, or too few groups.
    """
    whole = undo_draw(dataset)
    images = len(whole.train)
    parts = _divide(whole, count, group)
    tested = parts[fold - 1]
    others = np.random.default_rng(_SEED).permutation(images)
    others = others[~np.isin(others, tested)]
    kept = others[: limit or None]
    notes = [whole.note] if whole.note else []
    if len(kept) < len(others):
        notes.append(f"{len(kept):,} of {images:,} training images, drawn once at random")
    own = dataset.drawn is None
    notes.append(
        f"{count}-fold cross-validation of {'the' if own else 'all'} {images:,}"
        f" {'training images' if own else 'images'}{' in whole groups' if group else ''}"
    )
    if own:
        notes.append("the test set was not looked at")
    train, test = whole.train.take(np.sort(kept)), whole.train.take(tested)
    notes += _missing(whole, train, "training") + _missing(whole, test, "tested")
    part = make_dataset(whole.name, train, test, classes=whole.classes, note="; ".join(notes))
    return replace(part, drawn=tested)


def take_watched(
    dataset: Dataset, fraction: float, *, own: Split | None = None, group: str = ""
) -> Dataset:
    """Set images apart that are scored after each epoch, but neither trained on nor tested on.

    The draw depends on nothing but the training images' number, labels and groups.

    Args:
        dataset: what would be trained on and tested on without them.
        fraction: which share of the training images to take, of each class its share.
        own: the data's own validation set, which is taken instead where there is one.
        group: what tells the groups that are taken whole, see
            :func:`mnistlab.data.holdout.group_of`.

    Returns:
        A data set with the same fingerprint, whose note says which images are watched.

    Raises:
        DataError: too few images of each class, or only one group.
    """
    train, watched = dataset.train, own
    if own is not None:
        notes = [f"watched in training: the data's own {len(own):,} validation images"]
    else:
        random, labels = np.random.default_rng(_SEED), train.labels
        try:
            if group:
                taken = grouped(train.grouped_by(group), labels, fraction, random)
            else:
                taken = stratified(labels, fraction, random)
        except DataError as error:
            raise DataError(f"{dataset.name}: cannot hold out images to watch: {error}") from None
        how = "in whole groups" if group else "of each class a share"
        notes = [
            f"watched in training: {len(taken):,} of the {len(train):,} training images ({how}),"
            " which are neither trained on nor tested on"
        ]
        watched = train.take(taken)
        train = train.take(np.setdiff1d(np.arange(len(train)), taken))
        notes += _missing(dataset, train, "training")
    return replace(
        dataset,
        train=train,
        watched=watched,
        note="; ".join(filter(None, (dataset.note, *notes))),
        identity=dataset.fingerprint,
    )


def _divide(dataset: Dataset, count: int, group: str) -> list[NDArray[np.int64]]:
    """Return the folds of the training images, each ascending."""
    labels, name = dataset.train.labels, dataset.name
    classes, sizes = np.unique(labels, return_counts=True)
    scarce, least = dataset.classes[classes[sizes.argmin()]], int(sizes.min())
    try:
        groups = dataset.train.grouped_by(group) if group else None
    except DataError as error:
        raise DataError(f"{name}: cannot be divided into folds: {error}") from None
    if groups is None and least < count:
        remedy = f"choose at most {least}" if least > 1 else "add images of it, or leave it out"
        raise DataError(
            f"{name}: {count} folds, but class {scarce} has"
            f" {least:,} image{'s' if least > 1 else ''}; {remedy}"
        )
    if groups is not None and (there := len(set(groups))) < count:
        remedy = f"choose at most {there}" if there > 1 else "group by something else"
        raise DataError(
            f"{name}: {count} folds, but there {'are' if there > 1 else 'is'} {there:,}"
            f" group{'s' if there > 1 else ''}; {remedy}"
        )
    parts = folds(labels, count, np.random.default_rng(_SEED), groups)
    for label in classes:
        if sum(bool((labels[part] == label).any()) for part in parts) == 1:
            raise DataError(
                f"{name}: all images of class {dataset.classes[label]} fall into one of {count}"
                " folds, whose model would not be trained on it; choose fewer folds, or group by"
                " something else"
            )
    return parts


def _hold_out(
    split: Split, order: NDArray[np.int64], count: int, group: str
) -> tuple[NDArray[np.int64], str]:
    """Return which images to hold out, and how they were drawn if not plainly."""
    if not count:
        return order[:0], ""
    if group:
        random = np.random.default_rng(_SEED)
        return grouped(split.grouped_by(group), split.labels, count, random), " (whole groups)"
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
