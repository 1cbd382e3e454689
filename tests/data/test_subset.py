"""Subsets of the training images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import MnistlabError, make_dataset
from mnistlab.data import Split, take_subset


def numbered(count):
    """Images that can be told apart by their first pixels."""
    images = np.zeros((count, 4, 4), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    labels = np.arange(count, dtype=np.int64) % 10
    return make_dataset("numbered", Split(images, labels), Split(images[:20] + 100, labels[:20]))


def numbers(split):
    return [int(image[0, 0]) + 256 * int(image[0, 1]) for image in split.images[:, 0]]


def test_the_whole_is_itself():
    dataset = numbered(50)
    assert take_subset(dataset) is dataset


@settings(deadline=None, max_examples=50)
@given(st.integers(20, 400), st.integers(0, 15), st.integers(0, 500))
def test_validation_and_training_are_apart_and_ordered(count, validation, limit):
    dataset = numbered(count)
    part = take_subset(dataset, validation=validation, limit=limit)
    kept = numbers(part.train)
    assert kept == sorted(set(kept))
    assert len(kept) == min(limit or count, count - validation)
    assert part.train.labels.tolist() == [number % 10 for number in kept]
    if validation:
        held = numbers(part.test)
        assert len(held) == validation
        assert not set(held) & set(kept)
        # Whatever the limit, the same images are held out.
        assert held == numbers(take_subset(dataset, validation=validation).test)
    else:
        assert part.test is dataset.test


def test_a_smaller_limit_keeps_a_part_of_a_larger_ones():
    dataset = numbered(300)
    small, large = (
        set(numbers(take_subset(dataset, validation=50, limit=n).train)) for n in (40, 90)
    )
    assert small < large


def test_the_note_says_what_was_done():
    note = take_subset(numbered(300), validation=50, limit=40).note
    assert note == (
        "40 of 300 training images, drawn once at random; "
        "tested on 50 held-out training images, not on the test set"
    )


def test_a_limit_above_what_there_is_keeps_all_and_says_so():
    part = take_subset(numbered(300), validation=50, limit=1000)
    assert len(part.train) == 250
    assert part.note.startswith(
        "train_limit is 1,000, but there are only 250 training images, all of which are used"
    )
    assert "train_limit" not in take_subset(numbered(300), validation=50, limit=250).note


def test_nothing_left_to_train_on_is_refused():
    with pytest.raises(MnistlabError, match=r"numbered: cannot hold out 60 of 50 training images"):
        take_subset(numbered(50), validation=60)
