"""The same images in every form in which they may arrive, and every form damaged."""

import bz2
import gzip
import io
import lzma
import tarfile

import numpy as np
import pytest
from PIL import Image

from mnistlab import Recipe, load_dataset, train
from mnistlab.data.bounds import BoundedReader
from mnistlab.data.dataset import undo_draw
from mnistlab.errors import DataError
from tests.data.forms import FORMS, png_bytes, write_tar


@pytest.fixture
def few(small_mnist):
    return [(s.images[:30, 0], s.labels[:30]) for s in (small_mnist.train, small_mnist.test)]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_images(form, few, tmp_path):
    source = FORMS[form](tmp_path, *few)
    dataset = load_dataset(str(source))
    for split, (images, labels) in ((dataset.train, few[0]), (dataset.test, few[1])):
        order = np.argsort(labels, kind="stable") if form == "class folders" else slice(None)
        assert np.array_equal(split.images[:, 0], images[order])
        assert np.array_equal(split.labels, labels[order])
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int64
    assert len(dataset.classes) == 10


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("idx", "mine.npz (NumPy arrays) is not read; name it to use it"),
        ("csv", "mine.npz (NumPy arrays) is not read; name it to use it"),
        ("class folders", "pictures beside the data are not read: "),
    ],
)
def test_what_is_of_another_form_in_a_folder_is_told(form, told, few, tmp_path):
    folder = FORMS[form](tmp_path, *few)
    np.savez(folder / "mine.npz", x=few[0][0], y=few[0][1])
    assert load_dataset(str(folder)).note.count(told) == 1
    assert "not read" not in load_dataset(str(folder / "mine.npz")).note


def test_the_tar_file_itself_may_be_named_and_its_partner_is_found(few, tmp_path):
    folder = FORMS["tar"](tmp_path, *few)
    dataset = load_dataset(str(folder / "train.tar"))
    assert np.array_equal(dataset.test.images[:, 0], few[1][0])
    said = "the test set has no image of 8, so its accuracy says nothing about that class"
    assert dataset.note == said


@pytest.mark.parametrize(
    ("pack", "ending"),
    [
        (gzip.compress, ".tar.gz"),
        (gzip.compress, ".tgz"),
        (bz2.compress, ".TAR.bz2"),
        (lzma.compress, ".tar.xz"),
    ],
    ids=["gz", "tgz", "bz2", "xz"],
)
def test_a_packed_tar_is_read_alone_and_in_its_folder(few, tmp_path, pack, ending):
    folder = FORMS["tar"](tmp_path, *few)
    for part in ("train", "test"):
        file = folder / f"{part}.tar"
        (folder / f"{part}{ending}").write_bytes(pack(file.read_bytes()))
        file.unlink()
    assert np.array_equal(load_dataset(str(folder / f"train{ending}")).test.images[:, 0], few[1][0])


def test_a_training_file_alone_has_a_test_set_held_out(few, tmp_path):
    folder = FORMS["csv"](tmp_path, *few)
    (folder / "test.csv").unlink()
    dataset = load_dataset(str(folder / "train.csv"))
    assert (len(dataset.train), len(dataset.test)) == (21, 9)  # one of each class, at least
    assert "no test set" in dataset.note


def test_kaggles_unlabelled_test_file_is_not_taken_for_a_test_set(few, tmp_path):
    folder = FORMS["csv"](tmp_path, *few)
    lines = (folder / "test.csv").read_text().splitlines()
    (folder / "test.csv").write_text("\n".join(line.partition(",")[2] for line in lines))
    assert "no test set" in load_dataset(str(folder)).note


def test_a_table_without_a_heading_is_read_too(few, tmp_path):
    folder = FORMS["csv"](tmp_path, *few)
    path = folder / "train.csv"
    path.write_text("\n".join(path.read_text().splitlines()[1:]))
    assert np.array_equal(load_dataset(str(path)).train.images[:, 0], few[0][0])


@pytest.mark.parametrize(
    ("place", "named", "called"),
    [
        ("field/digits.npz", "field/digits.npz", "digits"),
        ("field/digits.npz", "field", "field"),
        ("field/train.npz", "field/train.npz", "field"),
        ("field/digits_train.npz", "field/digits_train.npz", "field"),
        # What is known as mnist is MNIST.
        ("field/mnist.npz", "field/mnist.npz", "field/mnist"),
        ("field/mnist/digits.npz", "field/mnist", "field/mnist"),
    ],
)
def test_data_are_called_after_their_file_or_folder(place, named, called, few, tmp_path):
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    np.savez(file, images=few[0][0], labels=few[0][1])
    assert load_dataset(tmp_path / named).name == called


