"""Data small enough for many whole runs."""

import pytest

from tests.data.forms import FORMS


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A folder of IDX files with 600 training and 200 test images."""
    from mnistlab import load_dataset

    mnist = load_dataset()
    parts = [(s.images[:n], s.labels[:n]) for s, n in ((mnist.train, 600), (mnist.test, 200))]
    return FORMS["idx.gz"](tmp_path_factory.mktemp("few"), *parts)
