"""Pictures that the command line is to read."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def test_split(mnist):
    return mnist.test


@pytest.fixture(scope="module")
def number(test_split):
    """Draws test images 0, 1, 4 (a seven, a two, a four), or others, in dark grey on light."""

    def draw(*places):
        # As far apart as in one number.
        tiles = [
            np.pad(image[:, image.any(axis=0)], ((16, 16), (5, 5)))
            for image in test_split.images[list(places or (0, 1, 4)), 0]
        ]
        ink = np.pad(np.hstack(tiles), ((0, 0), (16, 16))) / 255
        height, width = ink.shape
        return Image.fromarray((230 - 190 * ink).astype(np.uint8)).resize(
            (5 * width, 5 * height), Image.BICUBIC
        )

    return draw


@pytest.fixture
def pictures(number, tmp_path):
    """Two good pictures, one without a digit and one broken."""
    number().save(tmp_path / "one.png")
    number(3, 4).save(tmp_path / "two.png")
    Image.new("L", (90, 60), 240).save(tmp_path / "blank.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "one.png").read_bytes()[:300])
    return tmp_path


@pytest.fixture(scope="module")
def digits(test_split, tmp_path_factory):
    """A folder of 100 test images, MNIST's own 28x28 pixels, named by number."""
    folder = tmp_path_factory.mktemp("digits")
    for place in range(100):
        Image.fromarray(test_split.images[place]).save(folder / f"{place}.png")
    return folder
