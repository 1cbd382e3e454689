"""What class folders say of one picture, and of several, that they do not take as it lies."""

import numpy as np
import pytest
from PIL import Image

from mnistlab import load_dataset

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
