"""The page reader: the core's readings as Python gives them."""

import numpy as np
import pytest

from mnistlab import load_dataset
from mnistlab.errors import ModelError, PictureError
from mnistlab.recogniser.page_reader import PageReader
from mnistlab.rendering import Page
from tests.handwriting import small_bank


@pytest.fixture(scope="module")
def reader() -> PageReader:
    return PageReader()


def written(text: str, seed: int = 1) -> np.ndarray:
    """A line of digits and signs in black on white."""
    page = Page(520, 120, np.random.default_rng(seed), small_bank())
    page.pen.radius, page.pen.outline, page.pen.rough, page.pen.drawn = 0.06, False, 0, 0
    page.write(text, 30, 85, 50, 0.2, vary=0)
    return 255 - page.ink


def test_a_line_is_read_with_its_boxes_in_pixels_of_the_picture(reader):
    image = written("407")
    reading = reader.read(image)
    assert (reading.digits, len(reading.lines)) == ("407", 1)
    rows, columns = np.nonzero(image < 128)
    left, top, right, bottom = reading.lines[0].box
    assert (left, top) == pytest.approx((columns.min(), rows.min()), abs=6)
    assert (right, bottom) == pytest.approx((columns.max(), rows.max()), abs=6)


def test_a_large_picture_is_read_as_the_small_one_and_its_boxes_are_its_own(reader):
    image = written("407")
    large = image.repeat(7, 0).repeat(7, 1)
    small, found = reader.read(image), reader.read(large)
    assert found.size == (3640, 840)
    assert found.digits == small.digits
    for one, other in zip(small.characters, found.characters, strict=True):
        assert np.array(other.box) / 7 == pytest.approx(np.array(one.box), abs=9)


def test_digits_of_mnist_are_read(reader):
    test = load_dataset("mnist").test
    read = [reader.read(image).digits for image in test.images[:60]]
    right = [found == str(label) for found, label in zip(read, test.labels[:60], strict=True)]
    assert np.mean(right) > 0.9


def test_blank_paper_has_nothing_and_a_pattern_holds(reader):
    assert reader.read(np.full((300, 400), 230, np.uint8)).text == ""
    patterned = reader.read(written("12"), pattern="0-20")
    assert int(patterned.digits) <= 20


def test_what_cannot_be_a_model_or_a_picture_is_one_line(reader, tmp_path):
    broken = tmp_path / "reader.bin"
    broken.write_bytes(b"MNLR" + bytes(100))
    with pytest.raises(ModelError, match=r"reader\.bin: cannot be read: .*damaged"):
        PageReader(broken)
    with pytest.raises(ModelError, match=r"missing\.bin: cannot be read: No such file"):
        PageReader(tmp_path / "missing.bin")
    with pytest.raises(ModelError, match="threshold is 2"):
        PageReader(threshold=2)
    with pytest.raises(PictureError):
        reader.read(b"no picture")
