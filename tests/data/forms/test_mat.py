"""mnistlab.data.forms.mat against files that SciPy writes as MATLAB does."""

import io
import struct
import zipfile

import numpy as np
import pytest
from scipy.io import savemat

from mnistlab.data.forms.mat import FORM
from tests.data.forms import read_as, refusal_of
from tests.zeros import zlib_zeros

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, 32, 32, 3), np.uint8)
GREY = RNG.integers(0, 256, (40, 16, 16), np.uint8)
ROWS = GREY.reshape(40, 256)
COLUMNS = GREY.swapaxes(1, 2).reshape(40, 256)
LABELS = np.arange(40) % 10
SAID_ROWS = "pixels are read row by row (if the pictures lie on their side, reshape the images)"


@pytest.mark.parametrize("packed", [False, True])
def test_street_view_house_numbers(tmp_path, packed):
    for part, at in (("train", slice(40)), ("test", slice(12)), ("extra", slice(20))):
        labels = np.where(LABELS == 0, 10, LABELS)[at, None].astype(np.uint8)
        arrays = {"X": IMAGES[at].transpose(1, 2, 3, 0), "y": labels}
        savemat(tmp_path / f"{part}_32x32.mat", arrays, do_compression=packed)
    parts = read_as(FORM.name, tmp_path)
    assert np.array_equal(parts.train.images, IMAGES.transpose(0, 3, 1, 2))
    assert parts.train.labels.tolist() == LABELS.tolist()
    assert parts.test.labels.tolist() == LABELS[:12].tolist()
    assert parts.classes == tuple("0123456789")
    assert "label 10 stands for the digit 0, as in the Street View House Numbers" in parts.notes
    assert "not used: extra_32x32.mat" in parts.notes
    assert len(read_as(FORM.name, tmp_path, "train_32x32.mat").test) == 12


@pytest.mark.parametrize("packed", [False, True])
def test_emnist(tmp_path, packed):
    codes = np.stack([np.arange(1, 11), np.arange(65, 75), np.arange(97, 107)], axis=1)
    dataset = {
        "train": {"images": COLUMNS, "labels": LABELS[:, None] + 1, "writers": LABELS[:, None]},
        "test": {"images": COLUMNS[:9], "labels": LABELS[:9, None] + 1, "writers": LABELS[:9]},
        "mapping": codes,
    }
    savemat(tmp_path / "emnist-letters.mat", {"dataset": dataset}, do_compression=packed)
    parts = read_as(FORM.name, tmp_path)
    assert np.array_equal(parts.train.images[:, 0], GREY)
    assert parts.test.labels.tolist() == LABELS[:9].tolist()
    assert parts.classes == tuple("ABCDEFGHIJ")
    assert "pixels are read column by column, as MATLAB stores them" in parts.notes


def test_mnist_original(tmp_path):
    savemat(tmp_path / "mnist-original.mat", {"data": ROWS.T, "label": LABELS[None] + 0.0})
    parts = read_as(FORM.name, tmp_path)
    assert np.array_equal(parts.train.images[:, 0], GREY)
    assert parts.train.labels.tolist() == LABELS.tolist()
    assert parts.test is None
    assert parts.notes == [SAID_ROWS]


def test_usps_of_minus_one_to_one_with_a_row_for_each_class(tmp_path):
    hot = np.eye(10)[LABELS].T * 2 - 1
    patterns = GREY.reshape(40, 256).T / 127.5 - 1
    patterns.flat[0], GREY.flat[0] = -1, 0
    arrays = {
        "train_patterns": patterns,
        "train_labels": hot,
        "test_patterns": patterns[:, :20],
        "test_labels": hot[:, :20],
    }
    savemat(tmp_path / "usps_resampled.mat", arrays)
    parts = read_as(FORM.name, tmp_path)
    assert np.array_equal(parts.train.images[:, 0], GREY)
    assert parts.test.labels.tolist() == LABELS[:20].tolist()
    assert parts.notes == [SAID_ROWS, "pixels are -1 to 1: scaled to 0 to 255"]


