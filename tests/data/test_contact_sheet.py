import numpy as np

from mnistlab.data import contact_sheet


def test_a_sheet_shows_a_row_of_each_class(small_mnist):
    sheet = np.asarray(contact_sheet(small_mnist, small_mnist.train, per_class=5))
    first_zero = small_mnist.train.images[np.flatnonzero(small_mnist.train.labels == 0)[0], 0]
    shown = sheet[4 : 4 + 56 : 2, 112 : 112 + 56 : 2]
    assert np.array_equal(shown, first_zero)
    assert sheet.shape == (10 * 60 + 4, 112 + 5 * 60)
