"""Hold-out: which images are kept from training, drawn so that every class, and no group, is on
both sides.

Images of one patient, page or film resemble each other. If some are trained on and others tested
on, the test measures memory; so whole groups are held out.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnistlab.errors import DataError
from mnistlab.text import printable

Indices = NDArray[np.int64]


def stratified(
    labels: NDArray[np.int64], size: int | float, generator: np.random.Generator
) -> Indices:
    """Draw images to hold out, of each class its share.

    Args:
        labels: int64, ``(n,)``.
        size: how many to hold out (an int), or which share of them (a float between 0 and 1).
        generator: of the draw.

    Returns:
        Indices of the held-out images, ascending: ``size`` of them, of each class within one of
        its share. A class of two images or more has at least one on either side, even where more
        than ``size`` are then held out; the image of a class of one stays in training.

    Raises:
        DataError: no class has two images, or ``size`` is out of range.

    Examples:
        >>> import numpy as np
        >>> from mnistlab.data.holdout import stratified
        >>> labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])
        >>> held_out = stratified(labels, 0.25, np.random.default_rng(0))
        >>> labels[held_out]
        array([0, 1])
    """
    count = _count(size, len(labels))
    classes, counts = np.unique(labels, return_counts=True)
    taken = _apportion(counts, count)
    if not taken.any():
        raise DataError(
            f"no class has two images ({len(labels):,} in all), so none can be held out for"
            " testing; add images"
        )
    shuffled = generator.permutation(len(labels))
    return np.sort(
        np.concatenate(
            [
                shuffled[labels[shuffled] == label][:number]
                for label, number in zip(classes, taken, strict=True)
            ]
        )
    )


def grouped(
    groups: ArrayLike,
    labels: NDArray[np.int64],
    size: int | float,
    generator: np.random.Generator,
) -> Indices:
    """Draw whole groups to hold out, so that each class's share is as near as can be.

    Args:
        groups: ``(n,)``, of any values that can be compared: images of equal values stay together.
        labels: int64, ``(n,)``.
        size: about how many images to hold out (an int), or which share of them (a float between 0
            and 1); how near the draw comes depends on the groups' sizes.
        generator: of the draw.

    Returns:
        Indices of the held-out images, ascending. At least one group is on either side. A class
        that two groups or more have is on both sides, unless other classes' groups prevent it.

    Raises:
        DataError: there is only one group, or ``size`` is out of range.

    References:
        The greedy assignment of scikit-learn's ``StratifiedGroupKFold``, with parts of different
        sizes.
    """
    share = _count(size, len(labels)) / len(labels)
    return np.flatnonzero(_assign(groups, labels, [1 - share, share], generator) == 1)


def folds(
    labels: NDArray[np.int64],
    k: int,
    generator: np.random.Generator,
    groups: ArrayLike | None = None,
) -> list[Indices]:
    """Divide images into ``k`` parts for cross-validation, each class spread evenly over them.

    Args:
        labels: int64, ``(n,)``.
        k: how many parts, 2 or more.
        generator: of the draw.
        groups: as for :func:`grouped`; images of one group are then in one part.

    Returns:
        For each part its images' indices, ascending. Without groups, the parts' sizes and each
        class's counts in them differ by at most one; with groups, they are as near as can be.

    Raises:
        DataError: fewer images or groups than parts.
    """
    if not 2 <= k <= len(labels):
        raise DataError(
            f"{len(labels):,} images cannot be divided into {k:,} folds; choose from 2 to"
            " the number of images"
        )
    if groups is not None:
        part = _assign(groups, labels, [1 / k] * k, generator)
        return [np.flatnonzero(part == fold) for fold in range(k)]
    order = generator.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    # Dealt like cards, class after class, so that what is left of one class goes on with the next.
    return [np.sort(order[fold::k]) for fold in generator.permutation(k)]


def group_of(name: str, pattern: str) -> str:
    r"""Return the group that a file's name tells.

    Args:
        name: a path or file name.
        pattern: a separator, before whose first place in the file name the group stands; or, with
            parentheses, a regular expression that is searched in the whole path and whose first
            group it is.

    Raises:
        DataError: the name does not tell a group that way, or the pattern is no regular expression.

    Examples:
        >>> from mnistlab.data.holdout import group_of
        >>> group_of("cat/patient12_03.png", "_")
        'patient12'
        >>> group_of("cat/scan-0017-b.png", r"-(\d+)-")
        '0017'
    """
    if "(" in pattern and ")" in pattern:
        try:
            found = re.search(pattern, name)
            group = found[1] if found else ""
        except re.error as error:
            raise DataError(f"{printable(pattern)}: not a regular expression: {error}") from None
        except IndexError:
            raise DataError(
                f"{printable(pattern)}: put the part that names the group in parentheses"
            ) from None
    else:
        file = re.split(r"[/\\]", name)[-1]
        group = file.partition(pattern)[0] if pattern and pattern in file else ""
    if not group:
        raise DataError(
            f"{printable(name)}: no group found by '{printable(pattern)}'; give the separator that"
            " follows the group in a name, or a regular expression with the group in parentheses"
        )
    return group


def _count(size: int | float, total: int) -> int:
    if isinstance(size, float):
        count = min(max(round(size * total), 1), total - 1) if 0 < size < 1 else 0
    else:
        count = int(size)
    if not 0 < count < total:
        raise DataError(f"cannot hold out {size:,} of {total:,} images")
    return count


def _apportion(counts: Indices, total: int) -> Indices:
    """Divide ``total`` in the ratio of ``counts``, at least 1 and at most all but 1 of each."""
    quotas = counts * (total / counts.sum())
    most = counts - 1
    least = np.minimum(most, 1)
    taken = np.clip(np.floor(quotas).astype(np.int64), least, most)
    while taken.sum() < total and (taken < most).any():
        taken[np.argmax(np.where(taken < most, quotas - taken, -np.inf))] += 1
    while taken.sum() > total and (taken > least).any():
        taken[np.argmin(np.where(taken > least, quotas - taken, np.inf))] -= 1
    return np.asarray(taken)


def _assign(
    groups: ArrayLike,
    labels: NDArray[np.int64],
    shares: Sequence[float],
    generator: np.random.Generator,
) -> Indices:
    """Put each group into the part that it brings nearest to its share of every class.

    Returns:
        Each image's part, ``(n,)``.
    """
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    _, label = np.unique(labels, return_inverse=True)
    number, classes = int(group.max()) + 1, int(label.max()) + 1
    if number < len(shares):
        raise DataError(
            f"{number:,} {'group is' if number == 1 else 'groups are'} too few for {len(shares):,}"
            " parts without a group in two of them; group by something else"
        )
    # The last column counts all images, so that the parts' sizes come near as well.
    counts = np.zeros((number, classes + 1))
    np.add.at(counts, (group, label), 1)
    counts[:, -1] = counts.sum(axis=1)
    totals, has = counts.sum(axis=0), counts > 0
    weights = np.ones(classes + 1)
    weights[-1] = classes + 1
    left = has.sum(axis=0)
    filled = np.zeros((len(shares), classes + 1))
    share = np.array(shares)[:, None]
    part = np.zeros(number, np.int64)
    order = generator.permutation(number)
    for index in order[np.argsort(-counts[order, -1], kind="stable")]:
        added = counts[index] / totals
        # What the squared distance from the goal, relative to the part's share, grows by.
        growth = (added * (added + 2 * (filled - share)) / share).sum(axis=1)
        # A class with no more groups left than parts without it must go where it is not yet.
        scarce = has[index] & (left <= (filled == 0).sum(axis=0))
        refused = (weights * (scarce & (filled > 0))).sum(axis=1)
        part[index] = np.lexsort((growth, refused))[0]
        filled[part[index]] += added
        left -= has[index]
    return np.asarray(part[group])