@pytest.mark.parametrize("form", ["csv", "npz"])
@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ((0, 1), "01"),
        ((0, 1, 2), "012"),
        ((1, 2, 3), "123"),
        ((1, 3, 7), "137"),
        ((-1, 1), ("-1", "1")),
        ((0, 2, 5), "0123456789"),
    ],
)
def test_numbers_are_the_same_classes_in_tables_and_arrays(labels, classes, form, tmp_path):
    labels = np.array(labels * 10)
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 4, 4), np.uint8)
    source = tmp_path / f"own.{form}"
    if form == "npz":
        np.savez(source, images=images, labels=labels)
    else:
        rows = [["label", *(f"pixel{place}" for place in range(16))]]
        rows += [[label, *image.ravel()] for label, image in zip(labels, images, strict=True)]
        source.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    dataset = undo_draw(load_dataset(source))
    assert dataset.classes == tuple(classes)
    named = [int(dataset.classes[label]) for label in dataset.train.labels]
    assert named == labels.tolist()
    told = [note for note in dataset.notes if "ten digits" in note]
    assert told == (len(classes) == 10) * [
        "the labels are 0, 2, 5: numbers with gaps are taken for the ten digits, words such as"
        " class1 for classes of their own"
    ]


def test_images_in_a_folder_called_mnist_are_normalised_by_their_own(few, tmp_path):
    folder = tmp_path / "mnist"
    folder.mkdir()
    np.savez(folder / "own.npz", images=255 - few[0][0], labels=few[0][1])
    trained = train(Recipe(model="mlp", epochs=1), load_dataset(folder))
    assert trained.record.model_input.mean[0] > 0.8


def test_pictures_of_any_mode_become_grey(tmp_path):
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    for label, mode in enumerate(["L", "RGB", "P", "1", "RGBA", "I;16", "CMYK"]):
        folder = tmp_path / "set" / str(label)
        folder.mkdir(parents=True)
        image = (
            Image.fromarray(grey.astype(np.uint16) * 257)
            if mode == "I;16"
            else Image.fromarray(grey).convert(mode)
        )
        suffix = "tif" if mode == "CMYK" else "png"
        for number in range(2):
            image.save(folder / f"{number}.{suffix}")
    dataset = load_dataset(str(tmp_path / "set"))
    images = np.concatenate([dataset.train.images, dataset.test.images])
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    for label in (0, 1, 2, 4, 5, 6):
        assert np.abs(images[labels == label].astype(int) - grey).max() <= 1
    assert set(np.unique(images[labels == 3])) <= {0, 255}


def test_transparency_lies_on_white_paper(tmp_path):
    ink = np.zeros((8, 8, 4), np.uint8)
    ink[2:4, 2:4, 3] = 255
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(4):
            Image.fromarray(ink).save(tmp_path / name / f"{number}.png")
    image = load_dataset(str(tmp_path)).train.images[0, 0]
    assert image[2, 2] == 0
    assert image[0, 0] == 255


def test_class_names_are_kept_in_order(tmp_path):
    for part in ("train", "test"):
        for name in ("10", "9", "cat"):
            (tmp_path / part / name).mkdir(parents=True)
            Image.new("L", (8, 8)).save(tmp_path / part / name / "a.png")
    assert load_dataset(str(tmp_path)).classes == ("9", "10", "cat")


def damaged_tar(folder):
    write_tar(folder / "train.tar", [("00001_3.png", b"not a picture")])


