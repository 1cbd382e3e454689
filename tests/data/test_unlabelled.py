"""mnistlab.data.unlabelled: files of arrays, with labels, which are ignored, or without any."""

import gzip
import pickle

import numpy as np
import pytest
from scipy.io import savemat

from mnistlab.data.unlabelled import holds_rows, read_rows
from mnistlab.errors import DataError

RNG = np.random.default_rng(7)
GREY = RNG.integers(0, 256, (12, 1, 9, 9), np.uint8)
COLOUR = RNG.integers(0, 256, (12, 3, 32, 32), np.uint8)
LABELS = np.arange(12) % 5
FLAT, PLANES = GREY.reshape(12, 81), COLOUR.reshape(12, 3072)


def mat(name="x.mat", **arrays):
    def write(folder):
        savemat(folder / name, arrays)
        return folder / name

    return write


def hdf5(matlab=False, **arrays):
    def write(folder):
        h5py = pytest.importorskip("h5py")
        with h5py.File(folder / "x.h5", "w") as file:
            for name, array in arrays.items():
                made = file.create_dataset(name, data=array)
                if matlab:
                    made.attrs["MATLAB_class"] = np.bytes_(array.dtype.name)
        return folder / "x.h5"

    return write


def pickled(held, name="x.pkl"):
    def write(folder):
        content = pickle.dumps(held)
        (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        return folder / name

    return write


def binary(name, *columns):
    def write(folder):
        (folder / name).write_bytes(np.column_stack([*columns, PLANES]).astype(np.uint8).tobytes())
        return folder / name

    return write


def in_folder(name, write):
    def within(folder):
        (folder / name).mkdir()
        return write(folder / name)

    return within


UNLABELLED = {
    "mat, images last": (mat(X=GREY[:, 0].transpose(1, 2, 0)), GREY),
    "mat, images first": (mat(X=GREY[:, 0]), GREY),
    "mat, pixels in rows": (mat(X=FLAT), GREY),
    "mat, pixels in columns": (mat(X=FLAT.T), GREY),
    "mat, colour, images last": (mat(X=COLOUR.transpose(2, 3, 1, 0)), COLOUR),
    "mat, colour, images first": (mat(X=COLOUR.transpose(0, 2, 3, 1)), COLOUR),
    "mat, within a structure": (mat(dataset={"images": GREY[:, 0]}), GREY),
    "hdf5": (hdf5(images=GREY[:, 0]), GREY),
    "hdf5, colour": (hdf5(x=COLOUR.transpose(0, 2, 3, 1)), COLOUR),
    # MATLAB's axes are the other way round in it.
    "hdf5 of MATLAB": (hdf5(matlab=True, X=COLOUR.transpose(0, 1, 3, 2)), COLOUR),
    "a pickled array": (pickled(GREY[:, 0]), GREY),
    "a pickled dictionary, packed": (pickled({"images": GREY[:, 0]}, "x.pkl.gz"), GREY),
    "CIFAR-10": (pickled({b"data": PLANES}, "data_batch_1"), COLOUR),
    "CIFAR-10, a folder of its own": (
        in_folder("cifar-10-batches-py", pickled({b"data": PLANES}, "test_batch")),
        COLOUR,
    ),
}
LABELLED = {
    "mat": (mat("test_32x32.mat", X=COLOUR.transpose(2, 3, 1, 0), y=LABELS[:, None] + 1), COLOUR),
    "mat, without names": (mat(a=FLAT.T, b=LABELS), GREY),
    "hdf5": (hdf5(images=GREY[:, 0], labels=LABELS), GREY),
    "a pickled pair": (pickled((GREY[:, 0], LABELS)), GREY),
    "a pickled dictionary": (pickled({"x": GREY[:, 0], "y": LABELS.tolist()}), GREY),
    "CIFAR-10": (pickled({b"data": PLANES, b"labels": LABELS.tolist()}, "test_batch"), COLOUR),
    "CIFAR-100": (
        in_folder(
            "cifar-100-python",
            pickled({b"data": PLANES, b"fine_labels": LABELS.tolist()}, "test"),
        ),
        COLOUR,
    ),
    "CIFAR-10, binary": (binary("test_batch.bin", LABELS), COLOUR),
    "CIFAR-100, binary": (binary("test.bin", LABELS, LABELS), COLOUR),
}


@pytest.mark.parametrize("kind", UNLABELLED)
def test_images_without_labels(tmp_path, kind):
    write, images = UNLABELLED[kind]
    path = write(tmp_path)
    assert holds_rows(path)
    found = read_rows(path)
    assert np.array_equal(found.images, images)
    assert not found.labelled


@pytest.mark.parametrize("kind", LABELLED)
def test_labels_are_ignored_and_this_can_be_said(tmp_path, kind):
    write, images = LABELLED[kind]
    found = read_rows(write(tmp_path))
    assert np.array_equal(found.images, images)
    assert found.labelled


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (mat(a=GREY[:, 0], b=GREY[:, 0]), "x.mat: several arrays could be the images; it holds a"),
        (mat(y=LABELS), "x.mat: no images; it holds y"),
        (hdf5(y=LABELS), "x.h5: no images; it holds y"),
        (pickled({"y": LABELS}), "x.pkl: no images; it holds y"),
        (pickled({b"labels": [1]}, "test_batch"), "test_batch: holds labels; CIFAR has data"),
    ],
)
def test_a_file_without_images_is_refused_in_one_line(tmp_path, write, message):
    with pytest.raises(DataError, match=message):
        read_rows(write(tmp_path))
