"""Faults: each is made in real images and found, with its remedy, and nothing else is."""

import json

import numpy as np
import pytest

from mnistlab.data import Split
from mnistlab.data.dataset import DIGITS
from mnistlab.data.duplicates import find_duplicates
from mnistlab.data.faults import find_faults
from mnistlab.data.holdout import stratified


@pytest.fixture(scope="module")
def sound(mnist):
    """A part of MNIST, which has no fault."""
    return {
        name: Split(split.images[:count].reshape(-1, 1, 28, 28), split.labels[:count])
        for name, split, count in (("train", mnist.train, 1500), ("test", mnist.test, 500))
    }


def kinds(splits, classes=DIGITS, duplicates=None):
    found = find_faults(splits, classes, duplicates)
    # Every one is a sentence with a remedy, and fit for JSON.
    assert all(
        ";" in fault.message or ":" in fault.message or "," in fault.message for fault in found
    )
    json.dumps([fault.figures for fault in found], allow_nan=False)
    return [(fault.kind, fault.severity) for fault in found]


def message(splits, classes=DIGITS, duplicates=None):
    (fault,) = find_faults(splits, classes, duplicates)
    return fault.message


def changed(splits, name="train", images=None, labels=None):
    split = splits[name]
    return splits | {
        name: Split(
            split.images if images is None else images, split.labels if labels is None else labels
        )
    }


def chosen(split, which):
    return Split(split.images[which], split.labels[which])


def test_sound_data_have_none(mnist, sound):
    whole = {
        name: Split(split.images.reshape(-1, 1, 28, 28), split.labels)
        for name, split in (("train", mnist.train), ("test", mnist.test))
    }
    assert kinds(whole) == []
    assert kinds(sound, duplicates=find_duplicates({n: s.images for n, s in sound.items()})) == []


@pytest.mark.parametrize("count", [70, 100, 300])
def test_a_small_part_has_none(sound, count):
    few = {
        "train": chosen(sound["train"], slice(300, 300 + 4 * count)),
        "test": chosen(sound["test"], slice(count)),
    }
    assert kinds(few) == []


def test_colours_of_many_classes_have_none():
    """A thousand classes named by numbers, colour images of noise."""
    draw = np.random.default_rng(0)
    splits = {
        name: Split(draw.integers(0, 256, (count, 3, 8, 8), np.uint8), np.arange(count) % 200)
        for name, count in (("train", 4000), ("test", 1000))
    }
    assert kinds(splits, [str(number) for number in range(200)]) == []


def test_black_images_are_counted(sound):
    images = sound["train"].images.copy()
    images[[7, 9]] = 0
    images[11] = 200
    assert message(changed(sound, images=images)) == (
        "3 of 1,500 training images are of one colour (2 of them black), for example image 7; check"
        " them, and remove what is blank"
    )


def test_nothing_but_black(sound):
    black = changed(sound, "test", images=np.zeros_like(sound["test"].images))
    assert kinds(black) == [("one colour", "error")]
    assert (
        "every test image is of one colour (all of them black)"
        in find_faults(black, DIGITS)[0].message
    )


def test_the_same_image_again_and_again(sound):
    images = np.repeat(sound["train"].images[:1], 1500, axis=0)
    assert kinds(changed(sound, images=images)) == [("all equal", "error")]