def test_caltech_silhouettes(tmp_path):
    names = np.array([[word] for word in "abcdefghij"], object)
    arrays = {"classnames": names}
    for part, at in (("train", slice(40)), ("val", slice(12)), ("test", slice(20))):
        arrays |= {f"{part}_data": COLUMNS[at] // 128, f"{part}_labels": LABELS[at, None] + 1}
    savemat(tmp_path / "caltech101_silhouettes_16_split1.mat", arrays)
    parts = read_as(FORM.name, tmp_path)
    assert np.array_equal(parts.train.images[:, 0], GREY // 128 * 255)
    assert parts.validation.labels.tolist() == LABELS[:12].tolist()
    assert parts.classes == tuple("abcdefghij")


def test_words_in_cells_or_as_characters_within_a_zip(tmp_path):
    words = np.array(["cat", "dog", "mouse", "owl"])[LABELS % 4]
    for labels in (words.astype(object), words):
        buffer = io.BytesIO()
        savemat(buffer, {"images": IMAGES, "labels": labels})
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("folder/mine.mat", buffer.getvalue())
        parts = read_as(FORM.name, tmp_path / "a.zip")
        assert parts.classes == ("cat", "dog", "mouse", "owl")
        assert np.array_equal(parts.train.images, IMAGES.transpose(0, 3, 1, 2))


def test_version_4_is_refused(tmp_path):
    savemat(tmp_path / "a.mat", {"X": ROWS + 0.0, "y": LABELS + 0.0}, format="4")
    assert "not a MAT-file of version 5 to 7; save it with -v7" in refusal_of(FORM.name, tmp_path)


@pytest.mark.parametrize("packed", [False, True])
def test_every_truncation_is_refused(tmp_path, packed):
    savemat(tmp_path / "a.mat", {"X": ROWS, "y": LABELS}, do_compression=packed)
    content = (tmp_path / "a.mat").read_bytes()
    for length in (*range(0, len(content), len(content) // 40), len(content) - 1):
        (tmp_path / "a.mat").write_bytes(content[:length])
        assert "a.mat: " in refusal_of(FORM.name, tmp_path)


def header():
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"


def element(kind, content):
    return struct.pack("<2I", kind, len(content)) + content.ljust(
        (len(content) + 7) // 8 * 8, b"\0"
    )


def matrix(kind, shape, *members):
    sides = np.array(shape, "<i4").tobytes()
    about = element(6, struct.pack("<2I", kind, 0)) + element(5, sides) + element(1, b"x")
    return element(14, about + b"".join(members))


def packed(content, zeros=0):
    squeezed = zlib_zeros(zeros, content)
    return struct.pack("<2I", 15, len(squeezed)) + squeezed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (matrix(9, (1 << 30, 1), element(2, bytes(8))), "cannot reshape array of size 8"),
        (matrix(1, (1 << 30, 1)), "no labels for x; it holds x (0,) object"),
        (matrix(2, (1 << 15, 1 << 15), element(5, b"\x20\0\0\0")), "x (0,) object"),
        (packed(struct.pack("<2I", 14, 1 << 28), zeros=1 << 28), "would expand to"),
        (
            packed(matrix(9, (0, 0), element(2, b"")) + b"more"),
            "length than it says",
        ),
        (packed(struct.pack("<2I", 14, 1000) + bytes(8)), "another length than it says"),
        (b"\x0e\0\0\0\xff\xff\xff\xff", "truncated"),
    ],
)
def test_what_promises_more_than_there_is_is_refused(tmp_path, content, message):
    (tmp_path / "a.mat").write_bytes(header() + content)
    assert message in refusal_of(FORM.name, tmp_path)


def test_structures_within_each_other_too_deep_are_refused(tmp_path):
    nested = matrix(6, (0, 0))
    for _ in range(2000):
        nested = matrix(1, (1, 1), nested)
    (tmp_path / "a.mat").write_bytes(header() + nested)
    assert "too deep" in refusal_of(FORM.name, tmp_path)


def test_what_is_no_array_is_named_as_not_used(tmp_path):
    people = np.array([(1, "a"), (2, "b")], [("age", object), ("name", object)])
    savemat(tmp_path / "a.mat", {"X": IMAGES, "y": LABELS, "people": people, "odd": {"z": 1}})
    assert read_as(FORM.name, tmp_path).notes == ["not used: people, odd/z"]


def test_axes_that_cannot_be_told_apart_are_refused(tmp_path):
    savemat(tmp_path / "a.mat", {"X": RNG.integers(0, 256, (40, 40, 40)), "y": LABELS})
    assert "can be read in several ways" in refusal_of(FORM.name, tmp_path)
