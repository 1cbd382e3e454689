"""Disputed labels, against the published list and the embedded images."""

import numpy as np
import pytest

from mnistlab import load_dataset, make_dataset
from mnistlab.data import CATALOGUE, Split, take_subset
from mnistlab.data.disputed import MNIST_DISPUTED, disputed_labels
from tests.data.forms import FORMS

GIVEN = [8, 0, 9, 4, 2, 5, 6, 6, 5, 5, 0, 1, 4, 6, 5]
"""``given_original_label`` of the same images in the published list."""


def test_they_are_the_published_ones(mnist):
    assert mnist.fingerprint == CATALOGUE["mnist"].fingerprint
    found = disputed_labels(mnist)
    assert len(set(found)) == 15
    assert list(found) == sorted(found)
    assert mnist.test.labels[list(found)].tolist() == GIVEN


def test_the_test_set_is_told_by_its_content_not_by_name_or_form(mnist, tmp_path):
    few = Split(mnist.train.images[:20], mnist.train.labels[:20])
    assert disputed_labels(make_dataset("mine", few, mnist.test)) == MNIST_DISPUTED
    source = FORMS["npz"](
        tmp_path, (few.images, few.labels), (mnist.test.images, mnist.test.labels.astype(np.uint8))
    )
    assert disputed_labels(load_dataset(str(source))) == MNIST_DISPUTED


def test_fewer_training_images_leave_them_and_held_out_ones_have_none(mnist):
    assert disputed_labels(take_subset(mnist, limit=300)) == MNIST_DISPUTED
    assert disputed_labels(take_subset(mnist, validation=10_000)) == ()


@pytest.mark.parametrize("change", ["another order", "another label", "another pixel", "fewer"])
def test_another_test_set_has_none(mnist, change):
    images, labels = mnist.test.images.copy(), mnist.test.labels.copy()
    match change:
        case "another order":
            images, labels = images[::-1], labels[::-1]
        case "another label":
            labels[947] = 9
        case "another pixel":
            images[0, 0, 0] = 1
        case "fewer":
            images, labels = images[:-1], labels[:-1]
    assert disputed_labels(make_dataset("mnist", mnist.train, Split(images, labels))) == ()


def test_data_like_fashion_has_none():
    random = np.random.default_rng(0)
    splits = [
        Split(random.integers(0, 256, (n, 28, 28), np.uint8), np.arange(n) % 10)
        for n in (60_000, 10_000)
    ]
    assert (
        disputed_labels(
            make_dataset("fashion-mnist", *splits, classes=CATALOGUE["fashion-mnist"].classes)
        )
        == ()
    )
