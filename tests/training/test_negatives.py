"""mnistlab.training.negatives, and runs that train on them."""

import numpy as np
import pytest

from mnistlab import Recipe, train
from mnistlab.data import Dataset, Split
from mnistlab.errors import DataError
from mnistlab.training.negatives import add_negatives

SMALL = Recipe(model="mlp", epochs=1, train_limit=600, negatives=40)


@pytest.fixture(scope="module")
def dataset(mnist):
    train, test = (
        Split(s.images[:n], s.labels[:n]) for s, n in ((mnist.train, 500), (mnist.test, 300))
    )
    return Dataset("mnist", train, test, mnist.classes)


def test_they_are_a_last_class_and_all_else_stays(dataset):
    enlarged = add_negatives(dataset, SMALL)
    assert enlarged.classes == (*"0123456789", "none")
    np.testing.assert_array_equal(enlarged.train.images[:500], dataset.train.images)
    np.testing.assert_array_equal(enlarged.train.labels, [*dataset.train.labels, *[10] * 40])
    assert enlarged.test is dataset.test


def test_a_recipe_without_them_leaves_the_data_alone(dataset):
    assert add_negatives(dataset, SMALL.replace(negatives=0)) is dataset


def test_images_of_another_size_are_refused(dataset):
    wide = Split(np.zeros((5, 28, 30), np.uint8), np.arange(5))
    with pytest.raises(DataError, match=r"odd: negatives need grey images of 28x28 pixels"):
        add_negatives(Dataset("odd", wide, wide, tuple("01234")), SMALL)


def test_images_in_colour_are_refused(dataset):
    colour = Split(np.zeros((5, 3, 28, 28), np.uint8), np.arange(5))
    with pytest.raises(DataError, match=r"odd: negatives need grey images of 28x28 pixels"):
        add_negatives(Dataset("odd", colour, colour, tuple("01234")), SMALL)


def test_a_class_of_that_name_is_refused(dataset):
    named = Dataset("odd", dataset.train, dataset.test, (*"012345678", "none"))
    with pytest.raises(
        DataError, match=r"odd: negatives need grey images .* no other class 'none'"
    ):
        add_negatives(named, SMALL)


def test_a_run_is_tested_on_digits_alone_and_known_by_its_data(dataset, tmp_path):
    trained = train(SMALL, dataset, folder=tmp_path / "run", threads=1)
    assert trained.test_logits.shape == (300, 11)
    assert trained.record.data.train_images == 540
    assert trained.record.data.test_images == 300
    assert trained.record.data.fingerprint == dataset.fingerprint
    again = train(SMALL, dataset, folder=tmp_path / "run", threads=1, resume=True)
    np.testing.assert_array_equal(again.test_logits, trained.test_logits)


def test_every_run_gets_the_same_negatives(dataset):
    one, two = add_negatives(dataset, SMALL), add_negatives(dataset, SMALL)
    np.testing.assert_array_equal(one.train.images, two.train.images)
