"""Whether what was read from a damaged file is what it was, or as near as a format without
checksums can tell."""

import numpy as np

from mnistlab.colour import to_channels


def same_data(one, other):
    return one.fingerprint == other.fingerprint and one.classes == other.classes


def one_value(one, other):
    """Whether two data sets differ in one pixel or one label."""
    if (one.train.images.shape, one.test.images.shape) != (
        other.train.images.shape,
        other.test.images.shape,
    ):
        return False
    pairs = [(s.images, t.images) for s, t in _splits(one, other)] + [
        # A label that is no number any more is the name of one more class, before all others.
        (np.array(one.classes)[s.labels], np.array(other.classes)[t.labels])
        for s, t in _splits(one, other)
    ]
    return sum(int((a != b).sum()) for a, b in pairs) <= 1


def one_image(one, other):
    """Whether two data sets differ in one image alone."""
    changed = 0
    for a, b in _splits(one, other):
        # One picture in colour makes the others three equal channels.
        images = [to_channels(split.images, 3) for split in (a, b)]
        if images[0].shape != images[1].shape:
            return False
        changed += int((images[0] != images[1]).any(axis=(1, 2, 3)).sum())
    return changed <= 1 and all(np.array_equal(a.labels, b.labels) for a, b in _splits(one, other))


def first_rows(one, other):
    """Whether the second training set is the beginning of the first, but for its very last
    pixel."""
    rows = len(other.train)
    images, found = one.train.images[:rows].reshape(-1), other.train.images.reshape(-1)
    return np.array_equal(images[:-1], found[:-1]) and np.array_equal(
        one.train.labels[:rows], other.train.labels
    )


def _splits(one, other):
    return (one.train, other.train), (one.test, other.test)


def one_field(one, other):
    """Whether two recipes or sweeps differ in one field."""
    before, after = one.model_dump(), other.model_dump()
    return sum(before[key] != after[key] for key in before) <= 1


def cut_off(default):
    def judge(one, other):
        """Whether all fields are as they were or as they are by default, but for the one that was
        cut."""
        before, after, plain = one.model_dump(), other.model_dump(), default.model_dump()
        return sum(after[key] not in (before[key], plain[key]) for key in before) <= 1

    return judge
