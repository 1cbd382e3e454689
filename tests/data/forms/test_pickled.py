"""mnistlab.data.forms.pickled against files that Python's pickle writes."""

import bz2
import gzip
import os
import pickle

import numpy as np
import pytest

from mnistlab.data.forms.pickled import FORM
from tests.data.forms import read_as, refusal_of
from tests.zeros import gzip_zeros

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 4, 4), np.uint8)
LABELS = np.arange(24) % 4
FRACTIONS = (IMAGES / 255).astype(np.float32)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_mnist_in_three_pairs(tmp_path, protocol):
    pairs = [(FRACTIONS[:n].reshape(n, 16), LABELS[:n]) for n in (24, 12, 8)]
    content = pickle.dumps(tuple(pairs), protocol)
    (tmp_path / "mnist.pkl.gz").write_bytes(gzip.compress(content))
    parts = read_as(FORM.name, tmp_path)
    assert np.array_equal(parts.train.images[:, 0], IMAGES)
    assert np.array_equal(parts.validation.images[:, 0], IMAGES[:12])
    assert parts.test.labels.tolist() == LABELS[:8].tolist()


def test_not_mnist(tmp_path):
    arrays = {
        f"{part}_{kind}": array
        for part, n in (("train", 24), ("valid", 12), ("test", 8))
        for kind, array in (("dataset", FRACTIONS[:n] - 0.5), ("labels", LABELS[:n]))
    }
    (tmp_path / "notMNIST.pickle").write_bytes(pickle.dumps(arrays))
    parts = read_as(FORM.name, tmp_path)
    assert np.array_equal(parts.test.images[:, 0], IMAGES[:8])
    assert parts.notes == ["pixels are -0.5 to 0.5: scaled to 0 to 255"]


def test_traffic_signs_in_a_file_for_each_split(tmp_path):
    for part, n in (("train", 24), ("valid", 12), ("test", 8)):
        signs = {"features": IMAGES[:n], "labels": LABELS[:n].tolist(), "sizes": IMAGES[:n, 0, :2]}
        (tmp_path / f"{part}.p").write_bytes(pickle.dumps(signs))
    parts = read_as(FORM.name, tmp_path)
    assert [len(split) for split in (parts.train, parts.validation, parts.test)] == [24, 12, 8]
    assert parts.notes == ["not used: test/sizes, train/sizes, valid/sizes"]


def test_images_and_labels_alone(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([IMAGES, LABELS]))
    assert np.array_equal(read_as(FORM.name, tmp_path).train.images[:, 0], IMAGES)


class Malicious:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def test_no_code_is_run(tmp_path):
    evil = {"x": IMAGES, "y": LABELS, "z": Malicious(tmp_path / "ran")}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(evil))
    assert "no code is run" in refusal_of(FORM.name, tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip_zeros(1 << 27), "would expand to more than"),
        (gzip.compress(pickle.dumps([IMAGES, LABELS]))[:-9], "cannot be read"),
        (bz2.compress(b"x"), "cannot be read as a pickle"),
        (pickle.dumps(7), "it holds nothing"),
        (pickle.dumps({"x": [[1], [1, 2]], "y": LABELS}), "images of type object"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, message):
    (tmp_path / "a.pkl").write_bytes(content)
    assert message in refusal_of(FORM.name, tmp_path)
