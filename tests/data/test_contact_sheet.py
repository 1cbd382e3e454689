import numpy as np

from mnistlab import make_dataset
from mnistlab.data import Split, contact_sheet


def test_a_sheet_shows_a_row_of_each_class(small_mnist):
    sheet = np.asarray(contact_sheet(small_mnist, small_mnist.train, per_class=5))
    first_zero = small_mnist.train.images[np.flatnonzero(small_mnist.train.labels == 0)[0], 0]
    shown = sheet[4 : 4 + 56 : 2, 112 : 112 + 56 : 2]
    assert np.array_equal(shown, first_zero)
    assert sheet.shape == (10 * 60 + 4, 112 + 5 * 60)


def test_images_in_colour_are_shown_in_colour():
    images = np.random.default_rng(0).integers(0, 256, (12, 3, 9, 14), np.uint8)
    split = Split(images, np.arange(12) % 3)
    dataset = make_dataset("mine", split, split, classes=("a", "b", "c"))
    sheet = contact_sheet(dataset, split, per_class=4)
    assert sheet.mode == "RGB"
    pixels = np.asarray(sheet)
    # The second image of class c.
    shown = pixels[4 + 2 * 22 : 4 + 2 * 22 + 18 : 2, 112 + 32 : 112 + 32 + 28 : 2]
    assert np.array_equal(shown.transpose(2, 0, 1), images[5])
