"""mnistlab.data.forms.idx against files written by hand, under the names that people give them."""

import gzip
import tarfile
import zipfile

import numpy as np
import pytest

from mnistlab.data.file_tree import Folder
from mnistlab.data.form import ReadOptions
from mnistlab.data.forms.idx import FORM
from tests.data.forms import read_as, refusal_of

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 5, 6), np.uint8)
LABELS = (np.arange(24) % 4).astype(np.uint8)


def idx(array):
    code = {"u1": 8, ">i4": 12}[array.dtype.str.lstrip("|")]
    return (
        bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()
    )


def write(folder, names, images=IMAGES, labels=LABELS, pack=bytes):
    contents = (idx(images), idx(labels), idx(images[:8]), idx(labels[:8]))
    for name, content in zip(names.split(), contents):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack(content))
    return folder


def is_whole(parts, images=IMAGES):
    assert np.array_equal(parts.train.images.reshape(images.shape), images)
    assert np.array_equal(parts.test.images.reshape(-1, *images.shape[1:]), images[:8])
    assert parts.train.labels.tolist() == LABELS.tolist()
    assert parts.test.labels.tolist() == LABELS[:8].tolist()
    return True


PUBLISHED = (
    "train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte"
)


@pytest.mark.parametrize(
    "names",
    [
        PUBLISHED,
        PUBLISHED.replace("-idx", ".idx"),
        "emnist-digits-train-images-idx3-ubyte emnist-digits-train-labels-idx1-ubyte"
        " emnist-digits-test-images-idx3-ubyte emnist-digits-test-labels-idx1-ubyte",
        "trainImages.idx trainLabels.idx testImages.idx testLabels.idx",
        "train_images train_labels test_images test_labels",
        "train/images.bin train/labels.bin test/images.bin test/labels.bin",
        "x_train.idx3 y_train.idx1 x_test.idx3 y_test.idx1",
        "MNIST/raw/train-images-idx3-ubyte MNIST/raw/train-labels-idx1-ubyte"
        " MNIST/raw/t10k-images-idx3-ubyte MNIST/raw/t10k-labels-idx1-ubyte",
    ],
)
def test_names_in_many_manners_packed_or_not(tmp_path, names):
    assert is_whole(read_as(FORM.name, write(tmp_path / "plain", names)))
    packed = " ".join(f"{name}.gz" for name in names.split())
    assert is_whole(read_as(FORM.name, write(tmp_path / "packed", packed, pack=gzip.compress)))
    assert is_whole(read_as(FORM.name, write(tmp_path / "plain", packed, pack=gzip.compress)))


def test_in_a_zip_and_in_a_tar(tmp_path):
    write(tmp_path / "mnist", PUBLISHED)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in (tmp_path / "mnist").iterdir():
            archive.write(path, f"mnist/{path.name}")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "mnist", "mnist")
    assert is_whole(read_as(FORM.name, tmp_path / "a.zip"))
    assert is_whole(read_as(FORM.name, tmp_path / "a.tar.gz"))


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (0, 2, 3, 1)])
def test_colour(tmp_path, axes):
    colour = RNG.integers(0, 256, (24, 3, 8, 9), np.uint8)
    folder = write(tmp_path, PUBLISHED.replace("idx3", "idx4"), colour.transpose(axes))
    assert is_whole(read_as(FORM.name, folder), colour)


def test_a_pair_to_train_on_alone_has_no_test_set(tmp_path):
    write(tmp_path, "train-images-idx3-ubyte train-labels-idx1-ubyte")
    assert read_as(FORM.name, tmp_path).test is None
    (tmp_path / "more").mkdir()
    assert read_as(FORM.name, write(tmp_path / "more", "images.idx labels.idx")).test is None


def test_letters_have_the_names_of_their_mapping_and_lie_as_in_the_file(tmp_path):
    names = PUBLISHED.replace("train", "emnist-letters-train").replace(
        "t10k", "emnist-letters-test"
    )
    write(tmp_path, names, labels=LABELS + 1)
    parts = read_as(FORM.name, tmp_path)
    assert parts.classes == ("1", "2", "3", "4")
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97 \n2 66 98\n3 67 99\n4 68 100\n")
    parts = read_as(FORM.name, tmp_path)
    assert is_whole(parts)
    assert parts.classes == tuple("ABCD")
    assert any("on their side" in note for note in parts.notes)


def test_of_several_fields_a_label_the_first_is_the_class(tmp_path):
    fields = np.stack([LABELS, np.arange(24)], axis=1).astype(">i4")
    names = PUBLISHED.replace("labels-idx1-ubyte", "labels-idx2-int")
    parts = read_as(FORM.name, write(tmp_path, names, labels=fields))
    assert is_whole(parts)
    assert parts.notes == ["labels have 2 numbers each, of which the first is the class"]


def test_several_sets_in_a_folder_are_refused_unless_one_is_named(tmp_path):
    for name in ("balanced", "digits"):
        names = PUBLISHED.replace("train", f"emnist-{name}-train").replace("t10k", f"{name}-test")
        write(tmp_path, names.replace(f" {name}-", f" emnist-{name}-"))
    assert "keep one set in a folder" in refusal_of(FORM.name, tmp_path)
    assert is_whole(read_as(FORM.name, tmp_path, "emnist-digits-train-images-idx3-ubyte"))


def test_one_file_of_a_set_may_be_named_and_the_others_are_found_beside_it(tmp_path):
    write(tmp_path, PUBLISHED)
    write(tmp_path, PUBLISHED.replace("train-", "other-train-").replace("t10k", "other-test"))
    for chosen in PUBLISHED.split():
        tree, options = Folder(tmp_path, [chosen]), ReadOptions(chosen=chosen)
        assert FORM.matches(tree, options)
        assert is_whole(FORM.read(tree, options))


@pytest.mark.parametrize("missing", PUBLISHED.split())
def test_a_file_that_is_missing_is_named(tmp_path, missing):
    write(tmp_path, PUBLISHED)
    (tmp_path / missing).unlink()
    assert f"for example {missing}" in refusal_of(FORM.name, tmp_path)


def test_counts_that_differ_and_damage_are_refused(tmp_path):
    write(tmp_path, PUBLISHED, labels=LABELS[:20])
    assert "but 20 labels" in refusal_of(FORM.name, tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS)[:-1])
    assert "the header promises 24 bytes, but the file holds 23" in refusal_of(FORM.name, tmp_path)
