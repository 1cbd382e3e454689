"""mnistlab.data.forms.npz against files that NumPy writes."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from mnistlab.data.file_tree import Folder
from mnistlab.data.form import ReadOptions
from mnistlab.data.forms.npz import FORM
from mnistlab.errors import DataError
from tests.data.forms import read_as, refusal_of

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 5, 6), np.uint8)
LABELS = np.arange(24) % 4
KERAS = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:8], "y_test": LABELS[:8]}


def read(path, chosen=""):
    return read_as(FORM.name, path, chosen)


def is_whole(parts):
    assert np.array_equal(parts.train.images[:, 0], IMAGES)
    assert parts.train.labels.tolist() == LABELS.tolist()
    assert np.array_equal(parts.test.images[:, 0], IMAGES[:8])
    assert parts.classes == ("0", "1", "2", "3")
    return True


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_file_named_alone_in_its_folder_or_within_a_zip(tmp_path, save):
    save(tmp_path / "mine.npz", **KERAS)
    assert is_whole(read(tmp_path / "mine.npz"))
    assert is_whole(read(tmp_path, "mine.npz"))
    assert is_whole(read(tmp_path))
    (tmp_path / "zipped").mkdir()
    with zipfile.ZipFile(tmp_path / "zipped" / "a.zip", "w") as archive:
        archive.write(tmp_path / "mine.npz", "folder/mine.npz")
    assert is_whole(read(tmp_path / "zipped" / "a.zip"))


def test_medmnist(tmp_path):
    colour = RNG.integers(0, 256, (24, 28, 28, 3), np.uint8)
    np.savez(
        tmp_path / "bloodmnist.npz",
        **{f"{part}_images": colour for part in ("train", "val", "test")},
        **{f"{part}_labels": LABELS[:, None] for part in ("train", "val", "test")},
    )
    parts = read(tmp_path / "bloodmnist.npz")
    assert np.array_equal(parts.validation.images, colour.transpose(0, 3, 1, 2))
    assert parts.called["validation"] == "val"


def test_arrays_in_files_of_their_own_and_in_folders(tmp_path):
    for name, array in KERAS.items():
        np.save(tmp_path / f"{name}.npy", np.asfortranarray(array))
    assert is_whole(read(tmp_path))
    for name, array in KERAS.items():
        (tmp_path / f"{name}.npy").unlink()
        kind, part = name.split("_")
        (tmp_path / part).mkdir(exist_ok=True)
        np.save(tmp_path / part / ("images" if kind == "x" else "labels"), array)
    assert is_whole(read(tmp_path))


def test_one_of_the_arrays_may_be_named(tmp_path):
    for name, array in KERAS.items():
        np.save(tmp_path / f"{name}.npy", array)
        np.save(tmp_path / f"other_{name}.npy", array + 1)
    tree, options = Folder(tmp_path, ["x_train.npy"]), ReadOptions(chosen="x_train.npy")
    assert FORM.matches(tree, options)
    assert is_whole(FORM.read(tree, options))


def test_a_file_for_each_split(tmp_path):
    np.savez(tmp_path / "train.npz", X=IMAGES, y=LABELS)
    np.savez(tmp_path / "test.npz", X=IMAGES[:8], y=LABELS[:8])
    assert is_whole(read(tmp_path))
    assert is_whole(read(tmp_path, "train.npz"))


def test_files_of_several_data_sets_are_refused_unless_one_is_named(tmp_path):
    for name in ("mine", "yours"):
        np.savez(tmp_path / f"{name}.npz", **KERAS)
    assert "holds mine.npz, yours.npz; name the one to use" in refusal_of(FORM.name, tmp_path)
    assert is_whole(read(tmp_path, "yours.npz"))


class Malicious:
    def __reduce__(self):
        return (pytest.fail, ("code was run",))


def test_pickled_objects_are_never_loaded(tmp_path):
    objects = np.array([Malicious()] * 24, object)
    np.savez(tmp_path / "a.npz", **KERAS, ids=objects)
    parts = read(tmp_path / "a.npz")
    assert is_whole(parts)
    assert parts.notes == ["ids holds Python objects and is left out"]
    np.savez(tmp_path / "a.npz", x=IMAGES, y=objects)
    assert "y holds Python objects, which are never loaded" in refusal_of(
        FORM.name, tmp_path, "a.npz"
    )
    (tmp_path / "a.npz").write_bytes(pickle.dumps(Malicious()))
    assert "cannot be read" in refusal_of(FORM.name, tmp_path, "a.npz")


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_every_truncation_of_a_file_is_refused(tmp_path):
    content, labels = npy(IMAGES), npy(LABELS)
    (tmp_path / "y.npy").write_bytes(labels)
    for length in [*range(0, 140, 7), len(content) - 1, len(content) + 1]:
        (tmp_path / "x.npy").write_bytes((content + b"0")[:length])
        assert "x.npy: " in refusal_of(FORM.name, tmp_path)


def test_a_header_that_lies_is_refused(tmp_path):
    np.save(tmp_path / "y.npy", LABELS)
    for shape in ("(24, 5, 7)", "(-1, -5, 144)", "(24, 5, 6"):
        header = npy(IMAGES).replace(b"(24, 5, 6)", shape.encode().ljust(10))
        (tmp_path / "x.npy").write_bytes(header)
        assert "x.npy: " in refusal_of(FORM.name, tmp_path)


def test_a_damaged_list_of_members_loses_none_in_silence(tmp_path):
    np.savez(tmp_path / "a.npz", **KERAS)
    content = (tmp_path / "a.npz").read_bytes()
    start, refused = content.index(b"PK\1\2"), 0
    for at in range(start, len(content)):
        for bit in (1, 32):
            damaged = bytearray(content)
            damaged[at] ^= bit
            (tmp_path / "a.npz").write_bytes(damaged)
            try:
                assert is_whole(read(tmp_path, "a.npz"))
            except DataError:
                refused += 1
    assert refused > 100