def short_png_in_tar(folder):
    good = png_bytes(np.random.default_rng(0).integers(0, 255, (28, 28), np.uint8))
    write_tar(
        folder / "train.tar", [("00001_3.png", good), ("00002_4.png", good[: len(good) // 2])]
    )


def truncated_tar(folder):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        content = png_bytes(np.zeros((28, 28), np.uint8))
        entry = tarfile.TarInfo("1_3.png")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    (folder / "train.tar").write_bytes(buffer.getvalue()[:550])


def csv(text):
    return lambda folder: (folder / "train.csv").write_text(text)


def two_sets(folder):
    for name in ("a-train-images-idx3", "b-train-images-idx3"):
        (folder / name).write_bytes(b"")


DAMAGES = {
    "broken picture in a tar": (damaged_tar, "train.tar: 00001_3.png (not a picture that is read"),
    "half a picture in a tar": (short_png_in_tar, "1 of 2 pictures are damaged: "),
    "and how to go on": (short_png_in_tar, "--skip-damaged or --set skip_damaged=true"),
    "truncated tar": (truncated_tar, "train.tar: "),
    "no tar at all": (
        lambda f: (f / "train.tar").write_bytes(b"x" * 2000),
        "train.tar: cannot be read as a tar file",
    ),
    "empty tar": (
        lambda f: write_tar(f / "train.tar", []),
        "train.tar: no data: there is no file in it",
    ),
    "bad name in a tar": (
        lambda f: write_tar(f / "train.tar", [("cat.png", png_bytes(np.zeros((2, 2), np.uint8)))]),
        "holds pictures, but nothing tells their classes",
    ),
    "csv with a word": (
        csv("label,p0,p1,p2,p3\n1,0,0,zero,0\n"),
        "train.csv: data row 1, column 'p2' is 'zero'",
    ),
    "csv with a short row": (
        csv("label,p0,p1,p2,p3\n1,0,0,0,0\n1,0,0\n"),
        "train.csv: data row 2 has 3 cells",
    ),
    "csv with a pixel of 256": (
        csv("label,p0,p1,p2,p3\n1,0,256,0,0\n"),
        "data row 1, column 'p1' is 256",
    ),
    "csv with a negative label": (csv("label,p0,p1,p2,p3\n-1,0,0,0,0\n"), "has label -1"),
    "csv of no square": (csv("label,p0,p1\n1,0,0\n"), "2 pixel columns do not make a square"),
    "csv without labels": (
        csv("pixel0,pixel1,pixel2,pixel3\n1,0,0,0\n"),
        "no column is named label",
    ),
    "csv with a heading only": (csv("label,p0,p1,p2,p3\n"), "train.csv: has a header but no rows"),
    "empty csv": (csv(""), "train.csv: "),
    "npz that is no zip": (
        lambda f: (f / "mnist.npz").write_bytes(b"PK\3\4 no"),
        "mnist.npz: cannot be read",
    ),
    "npz that needs pickle": (
        lambda f: np.savez(
            f / "a.npz", x_train=np.array([{}]), y_train=[0], x_test=[0], y_test=[0]
        ),
        "a.npz: cannot be read",
    ),
    "npz that lacks an array": (
        lambda f: np.savez(f / "a.npz", x_train=np.zeros(1)),
        "no labels for x_train; it holds x_train (1,) float64: name them x_train, y_train",
    ),
    "npz of labels that are pictures": (
        lambda f: np.savez(
            f / "a.npz",
            **{f"{k}_{p}": np.zeros((2, 4, 4)) for k in "xy" for p in ("train", "test")},
        ),
        "y_train: labels of shape (2, 4, 4) and type float64; expected one label for each image",
    ),
    "empty folder": (lambda f: None, "no data: there is no file in it"),
    "pictures of one class": (
        lambda f: (f / "0.PNG").write_bytes(b""),
        "holds pictures, but nothing tells their classes",
    ),
    "class folder without pictures": (
        lambda f: (f / "0").mkdir(),
        "the folder 0 is empty",
    ),
    "two sets of IDX files": (
        two_sets,
        "holds a-train-images-idx3, b-train-images-idx3; keep one set",
    ),
    "one IDX file of four": (
        lambda f: (f / "train-images-idx3-ubyte").write_bytes(b""),
        "the training set has no labels file",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_in_one_line(damage, tmp_path):
    cause, message = DAMAGES[damage]
    folder = tmp_path / "data"
    folder.mkdir()
    cause(folder)
    with pytest.raises(DataError) as caught:
        load_dataset(str(folder))
    assert message in str(caught.value)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("form", ["tar", "csv", "npz", "idx.gz"])
def test_no_truncation_passes_for_data_or_crashes(form, few, tmp_path):
    source = FORMS[form](tmp_path, *few)
    whole = load_dataset(str(source)).fingerprint
    file = (
        source if source.is_file() else max(source.iterdir(), key=lambda path: path.stat().st_size)
    )
    content, messages = file.read_bytes(), []
    for length in np.linspace(0, len(content) - 1, 40, dtype=int):
        file.write_bytes(content[:length])
        try:
            dataset = load_dataset(str(source))
        except DataError as error:
            messages.append(str(error))
        else:
            # A tar's closing zeros go without loss. A table cut in its last line cannot be told
            # from a whole one.
            assert form == "csv" or dataset.fingerprint == whole
            kept = [(s.images[:-1], s.labels[:-1]) for s in (dataset.train, dataset.test)]
            for (images, labels), (all_images, all_labels) in zip(kept, few, strict=True):
                assert np.array_equal(images[:, 0], all_images[: len(images)])
                assert np.array_equal(labels, all_labels[: len(labels)])
    assert messages
    assert all(str(source) in message for message in messages)


def test_a_name_that_is_nothing_suggests_a_near_one():
    with pytest.raises(
        DataError,
        match=r"fashon-mnist: no such file, folder or data set; did you mean fashion-mnist\?",
    ):
        load_dataset("fashon-mnist")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "data.gz").write_bytes(gzip.compress(b"x"))
    with pytest.raises(DataError, match="not a known form of data"):
        load_dataset(str(tmp_path / "data.gz"))


def test_a_bounded_reader_gives_all_that_is_left_but_nothing_beyond_its_bound(tmp_path):
    for bound in (9, 10, 11):
        reader = BoundedReader(io.BytesIO(b"0123456789"), bound, tmp_path)
        assert reader.read(2) == b"01"
        if bound < 10:
            with pytest.raises(DataError, match="would expand to more than 9 bytes"):
                reader.read()
        else:
            assert reader.read() == b"23456789"
