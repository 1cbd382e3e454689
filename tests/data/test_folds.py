"""Folds: the parts of the training images that a cross-validation tests on, one after another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import MnistlabError, Recipe, make_dataset
from mnistlab.data import Split, take_fold, undo_draw
from mnistlab.data.loading import take_for

OTHERS = 999
"""Number of the only image of a test set of its own."""


def numbered(labels, names=(), *, drawn=False, classes=None):
    """Images that can be told apart by their first pixels."""
    labels = np.asarray(labels, np.int64)
    images = np.zeros((len(labels), 4, 4), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(len(labels)) % 256, np.arange(len(labels)) // 256
    own = np.full((1, 4, 4), 0, np.uint8)
    own[0, 0, :2] = OTHERS % 256, OTHERS // 256
    test = None if drawn else Split(own, labels[:1])
    return make_dataset("numbered", Split(images, labels, names), test, classes=classes)


def numbers(split):
    return [int(image[0, 0]) + 256 * int(image[0, 1]) for image in split.images[:, 0]]


@settings(deadline=None, max_examples=60)
@given(
    counts=st.lists(st.integers(7, 40), min_size=2, max_size=5),
    count=st.integers(2, 7),
    limit=st.integers(0, 30),
    seed=st.integers(0, 99),
    drawn=st.booleans(),
)
def test_every_image_is_tested_once_by_a_model_not_trained_on_it(counts, count, limit, seed, drawn):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    dataset = numbered(labels, drawn=drawn)
    parts = [take_fold(dataset, fold, count, limit=limit) for fold in range(1, count + 1)]
    whole = list(range(len(labels)))
    assert sorted(number for part in parts for number in numbers(part.test)) == whole
    for part in parts:
        tested, trained = numbers(part.test), numbers(part.train)
        assert part.drawn.tolist() == tested == sorted(tested)
        assert trained == sorted(set(trained) - set(tested))
        assert len(trained) == min(limit or OTHERS, len(whole) - len(tested))
        assert part.test.labels.tolist() == labels[tested].tolist()
        assert part.train.labels.tolist() == labels[trained].tolist()
    for label in range(len(counts)):
        shares = [int((part.test.labels == label).sum()) for part in parts]
        assert max(shares) - min(shares) <= 1


def test_the_folds_depend_on_the_images_alone():
    dataset = numbered(np.arange(60) % 3)
    recipes = [Recipe(folds=4), Recipe(folds=4, dropout=0.5, epochs=3, train_limit=9)]
    first, second = (
        [numbers(take_for(one, dataset).test) for one in recipe.by_fold] for recipe in recipes
    )
    assert first == second
    assert first != [numbers(take_fold(dataset, fold, 5).test) for fold in range(1, 5)]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 999), count=st.integers(2, 5), drawn=st.booleans())
def test_no_group_is_on_both_sides(seed, count, drawn):
    random = np.random.default_rng(seed)
    groups = random.integers(0, 12, 90)
    labels = (groups + random.integers(0, 2, 90)) % 2
    names = [f"pictures/patient{group}_{place}.png" for place, group in enumerate(groups)]
    dataset = numbered(labels, names, drawn=drawn)
    tested = []
    for fold in range(1, count + 1):
        part = take_fold(dataset, fold, count, group="_")
        assert not set(part.train.grouped_by("_")) & set(part.test.grouped_by("_"))
        assert list(part.test.names) == [names[number] for number in numbers(part.test)]
        assert "in whole groups" in part.note
        tested += numbers(part.test)
    assert sorted(tested) == list(range(90))


def test_a_drawn_test_set_goes_back_to_its_place():
    labels = np.arange(70) % 2
    dataset = numbered(labels, [f"{number}.png" for number in range(70)], drawn=True)
    assert len(dataset.test) == 10
    assert "no test set: 10 images" in dataset.note
    whole = undo_draw(dataset)
    assert numbers(whole.train) == list(range(70))
    assert whole.train.labels.tolist() == labels.tolist()
    assert list(whole.train.names) == [f"{number}.png" for number in range(70)]
    assert whole.note == ""
    own = numbered(labels)
    assert undo_draw(own) is own


def test_the_note_says_what_was_done():
    labels = np.arange(60) % 3
    assert take_fold(numbered(labels), 2, 5).note == (
        "5-fold cross-validation of the 60 training images; the test set was not looked at"
    )
    assert take_fold(numbered(labels, drawn=True), 2, 5, limit=9).note == (
        "9 of 60 training images, drawn once at random; 5-fold cross-validation of all 60 images"
    )


@pytest.mark.parametrize(
    ("labels", "groups", "message"),
    [
        ([0] * 9 + [1] * 4, (), "numbered: 5 folds, but class dog has 4 images; choose at most 4"),
        ([0] * 9 + [1], (), "numbered: 5 folds, but class dog has 1 image; add images of it, or"),
        ([0, 1] * 6, "aaaabbbbcccc", "numbered: 5 folds, but there are 3 groups; choose at most 3"),
        ([0, 1] * 6, "a" * 12, "numbered: 5 folds, but there is 1 group; group by something else"),
        (
            [0] * 10 + [1] * 2,
            "aabbccddeeff",
            "numbered: all images of class dog fall into one of 5 folds, whose model would not be",
        ),
    ],
)
def test_too_many_folds_are_refused_in_one_line(labels, groups, message):
    names = [f"{group}_{place}" for place, group in enumerate(groups)]
    with pytest.raises(MnistlabError, match=message) as refused:
        take_fold(
            numbered(labels, names, classes=("cat", "dog")), 1, 5, group="_" if groups else ""
        )
    assert "\n" not in str(refused.value)


def test_images_without_names_have_no_groups():
    with pytest.raises(MnistlabError, match=r"numbered: .*no file names to find groups in"):
        take_fold(numbered([0, 1] * 6), 1, 2, group="_")


def test_a_run_is_of_one_fold():
    with pytest.raises(MnistlabError, match="fold: a run is tested on one fold; set it to a numbe"):
        take_for(Recipe(folds=5), numbered([0, 1] * 6))
