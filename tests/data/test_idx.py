"""mnistlab.data.idx against files written by hand."""

import gzip
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mnistlab.data.idx import read_idx, read_split
from mnistlab.data.known_datasets import EMBEDDED
from mnistlab.errors import DataError

THREE_LABELS = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1])
THREE_INTEGERS = bytes([0, 0, 12, 1, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 1, 0])

PUBLISHED_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def write_idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def test_reads_a_hand_written_file(tmp_path):
    (tmp_path / "labels").write_bytes(THREE_LABELS)
    assert read_idx(tmp_path / "labels").tolist() == [7, 2, 1]


def test_reads_the_integers_of_qmnist(tmp_path):
    (tmp_path / "labels").write_bytes(THREE_INTEGERS)
    assert read_idx(tmp_path / "labels").tolist() == [7, 256]


def test_gzip_is_told_by_content_not_by_name(tmp_path):
    (tmp_path / "labels").write_bytes(gzip.compress(THREE_LABELS))
    (tmp_path / "labels.gz").write_bytes(THREE_LABELS)
    assert (
        read_idx(tmp_path / "labels").tolist()
        == read_idx(tmp_path / "labels.gz").tolist()
        == [7, 2, 1]
    )


@pytest.mark.parametrize(("name", "md5"), PUBLISHED_MD5.items())
def test_the_embedded_files_are_the_published_ones(name, md5):
    content = gzip.decompress((EMBEDDED / f"{name}.gz").read_bytes())
    assert hashlib.md5(content).hexdigest() == md5


@pytest.mark.parametrize("length", range(len(THREE_LABELS)))
@pytest.mark.parametrize("packed", [False, True])
def test_every_truncation_is_refused_with_the_file_named(tmp_path, length, packed):
    path = tmp_path / "labels"
    path.write_bytes(gzip.compress(THREE_LABELS[:length]) if packed else THREE_LABELS[:length])
    with pytest.raises(DataError) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("length", range(2, len(gzip.compress(THREE_LABELS))))
def test_every_truncation_of_a_gzip_file_is_refused(tmp_path, length):
    (tmp_path / "labels.gz").write_bytes(gzip.compress(THREE_LABELS)[:length])
    with pytest.raises(DataError, match=r"labels\.gz: "):
        read_idx(tmp_path / "labels.gz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (THREE_LABELS + b"\0", "promises 3 bytes, but the file holds 4"),
        (b"PNG!", "not an IDX file (it starts with 50 4e 47 21)"),
        (b"", "not an IDX file (it starts with nothing)"),
        (bytes([0, 0, 13, 1, 0, 0, 0, 0]), "elements of type 0x0d"),
        (
            bytes([0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]),
            "the file holds 0",
        ),
        (bytes([0, 0, 8, 200, *bytes(800)]), "200 dimensions; images have 3 or 4 and labels 1"),
        (bytes([0, 0, 8, 0, 7]), "0 dimensions"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, message):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(tmp_path / "file")
    assert message in str(caught.value)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path)


@given(
    array=arrays(np.uint8, array_shapes(min_dims=1, max_dims=4, max_side=6)), packed=st.booleans()
)
def test_what_was_written_is_read_back(tmp_path_factory, array, packed):
    path = tmp_path_factory.mktemp("idx") / "array"
    path.write_bytes(gzip.compress(write_idx(array)) if packed else write_idx(array))
    assert np.array_equal(read_idx(path), array)


def test_a_split_needs_as_many_labels_as_images(tmp_path):
    (tmp_path / "images").write_bytes(write_idx(np.zeros((4, 2, 2), np.uint8)))
    (tmp_path / "labels").write_bytes(THREE_LABELS)
    with pytest.raises(DataError, match=r"labels: 3 labels, but images holds 4 images"):
        read_split(tmp_path / "images", tmp_path / "labels")


def test_labels_given_as_images_are_refused(tmp_path):
    (tmp_path / "labels").write_bytes(THREE_LABELS)
    with pytest.raises(DataError, match=r"images are \(n, height, width\)"):
        read_split(tmp_path / "labels", tmp_path / "labels")


def test_of_qmnist_labels_the_first_field_is_the_class(tmp_path):
    fields = np.arange(6, dtype=">i4").reshape(3, 2)
    header = bytes([0, 0, 12, 2]) + np.array(fields.shape, ">u4").tobytes()
    (tmp_path / "labels").write_bytes(header + fields.tobytes())
    (tmp_path / "images").write_bytes(write_idx(np.zeros((3, 2, 2), np.uint8)))
    assert read_split(tmp_path / "images", tmp_path / "labels").labels.tolist() == [0, 2, 4]
