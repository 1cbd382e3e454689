"""Watched images: taken from what would be trained on, and from nothing that is tested on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import Recipe, make_dataset
from mnistlab.data import Split
from mnistlab.data.loading import take_for
from mnistlab.errors import DataError


def numbered(labels, start=0, groups=()):
    """Images that tell their number by their first two pixels."""
    images = np.zeros((len(labels), 8, 8), np.uint8)
    for place in range(len(labels)):
        images[place, 0, :2] = divmod(start + place, 256)
    return Split(images, np.array(labels, np.int64), groups=groups)


def numbers(split):
    high, low = split.images[:, 0, 0, 0].astype(int), split.images[:, 0, 0, 1].astype(int)
    return set((256 * high + low).tolist())


@pytest.fixture
def data():
    return make_dataset("mine", numbered([0, 1, 1, 1] * 50), numbered([0, 1] * 10, 1000))


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "train_limit": st.integers(40, 300),
        "validation_fraction": st.floats(0.05, 0.9),
        "held_out": st.sampled_from(
            [{"validation": 30}, {"folds": 4, "fold": 1}, {"folds": 4, "fold": 4}]
        ),
    },
)


@settings(deadline=None, max_examples=60)
@given(CHANGES, st.sampled_from([{"patience": 3}, {"schedule": "plateau"}]))
def test_they_are_neither_trained_on_nor_tested_on(changes, watching):
    data = make_dataset("mine", numbered([0, 1, 1, 1] * 50), numbered([0, 1] * 10, 1000))
    fields = changes.pop("held_out", {}) | changes
    watched = take_for(Recipe(**watching, **fields), data)
    fields.pop("validation_fraction", None)
    without = take_for(Recipe(**fields), data)
    parts = [numbers(part) for part in (watched.train, watched.watched, watched.test)]
    assert sum(map(len, parts)) == len(set.union(*parts))
    # They come from the training images; what is tested on stays the same.
    assert parts[0] | parts[1] == numbers(without.train)
    assert parts[2] == numbers(without.test)
    assert watched.fingerprint == without.fingerprint
    assert set(watched.train.labels) == set(watched.watched.labels) == {0, 1}


def test_of_each_class_a_share_and_always_the_same_ones(data):
    first = take_for(Recipe(patience=1, validation_fraction=0.2), data)
    assert np.bincount(first.watched.labels).tolist() == [10, 30]
    again = take_for(Recipe(patience=9, validation_fraction=0.2, dropout=0.5), data)
    assert numbers(again.watched) == numbers(first.watched)
    assert first.notes[-1] == (
        "watched in training: 40 of the 200 training images (of each class a share), which are"
        " neither trained on nor tested on"
    )


def test_without_patience_and_plateau_nothing_is_taken(data):
    assert take_for(Recipe(), data) is data


def test_a_group_is_watched_whole(data):
    groups = [f"patient{number // 8}" for number in range(200)]
    grouped = make_dataset("mine", numbered([0, 1, 1, 1] * 50, groups=groups), data.test)
    part = take_for(Recipe(patience=1, group="_"), grouped)
    assert len(part.watched) == 24
    assert not set(part.train.groups) & set(part.watched.groups)


def test_the_datas_own_validation_set_is_watched_where_there_is_one(data):
    own = numbered([0, 1] * 4, 2000)
    whole = make_dataset("mine", data.train, data.test, validation=own)
    for fields in ({}, {"validation": 30}, {"folds": 4, "fold": 2}, {"train_limit": 50}):
        part = take_for(Recipe(patience=1, **fields), whole)
        assert numbers(part.watched) == numbers(own)
        assert part.notes[-1] == "watched in training: the data's own 8 validation images"
    tested_on_it = take_for(Recipe(patience=1, validation="given"), whole)
    assert numbers(tested_on_it.test) == numbers(own)
    assert numbers(tested_on_it.watched) < numbers(data.train)


def test_too_few_images_are_refused(data):
    lone = make_dataset("mine", numbered([0, 1]), data.test)
    with pytest.raises(DataError, match="mine: cannot hold out images to watch: no class has two"):
        take_for(Recipe(patience=1), lone)
    one = make_dataset("mine", numbered([0, 1] * 9, groups=["a"] * 18), data.test)
    with pytest.raises(DataError, match="cannot hold out images to watch: 1 group is too few"):
        take_for(Recipe(patience=1, group="_"), one)
