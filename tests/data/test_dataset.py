import numpy as np
import pytest
import torch

from mnistlab import make_dataset
from mnistlab.data import Split
from mnistlab.errors import DataError


def split(labels, size=(4, 4)):
    count = len(labels)
    return Split(
        np.arange(count * size[0] * size[1], dtype=np.uint8).reshape(count, *size),
        np.array(labels, np.int64),
    )


def test_mnist_is_whole(mnist):
    assert mnist.train.images.shape == (60_000, 1, 28, 28)
    assert mnist.test.images.shape == (10_000, 1, 28, 28)
    assert mnist.train.images.dtype == np.uint8
    # Published class counts of the training set and of the test set.
    assert np.bincount(mnist.train.labels).tolist() == [
        5923,
        6742,
        5958,
        6131,
        5842,
        5421,
        5918,
        6265,
        5851,
        5949,
    ]
    assert np.bincount(mnist.test.labels).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]


def test_the_recipes_mean_and_deviation_are_those_of_mnist(mnist):
    pixels = np.bincount(mnist.train.images.reshape(-1), minlength=256)
    unit = np.arange(256) / 255
    mean = np.average(unit, weights=pixels)
    assert mean == pytest.approx(0.1307, abs=5e-5)
    deviation = np.average((unit - mean) ** 2, weights=pixels) ** 0.5
    assert deviation == pytest.approx(0.3081, abs=5e-5)


@pytest.mark.parametrize(
    ("train", "test", "classes"),
    [
        ([0, 1], [1], "01"),
        ([0, 1, 2], [0], "012"),
        ([0, 1], [2], "012"),
        ([*range(12)], [3], [*map(str, range(12))]),
        # A small sample of the ten digits lacks some.
        ([3, 7], [3], "0123456789"),
        ([0, 2], [0], "0123456789"),
        ([0, 1], [8], "0123456789"),
        ([5, 0, 4, 1, 9], [2], "0123456789"),
    ],
)
def test_numbers_are_as_many_classes_as_there_are_or_the_ten_digits(train, test, classes):
    assert make_dataset("few", split(train), split(test)).classes == tuple(classes)


def test_classes_are_counted_where_there_are_more():
    assert len(make_dataset("letters", split(range(26)), split([25])).classes) == 26


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (
            split([0, 1, 255]),
            split([0]),
            "training image 2 has label 255, out of range: no image has label 2",
        ),
        (split([0, -1]), split([0]), "training image 1 has label -1; labels start at 0"),
        (split([0, 1]), split([0, 10]), "test image 1 has label 10; labels are 0 to 1"),
        (split([0, 1]), split([-1]), "test image 0 has label -1"),
        (split([]), split([0]), "training set: no images"),
        (split([0]), split([]), "test set: no images"),
        (
            split([0]),
            split([0], (4, 5)),
            "training and test images differ (4x4 pixels and 4x5 pixels)",
        ),
        (Split(split([0, 1]).images, np.array([0])), split([0]), "2 images but 1 labels"),
        (split(range(6)), None, "cannot hold out a test set: no class has two images"),
    ],
)
def test_what_does_not_fit_together_is_refused(train, test, message):
    with pytest.raises(DataError) as caught:
        make_dataset("name", train, test)
    assert message in str(caught.value)


IMAGES, LABELS = np.zeros((4, 8, 8), np.uint8), np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((IMAGES / 255, LABELS), "training set: images of float64; expected uint8, from 0 (black)"),
        ((IMAGES.astype(np.int64), LABELS), "images of int64"),
        ((IMAGES > 0, LABELS), "images of bool"),
        ((IMAGES, LABELS + 0.5), "labels of float64 and shape (4,); expected a whole number"),
        ((IMAGES, np.array(["a", "b", "a", "b"])), "numpy.unique(words, return_inverse=True)"),
        ((IMAGES, np.eye(2, dtype=int)[LABELS]), "labels of int64 and shape (4, 2)"),
        ((IMAGES, np.ma.array(LABELS, mask=[0, 0, 1, 0])), "masked labels"),
        ((IMAGES, None), "labels of object"),
        ((IMAGES, LABELS, ["a"]), "4 images but 1 names"),
    ],
)
def test_images_and_labels_of_another_kind_are_refused(given, message):
    with pytest.raises(DataError) as caught:
        make_dataset("mine", Split(*given), None)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "labels",
    [
        LABELS.astype(np.uint8),
        LABELS.astype(">i4"),
        LABELS.tolist(),
        torch.from_numpy(LABELS).int(),
    ],
    ids=["uint8", "big-endian", "list", "tensor"],
)
def test_whole_numbers_of_any_kind_are_labels(labels):
    images = torch.from_numpy(IMAGES) if isinstance(labels, torch.Tensor) else IMAGES
    plain = Split(IMAGES, LABELS)
    split = Split(images, labels, np.array(list("abcd")))
    found = make_dataset("mine", split, split)
    assert found.train.labels.dtype == np.int64
    assert found.train.names == list("abcd")
    assert found.fingerprint == make_dataset("mine", plain, plain).fingerprint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": "ab"}, "classes: one text, 'ab'; give one for each class"),
        ({"classes": [3, 8]}, "3: is no name"),
        ({"classes": ("cat", "cat")}, "classes: 'cat' is there twice"),
        ({"name": None}, "None: is no name"),
        ({"test": (IMAGES, LABELS)}, "test set: is a tuple; give mnistlab.Split(images, labels)"),
    ],
)
def test_what_is_no_name_and_no_split_is_refused(options, message):
    split = Split(IMAGES, LABELS)
    with pytest.raises(DataError) as caught:
        make_dataset(**{"name": "mine", "train": split, "test": split} | options)
    assert message in str(caught.value)


def test_without_a_test_set_a_seventh_is_held_out_and_the_reader_told():
    whole = split([i % 10 for i in range(70)])
    dataset = make_dataset("alone", whole, None)
    assert (len(dataset.train), len(dataset.test)) == (60, 10)
    assert "no test set: 10 images" in dataset.note
    everything = np.concatenate([dataset.train.images, dataset.test.images])
    assert sorted(image.tobytes() for image in everything) == sorted(
        image.tobytes() for image in whole.images
    )
    assert make_dataset("alone", whole, None).fingerprint == dataset.fingerprint


def test_the_fingerprint_sees_every_pixel_and_label():
    original = make_dataset("a", split([0, 1]), split([1]))
    pixels = original.train.images.copy()
    pixels[1, 0, 3, 3] ^= 1
    changed = make_dataset("a", Split(pixels, original.train.labels), original.test)
    relabelled = make_dataset("a", split([1, 1]), original.test)
    assert len({original.fingerprint, changed.fingerprint, relabelled.fingerprint}) == 3
    assert make_dataset("b", split([0, 1]), split([1])).fingerprint == original.fingerprint
