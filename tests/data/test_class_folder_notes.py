"""What class folders say of one picture, and of several, that they do not take as it lies."""

import numpy as np
import pytest
from PIL import Image

from mnistlab import Recipe, load_dataset, train

RANDOM = np.random.default_rng(3)


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RANDOM.integers(0, 256, (9, 9)).astype(np.uint8)).save(path)


@pytest.mark.parametrize(
    ("count", "loose", "deeper"),
    [
        (
            1,
            "1 picture in test is in no class folder and is not used",
            "1 picture lies deeper inside a class folder and counts as its class",
        ),
        (
            2,
            "2 pictures in test are in no class folder and are not used",
            "2 pictures lie deeper inside a class folder and count as its class",
        ),
    ],
)
def test_one_and_several(tmp_path, count, loose, deeper):
    for split in ("train", "test"):
        for label in "ab":
            for number in range(4):
                picture(tmp_path / split / label / f"{number}.png")
    for number in range(count):
        picture(tmp_path / "test" / f"{number}.png")
        picture(tmp_path / "train" / "a" / "b" / f"{number}.png")
    notes = load_dataset(tmp_path).notes
    assert loose in notes
    assert deeper in notes


@pytest.mark.parametrize("place", ["runs/mlp-seed0", "."])
def test_what_this_package_has_written_among_the_pictures_is_no_data(tmp_path, place):
    for label in "ab":
        for number in range(4):
            picture(tmp_path / label / f"{number}.png")
    before = load_dataset(tmp_path)
    train(Recipe(model="mlp", epochs=1, batch_size=4), before, folder=tmp_path / place)
    (tmp_path / place / ".lock").unlink()
    picture(tmp_path / place / "curves.png")
    again = load_dataset(tmp_path)
    assert again.train.names == before.train.names
    assert again.test.names == before.test.names
    (note,) = set(again.notes) - set(before.notes)
    assert note.startswith("what mnistlab has written is not used: ")
    assert ("curves.png" if place == "." else place) in note


def test_a_class_that_the_test_set_lacks_is_named(tmp_path):
    for label, count in {"cat": 1, "dog": 10, "hen": 10}.items():
        for number in range(count):
            picture(tmp_path / label / f"{number}.png")
    said = "the test set has no image of cat, so its accuracy says nothing about that class"
    assert said in load_dataset(tmp_path).notes


@pytest.mark.parametrize(
    ("highest", "said"),
    [
        ((3000, 4000), ["0 was taken as black, 4095 as white (8 pictures)"]),
        ((900, 4000), ["0 was taken as black, 4095 as white (8 pictures)"]),
        (
            (900, 60_000),
            ["nearly black: no value above a sixteenth of white, 65535 (4 pictures)"],
        ),
    ],
)
def test_pictures_of_many_bits_have_few_notes(tmp_path, highest, said):
    """Although each holds other values, and some are decoded again with the range of all."""
    for label, high in zip("ab", highest, strict=True):
        (tmp_path / label).mkdir()
        for number in range(4):
            values = RANDOM.integers(0, high - number, (9, 9)).astype(np.uint16)
            values[0, 0] = high - number
            Image.fromarray(values).save(tmp_path / label / f"{number}.png")
    about = [note for note in load_dataset(tmp_path).notes if "white" in note or "black" in note]
    assert about == said