@pytest.mark.parametrize(
    ("scale", "severity", "told"),
    [
        (lambda x: x // 255, "error", "nearly black: nine in ten use at most 2 of 256 grey"),
        (lambda x: x // 16, "warning", "nearly black: nine in ten use at most 16 of 256 grey"),
        (lambda x: 255 - x // 16, "warning", "nearly white"),
        (lambda x: 100 + x // 16, "warning", "nearly of one grey"),
    ],
)
def test_images_without_contrast(sound, scale, severity, told):
    splits = {name: Split(scale(s.images), s.labels) for name, s in sound.items()}
    found = [f for f in find_faults(splits, DIGITS) if f.kind != "one colour"]
    assert [(fault.kind, fault.severity) for fault in found] == 2 * [("no contrast", severity)]
    assert told in found[0].message
    assert "scale them to 0 to 255" in found[0].message


def test_test_images_on_another_scale(sound):
    scaled = changed(sound, "test", images=sound["test"].images // 16)
    assert kinds(scaled) == [("no contrast", "warning")]


def test_one_class_only(sound):
    one = {name: chosen(split, split.labels == 3) for name, split in sound.items()}
    assert message(one) == (
        "every training image is of class 3; two are needed, so check which column or folder the"
        " labels come from"
    )


def test_a_class_that_a_split_lacks(sound):
    lacking = sound | {"test": chosen(sound["test"], sound["test"].labels != 4)}
    assert message(lacking) == (
        "the test set has no image of 4, so its accuracy says nothing about that class; add some,"
        " or split again by class"
    )
    unlearnt = sound | {"train": chosen(sound["train"], sound["train"].labels != 4)}
    assert message(unlearnt).startswith("the training set has no image of 4, so no model can")


def test_a_class_that_is_nowhere_is_told_unless_labels_are_mere_numbers(sound):
    some = {name: chosen(split, split.labels < 4) for name, split in sound.items()}
    assert kinds(some) == []
    words = ["zero", "one", "two", "three", "four"]
    assert message(some, words).startswith("there is no image of four; add some")


def test_a_class_of_few_images(sound):
    labels = sound["train"].labels
    few = np.flatnonzero(labels == 5)[12:]
    rare = sound | {"train": chosen(sound["train"], np.setdiff1d(np.arange(1500), few))}
    assert message(rare) == "few training images: 5 12; add some, or remove the class"


def test_one_class_that_nearly_all_are_of(sound):
    labels = {
        name: np.where(np.arange(len(split)) % 40 == 0, 1, 0) for name, split in sound.items()
    }
    splits = {name: Split(split.images, labels[name]) for name, split in sound.items()}
    assert kinds(splits) == [("one class prevails", "warning")]
    assert "97.5 % of the training images are of class 0" in message(splits)


@pytest.mark.parametrize("place", [(14, 14), (10, 16), (20, 12)])
def test_labels_that_are_pixels(sound, place):
    pixels = {name: split.images[:, 0, *place] for name, split in sound.items()}
    values = np.unique(np.concatenate(list(pixels.values())))
    splits = {}
    for name, split in sound.items():
        images = split.images.copy()
        images[:, 0, *place] = split.labels
        splits[name] = Split(images, np.searchsorted(values, pixels[name]))
    found = find_faults(splits, [str(value) for value in values])
    assert ("labels are pixels", "error") in [(fault.kind, fault.severity) for fault in found]
    # Words are no pixels.
    words = [f"species {value}" for value in values]
    assert not [fault for fault in find_faults(splits, words) if fault.severity == "error"]


def test_labels_that_are_row_numbers(sound):
    numbered = {"train": Split(sound["train"].images, np.arange(1500))}
    found = find_faults(numbered, [str(number) for number in range(1500)])
    assert (found[0].kind, found[0].severity) == ("labels are row numbers", "error")


@pytest.mark.parametrize("place", [0, 783, 100])
def test_a_label_among_the_pixels(sound, place):
    images = sound["train"].images.copy()
    images.reshape(1500, 784)[:, place] = sound["train"].labels
    splits = changed(sound, images=images)
    assert kinds(splits) == [("label among the pixels", "error")]
    assert message(splits).startswith(f"pixel {place} of every training image equals its label")
    # One that differs is enough to make it chance.
    images.reshape(1500, 784)[7, place] += 1
    assert kinds(splits) == []


def test_dark_and_light_exchanged_between_the_splits(sound):
    inverted = changed(sound, "test", images=255 - sound["test"].images)
    assert kinds(inverted) == [("inverted", "warning")]
    assert "the training and the test images have dark and light swapped (mean" in message(inverted)


def test_dark_and_light_exchanged_within_a_split(sound):
    images = sound["train"].images.copy()
    images[::10] = 255 - images[::10]
    mixed = changed(sound, images=images)
    assert kinds(mixed) == [("inverted", "warning")]
    assert message(mixed).startswith("10% of the training images are dark on light, 90% light on")


def test_other_brightness(sound):
    brighter = changed(sound, "test", images=sound["test"].images // 2 + 80)
    assert kinds(brighter) == [("other brightness", "warning")]


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (lambda x: x.swapaxes(2, 3), "transposed (rows for columns)"),
        (lambda x: np.rot90(x, -1, (2, 3)), "turned a quarter to the left"),
        (lambda x: x[..., ::-1], "mirrored"),
    ],
)
def test_one_split_turned(sound, turn, told):
    """Named is what undoes it."""
    images = turn(sound["test"].images)
    assert kinds(changed(sound, "test", images=images)) == [("turned", "warning")]
    assert told in message(changed(sound, "test", images=images))
    both = {name: Split(turn(split.images), split.labels) for name, split in sound.items()}
    assert kinds(both) == []


def test_the_end_of_a_sorted_list_for_a_test_set(sound):
    order = np.argsort(sound["train"].labels, kind="stable")
    cut = {
        "train": chosen(sound["train"], order[:1200]),
        "test": chosen(sound["train"], order[1200:]),
    }
    assert ("other shares", "warning") in kinds(cut)
    told = next(f.message for f in find_faults(cut, DIGITS) if f.kind == "other shares")
    assert "if a sorted list was cut in two, draw the test set from all of it" in told
    held = stratified(sound["train"].labels, 300, np.random.default_rng(0))
    rest = np.setdiff1d(np.arange(1500), held)
    drawn = {"train": chosen(sound["train"], rest), "test": chosen(sound["train"], held)}
    assert kinds(drawn) == []


def test_what_leaked_and_what_contradicts_itself(sound):
    test = Split(
        np.concatenate([sound["test"].images, sound["train"].images[[5, 9]]]),
        np.append(sound["test"].labels, [sound["train"].labels[5], 3]),
    )
    splits = sound | {"test": test}
    duplicates = find_duplicates(
        {name: split.images for name, split in splits.items()},
        {name: split.labels for name, split in splits.items()},
    )
    assert kinds(splits) == []
    repeated, contradictory = find_faults(splits, DIGITS, duplicates)
    assert repeated.message == (
        "2 of 502 test images are also training images (exact: 2, near: 0), for example test 500 ="
        " training 5; remove them from one set, since testing on them measures memory"
    )
    assert contradictory.message == (
        "1 image has a copy with another label, for example test 501 = training 9 (class 3 and"
        " class 4); correct or remove them"
    )
    json.dumps(contradictory.figures)


def test_errors_come_first(sound):
    images = sound["train"].images.copy()
    images.reshape(1500, 784)[:, 0] = sound["train"].labels
    images[3] = int(sound["train"].labels[3])
    found = kinds(changed(sound, images=images))
    assert found == [("label among the pixels", "error"), ("one colour", "warning")]
