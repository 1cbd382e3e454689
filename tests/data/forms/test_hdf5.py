"""mnistlab.data.forms.hdf5 against files that h5py writes."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest

from mnistlab.data.file_tree import Folder, open_tree
from mnistlab.data.form import ReadOptions
from mnistlab.data.forms.hdf5 import FORM
from tests.data.forms import read_as, refusal_of

h5py = pytest.importorskip("h5py")

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 8, 9, 3), np.uint8)
LABELS = np.arange(24) % 4


def write(path, arrays, **options):
    with h5py.File(path, "w", **options) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    return path


def is_whole(parts, images=IMAGES):
    assert np.array_equal(parts.train.images, images.transpose(0, 3, 1, 2))
    assert np.array_equal(parts.test.images, images[:8].transpose(0, 3, 1, 2))
    assert parts.train.labels.tolist() == LABELS.tolist()
    assert parts.test.labels.tolist() == LABELS[:8].tolist()
    return True


SPLITS = (IMAGES, LABELS, IMAGES[:8], LABELS[:8])


@pytest.mark.parametrize(
    "names",
    [
        "x_train y_train x_test y_test",
        "train/images train/labels test/images test/labels",
        "data/train/x data/train/y data/test/x data/test/y",
    ],
)
def test_data_sets_and_groups_by_path_in_a_folder_and_in_a_zip(tmp_path, names):
    path = write(tmp_path / "mine.h5", dict(zip(names.split(), SPLITS)))
    assert is_whole(read_as(FORM.name, tmp_path))
    assert is_whole(read_as(FORM.name, tmp_path, "mine.h5"))
    (tmp_path / "other").mkdir()
    with zipfile.ZipFile(tmp_path / "other" / "a.zip", "w") as archive:
        archive.write(path, "folder/mine.h5")
    assert is_whole(read_as(FORM.name, tmp_path / "other" / "a.zip"))


def test_usps(tmp_path):
    digits = RNG.random((24, 256), np.float32)
    digits[0, :2] = 0, 1
    write(
        tmp_path / "usps.h5",
        {
            "train/data": digits,
            "train/target": LABELS,
            "test/data": digits[:8],
            "test/target": LABELS[:8],
        },
    )
    parts = read_as(FORM.name, tmp_path)
    assert np.array_equal(parts.train.images.reshape(24, 256), np.rint(digits * 255.0))
    assert parts.notes == ["pixels are fractions of 0 to 1: scaled to 0 to 255"]


def test_cats_in_two_files_with_the_classes_in_each(tmp_path):
    for part, at in (("train", slice(24)), ("test", slice(8))):
        write(
            tmp_path / f"{part}_catvnoncat.h5",
            {
                f"{part}_set_x": IMAGES[at],
                f"{part}_set_y": LABELS[at] % 2,
                "list_classes": np.array([b"non-cat", b"cat"]),
            },
        )
    parts = read_as(FORM.name, tmp_path)
    assert parts.classes == ("non-cat", "cat")
    assert len(parts.test) == 8


def test_patches_in_a_file_of_images_and_a_file_of_labels(tmp_path):
    for part, at in (("train", slice(24)), ("valid", slice(4)), ("test", slice(8))):
        stem = f"camelyonpatch_level_2_split_{part}"
        write(tmp_path / f"{stem}_x.h5", {"x": IMAGES[at]})
        write(tmp_path / f"{stem}_y.h5", {"y": LABELS[at].reshape(-1, 1, 1, 1)})
    parts = read_as(FORM.name, tmp_path)
    assert is_whole(parts)
    assert len(parts.validation) == 4
    assert parts.called["validation"] == "valid"
    chosen = "camelyonpatch_level_2_split_train_x.h5"
    assert is_whole(FORM.read(Folder(tmp_path, [chosen]), ReadOptions(chosen=chosen)))


def test_words_of_any_length(tmp_path):
    words = np.array(["cat", "dog", "owl", "pig"], object)[LABELS]
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["images"] = IMAGES
        file.create_dataset("labels", data=words, dtype=h5py.string_dtype())
    assert read_as(FORM.name, tmp_path).classes == ("cat", "dog", "owl", "pig")


def test_matlab_reverses_the_axes(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        images = IMAGES.transpose(1, 2, 3, 0)  # In MATLAB (h, w, c, n).
        for name, array in (("X", images), ("y", LABELS[:, None] + 1.0)):
            file.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_(
                array.dtype.name.replace("float64", "double")
            )
        names = [
            file.create_dataset(f"#refs#/{word}", data=np.array([[ord(letter)] for letter in word]))
            for word in ("cat", "dog", "owl", "pig")
        ]
        for name in names:
            name.attrs["MATLAB_class"] = np.bytes_("char")
        cell = file.create_dataset(
            "classes", data=np.array([[name.ref for name in names]], h5py.ref_dtype)
        )
        cell.attrs["MATLAB_class"] = np.bytes_("cell")
    with (tmp_path / "a.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(128))
    parts = read_as(FORM.name, tmp_path)
    assert np.array_equal(parts.train.images, IMAGES.transpose(0, 3, 1, 2))
    assert parts.train.labels.tolist() == LABELS.tolist()
    assert parts.classes == ("cat", "dog", "owl", "pig")


def test_what_lies_in_other_files_is_not_read(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(24 * 8 * 9))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["y"] = LABELS
        file.create_dataset(
            "x", (24, 8, 9), "u1", external=[(str(tmp_path / "secret"), 0, h5py.h5f.UNLIMITED)]
        )
    assert "x lies in another file" in refusal_of(FORM.name, tmp_path)
    write(tmp_path / "b.data", {"x": IMAGES})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["y"] = LABELS
        file["x"] = h5py.ExternalLink(str(tmp_path / "b.data"), "x")
    assert "no images for y" in refusal_of(FORM.name, tmp_path)


def test_a_file_that_promises_more_than_it_holds_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["y"] = LABELS
        file.create_dataset("x", (24, 1 << 16, 1 << 16), "u1", chunks=(1, 1 << 10, 1 << 10))
    assert "would expand to" in refusal_of(FORM.name, tmp_path)


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    path = write(tmp_path / "a.h5", {"x": IMAGES, "y": LABELS})
    content = path.read_bytes()
    for length in (9, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        assert "a.h5: cannot be read as an HDF5 file" in refusal_of(FORM.name, tmp_path)


def test_without_the_extra_one_line_says_how_to_install_it(tmp_path):
    write(tmp_path / "a.h5", {"x": IMAGES, "y": LABELS})
    program = (
        "import sys; sys.modules['h5py'] = None\n"
        "from pathlib import Path\n"
        "from mnistlab.data.file_tree import open_tree\n"
        "from mnistlab.data.form import ReadOptions\n"
        "from mnistlab.data.forms.hdf5 import FORM\n"
        "from mnistlab.errors import DataError\n"
        "try: FORM.read(open_tree(Path(sys.argv[1])), ReadOptions())\n"
        "except DataError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        f"{tmp_path}: HDF5 files need an extra; install it: pip install 'mnistlab[hdf5]'\n"
    )


def test_another_file_of_that_name_is_none(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"no")
    assert not FORM.matches(open_tree(tmp_path), ReadOptions())
