"""Tables of pixels in every notation, each either read exactly or refused in one line."""

import bz2
import gzip
import lzma
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mnistlab import load_dataset
from mnistlab.data.file_tree import Folder, Zip
from mnistlab.data.form import ReadOptions
from mnistlab.data.forms.pixel_table import FORM
from mnistlab.errors import DataError

WORDS = ("ant", "bee", "cat")


def drawn(count=60, side=5, classes=3, channels=1, seed=0):
    """Images with a black edge, as drawings have it, and labels that all occur."""
    random = np.random.default_rng(seed)
    images = np.zeros((count, channels, side, side), np.uint8)
    inside = slice(1, side - 1)
    images[:, :, inside, inside] = random.integers(
        0, 256, (count, channels, side - 2, side - 2), np.uint8
    )
    return images, random.permutation(np.arange(count) % classes)


def rows_of(images, labels, last=False, words=None):
    cells = [list(map(str, row)) for row in images.reshape(len(images), -1).tolist()]
    labels = [words[label] if words else str(label) for label in labels]
    return [[*row, label] if last else [label, *row] for row, label in zip(cells, labels)]


def header_of(rows, last=False, label="label"):
    names = [f"pixel{place}" for place in range(len(rows[0]) - 1)]
    return [*names, label] if last else [label, *names]


def text_of(rows, separator=","):
    return "".join(separator.join(row) + "\n" for row in rows)


def read(path, chosen=""):
    if path.is_file():
        path, chosen = path.parent, path.name
    tree, options = Folder(path, [chosen] if chosen else None), ReadOptions(chosen=chosen)
    assert FORM.matches(tree, options)
    return FORM.read(tree, options)


def same(split, images, labels):
    assert split.images.dtype == np.uint8
    assert split.labels.dtype == np.int64
    assert np.array_equal(split.images, images)
    assert np.array_equal(split.labels, labels)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", ", ", "   "])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("header", [False, True])
def test_every_separator_with_and_without_header(tmp_path, separator, last, header):
    images, labels = drawn()
    rows = rows_of(images, labels, last)
    if header:
        rows.insert(0, header_of(rows, last))
    (tmp_path / "digits.csv").write_text(text_of(rows, separator))
    parts = read(tmp_path / "digits.csv")
    same(parts.train, images, labels)
    assert parts.classes is None
    told = any(("last" if last else "first") + " column" in note for note in parts.notes)
    assert told is not header


@pytest.mark.parametrize("name", ["label", "Class", " TARGET ", "y", "digit", "Letter", "labels"])
@pytest.mark.parametrize("place", [0, 7, 25])
def test_a_label_column_is_found_by_its_name_anywhere(tmp_path, name, place):
    images, labels = drawn()
    rows = [row[1:] for row in rows_of(images, labels)]
    names = [f"pixel{pixel}" for pixel in range(25)]
    for row, label in zip([names, *rows], [name, *map(str, labels)]):
        row.insert(place, label)
    (tmp_path / "a.csv").write_text(text_of([names, *rows]))
    same(read(tmp_path / "a.csv").train, images, labels)


def test_a_column_of_another_name_than_the_pixels_is_the_label_and_this_is_said(tmp_path):
    images, labels = drawn()
    rows = rows_of(images, labels)
    (tmp_path / "a.csv").write_text(text_of([header_of(rows, label="kanji"), *rows]))
    parts = read(tmp_path / "a.csv")
    same(parts.train, images, labels)
    assert parts.notes == ("column 'kanji' of a.csv is taken as the label",)


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_words_are_classes_in_order(tmp_path, header, last):
    images, labels = drawn()
    rows = rows_of(images, labels, last, WORDS[::-1])
    if header:
        rows.insert(0, header_of(rows, last))
    (tmp_path / "a.csv").write_text(text_of(rows))
    parts = read(tmp_path / "a.csv")
    assert parts.classes == WORDS
    same(parts.train, images, 2 - labels)


def test_numbers_with_gaps_are_names_and_digits_stay_digits(tmp_path):
    images, labels = drawn()
    for factor, classes, numbers in ((3, None, labels * 3), (7, ("0", "7", "14"), labels)):
        rows = rows_of(images, labels * factor)
        (tmp_path / "a.csv").write_text(text_of([header_of(rows), *rows]))
        parts = read(tmp_path / "a.csv")
        assert parts.classes == classes
        same(parts.train, images, numbers)


@pytest.mark.parametrize(
    ("index", "start"), [("", 0), ("Unnamed: 0", 0), ("id", 1), ("index", 0), ("ID", 40)]
)
def test_a_column_that_numbers_the_rows_is_not_used_and_this_is_said(tmp_path, index, start):
    images, labels = drawn()
    rows = rows_of(images, labels)
    names = [index, *header_of(rows)]
    rows = [[str(start + place), *row] for place, row in enumerate(rows)]
    (tmp_path / "a.csv").write_text(text_of([names, *rows]))
    parts = read(tmp_path / "a.csv")
    same(parts.train, images, labels)
    assert "only numbers the rows" in parts.notes[0]


def test_without_header_a_column_that_counts_is_recognised_too(tmp_path):
    images, labels = drawn()
    rows = [[str(place), *row] for place, row in enumerate(rows_of(images, labels))]
    (tmp_path / "a.csv").write_text(text_of(rows))
    parts = read(tmp_path / "a.csv")
    same(parts.train, images, labels)
    assert "only numbers the rows" in parts.notes[0]


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)],
)
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".txt", ".data", ".CSV"])
def test_packed_tables_of_every_name_also_in_a_zip(tmp_path, suffix, pack, ending):
    images, labels = drawn()
    rows = rows_of(images, labels)
    content = pack(text_of([header_of(rows), *rows]).encode())
    (tmp_path / f"train{ending}{suffix}").write_bytes(content)
    same(read(tmp_path / f"train{ending}{suffix}").train, images, labels)
    same(read(tmp_path).train, images, labels)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"inner/digits{ending}{suffix}", content)
    tree = Zip(tmp_path / "a.zip")
    assert FORM.matches(tree, ReadOptions())
    same(FORM.read(tree, ReadOptions()).train, images, labels)


ENCODINGS = {
    "UTF-8 with BOM": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "no end of line": lambda text: text.rstrip("\n").encode(),
    "blank lines": lambda text: text.replace("\n", "\n\n").encode(),
    "ends of rows with a separator": lambda text: text.replace("\n", ",\n").encode(),
    "quotes": lambda text: "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.split()
    ).encode(),
    "spaces": lambda text: text.replace(",", " , ").encode(),
    "decimals": lambda text: text.replace(",", ".0,").replace("label.0", "label").encode(),
    "exponents": lambda text: text.replace("0,", "0e+00,").replace("l0e+00", "l0").encode(),
    "Excel": lambda text: b"sep=;\n" + text.replace(",", ";").encode(),
    "comment": lambda text: b"# " + text.encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_notation_of_text(tmp_path, encoding):
    images, labels = drawn()
    rows = rows_of(images, labels)
    (tmp_path / "a.csv").write_bytes(ENCODINGS[encoding](text_of([header_of(rows), *rows])))
    same(read(tmp_path / "a.csv").train, images, labels)


@pytest.mark.parametrize("separator", [",", ";"])
def test_fractions_are_scaled_and_this_is_said(tmp_path, separator):
    images, labels = drawn()
    fractions = [
        [
            str(label),
            *(f"{pixel / 255:.6f}".replace(".", "." if separator == "," else ",") for pixel in row),
        ]
        for label, row in zip(labels, images.reshape(60, -1).tolist())
    ]
    (tmp_path / "a.csv").write_text(text_of([header_of(fractions), *fractions], separator))
    parts = read(tmp_path / "a.csv")
    same(parts.train, images, labels)
    assert "pixels from 0 to 1 are scaled to 0 to 255" in parts.notes


@pytest.mark.parametrize(
    ("low", "high", "note"),
    [(-1, 1, "from -1 to 1 are scaled"), (0, 1, "from 0 to 1 are scaled")],
)
def test_numpys_own_notation_without_header(tmp_path, low, high, note):
    images, labels = drawn()
    values = images.reshape(60, -1) / 255 * (high - low) + low
    np.savetxt(tmp_path / "zip.train", np.column_stack([labels, values]))
    parts = read(tmp_path / "zip.train")
    same(parts.train, images, labels)
    assert any(note in said for said in parts.notes)


def test_ucis_digits_are_scaled_by_what_they_count(tmp_path):
    random = np.random.default_rng(0)
    parts = {}
    for name, count in (("optdigits.tra", 90), ("optdigits.tes", 40)):
        counts = np.zeros((count, 8, 8), int)
        counts[:, :, 1:-1] = random.integers(0, 17, (count, 8, 6))
        labels = random.permutation(np.arange(count) % 10)
        parts[name] = counts, labels
        (tmp_path / name).write_text(text_of(rows_of(counts, labels, last=True)))
    found = read(tmp_path)
    for split, (counts, labels) in zip((found.train, found.test), parts.values()):
        same(split, np.rint(counts[:, None] * 255 / 16), labels)
    assert "pixels from 0 to 16 are scaled to 0 to 255" in found.notes


def smooth(count=40, side=8):
    """Images in colour whose neighbouring pixels are alike."""
    random = np.random.default_rng(1)
    ramps = np.add.outer(np.arange(side), np.arange(side)) * 8
    starts = random.integers(0, 120, (count, 3, 1, 1))
    return (ramps + starts).astype(np.uint8), random.permutation(np.arange(count) % 2)


COLOURS = {
    "planes": (lambda i: i, lambda p: f"pixel{p}", "a plane of red, then green, then blue"),
    "pixels": (lambda i: i.transpose(0, 2, 3, 1), lambda p: f"pixel{p}", "looks like a picture"),
    "named planes": (
        lambda i: i,
        lambda p: f"{'rgb'[p // 64]}{p % 64}",
        "as the columns are named",
    ),
    "blue first": (
        lambda i: i[:, ::-1],
        lambda p: f"px_{'bgr'[p // 64]}_{p % 64}",
        "as the columns are named",
    ),
    "named pixels": (
        lambda i: i.transpose(0, 2, 3, 1),
        lambda p: f"{('Red', 'Green', 'Blue')[p % 3]}_{p // 3}",
        "as the columns are named",
    ),
    "numbered": (
        lambda i: i.transpose(0, 2, 3, 1),
        lambda p: f"p_{p // 24}_{p // 3 % 8}_{p % 3}",
        "as the columns are named",
    ),
}


@pytest.mark.parametrize("order", COLOURS)
def test_colours_in_every_order(tmp_path, order):
    images, labels = smooth()
    arrange, name, note = COLOURS[order]
    rows = rows_of(np.ascontiguousarray(arrange(images)), labels, last=True)
    names = [*map(name, range(192)), "label"]
    (tmp_path / "a.csv").write_text(text_of([names, *rows]))
    parts = read(tmp_path / "a.csv")
    same(parts.train, images, labels)
    assert note in parts.notes[-1]


@pytest.mark.parametrize("order", ["planes", "pixels"])
@pytest.mark.parametrize("tint", [(0, 0, 0), (20, 90, 160)], ids=["grey", "coloured"])
def test_colours_of_grainy_photographs(tmp_path, order, tint):
    random = np.random.default_rng(2)
    ramps = np.add.outer(np.arange(16) * 4, np.arange(16) * 2) + np.reshape(tint, (3, 1, 1))
    images = (ramps + random.integers(0, 9, (30, 1, 16, 16))).astype(np.uint8)
    arrange, name, note = COLOURS[order]
    labels = np.arange(30) % 2
    rows = rows_of(np.ascontiguousarray(arrange(images)), labels, last=True)
    (tmp_path / "a.csv").write_text(text_of([[*map(name, range(768)), "label"], *rows]))
    parts = read(tmp_path / "a.csv")
    same(parts.train, images, labels)
    assert note in parts.notes[-1]


def test_without_evidence_colours_are_plane_by_plane(tmp_path):
    images, labels = drawn(channels=3)
    rows = rows_of(images, labels)
    (tmp_path / "a.csv").write_text(text_of([header_of(rows), *rows]))
    parts = read(tmp_path / "a.csv")
    same(parts.train, images, labels)
    assert "a plane of red, then green, then blue" in parts.notes[-1]


def test_columns_in_the_order_of_their_names_as_text_are_put_right(tmp_path):
    images, labels = drawn()
    names = [f"pixel{place}" for place in range(25)]
    order = sorted(range(25), key=names.__getitem__)
    rows = rows_of(images.reshape(60, -1)[:, order], labels)
    (tmp_path / "a.csv").write_text(text_of([["label", *(names[p] for p in order)], *rows]))
    parts = read(tmp_path / "a.csv")
    same(parts.train, images, labels)
    assert "put into the order" in parts.notes[0]


def test_a_misspelt_number_moves_no_pixels(tmp_path):
    images, labels = drawn()
    rows = rows_of(images, labels)
    header = header_of(rows)
    header[4] = "pixel73"
    (tmp_path / "a.csv").write_text(text_of([header, *rows]))
    with pytest.raises(DataError, match=r"a.csv: .* between pixel2 and pixel4 .* missing"):
        read(tmp_path / "a.csv")
    del header[4:]
    header += [f"pixel{3 * place}" for place in range(3, 25)]
    (tmp_path / "a.csv").write_text(text_of([header, *rows]))
    same(read(tmp_path / "a.csv").train, images, labels)


@pytest.mark.parametrize("name", ["{0}x{1}", "pixel_{0}_{1}", "r{0}c{1}"])
def test_names_that_tell_rows_and_columns_make_oblong_images(tmp_path, name):
    images = drawn(side=6)[0][:, :, :4]
    labels = drawn()[1]
    names = [name.format(row + 1, column + 1) for row in range(4) for column in range(6)]
    (tmp_path / "a.csv").write_text(text_of([["label", *names], *rows_of(images, labels)]))
    same(read(tmp_path / "a.csv").train, images, labels)


def test_emnists_tables_are_turned_and_this_is_said(tmp_path):
    images, labels = drawn()
    rows = rows_of(np.ascontiguousarray(images.swapaxes(2, 3)), labels)
    for part in ("train", "test"):
        (tmp_path / f"emnist-letters-{part}.csv").write_text(text_of(rows))
    parts = read(tmp_path)
    same(parts.train, images, labels)
    same(parts.test, images, labels)
    assert any("transposed, which was undone" in note for note in parts.notes)


@pytest.mark.parametrize("pattern", ['{},"{}",{}', "{},{},{}", '{},"[{}]",{}'])
def test_fer2013_with_pixels_in_one_cell_and_its_splits(tmp_path, pattern):
    images, labels = drawn(90)
    usage = ["Training"] * 60 + ["PublicTest"] * 20 + ["PrivateTest"] * 10
    text = "emotion,pixels,Usage\n" + "".join(
        pattern.format(label, " ".join(map(str, image.ravel())), use) + "\n"
        for image, label, use in zip(images, labels, usage)
    )
    (tmp_path / "fer2013.csv").write_text(text)
    parts = read(tmp_path)
    same(parts.train, images[:60], labels[:60])
    same(parts.validation, images[60:80], labels[60:80])
    same(parts.test, images[80:], labels[80:])
    assert parts.called == {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}


def test_a_column_of_splits_divides_a_table(tmp_path):
    images, labels = drawn()
    rows = [
        [*row, ("train", "VAL", "Test")[place // 20]]
        for place, row in enumerate(rows_of(images, labels))
    ]
    (tmp_path / "a.csv").write_text(text_of([[*header_of(rows)[:-1], "split"], *rows]))
    parts = read(tmp_path)
    same(parts.train, images[:20], labels[:20])
    same(parts.validation, images[20:40], labels[20:40])
    same(parts.test, images[40:], labels[40:])


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train.csv", "test.csv"),
        ("mnist_train.csv", "mnist_test.csv"),
        ("sign/sign_mnist_train.csv", "sign/sign_mnist_test.csv"),
        ("Train/data.csv", "Test/data.csv"),
        ("fashion-mnist_TRAIN.csv.gz", "fashion-mnist_TEST.csv"),
    ],
)
def test_tables_of_splits_are_told_by_their_names(tmp_path, train, test):
    for name, seed in ((train, 0), (test, 1)):
        rows = rows_of(*drawn(seed=seed))
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        content = text_of([header_of(rows), *rows]).encode()
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n2,0\n")
    parts = read(tmp_path)
    same(parts.train, *drawn(seed=0))
    same(parts.test, *drawn(seed=1))


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("index", [True, False])
def test_kaggles_test_table_without_labels_is_not_used_and_this_is_said(tmp_path, header, index):
    rows = rows_of(*drawn())
    names = [header_of(rows)] if header else []
    (tmp_path / "train.csv").write_text(text_of([*names, *rows]))
    bare = [row[1:] for row in [*names, *rows]]
    if index and header:
        bare = [["id", *bare[0]], *([str(n), *row] for n, row in enumerate(bare[1:]))]
    (tmp_path / "test.csv").write_text(text_of(bare))
    parts = read(tmp_path)
    assert parts.test is None
    assert "test.csv has no labels and is not used" in parts.notes


def test_a_short_test_table_without_header_has_the_columns_of_training(tmp_path):
    images, labels = drawn()
    (tmp_path / "train.csv").write_text(text_of(rows_of(images, labels, last=True)))
    (tmp_path / "test.csv").write_text(text_of(rows_of(images[:2], labels[:2], last=True)))
    same(read(tmp_path).test, images[:2], labels[:2])


def test_a_header_that_pandas_made_of_an_image_is_no_image(tmp_path):
    images, labels = drawn()
    rows = rows_of(images, labels)
    seen: dict[str, int] = {}
    names = []
    for cell in rows[0]:
        names.append(f"{cell}.{seen[cell]}" if cell in seen else cell)
        seen[cell] = seen.get(cell, 0) + 1
    (tmp_path / "a.csv").write_text(text_of([names, *rows]))
    parts = read(tmp_path)
    same(parts.train, images, labels)
    assert any("pandas made the first row" in note for note in parts.notes)


def test_pandas_own_names_are_a_header(tmp_path):
    images, labels = drawn()
    rows = rows_of(images, labels)
    for names in (map(str, range(26)), ["label", *map(str, range(25))]):
        (tmp_path / "a.csv").write_text(text_of([list(names), *rows]))
        same(read(tmp_path / "a.csv").train, images, labels)


ROW = "1,0,0,0,0"
DAMAGES = {
    "empty": ("", "a.csv: is empty"),
    "a header alone": ("label,p0,p1,p2,p3\n", "a.csv: has a header but no rows"),
    "a word": (f"label,p0,p1,p2,p3\n{ROW}\n1,0,0,zero,0\n", "data row 2, column 'p2' is 'zero'"),
    "a missing cell": (f"label,p0,p1,p2,p3\n{ROW}\n1,0,,0,0\n", "row 2, column 'p1' is missing"),
    "NaN": (f"label,p0,p1,p2,p3\n{ROW}\n1,0,0,NaN,0\n", "data row 2, column 'p2' is"),
    "a short row": (
        f"label,p0,p1,p2,p3\n{ROW}\n1,0,0\n",
        "data row 2 has 3 cells, and the first row has 5",
    ),
    "a long row": (f"label,p0,p1,p2,p3\n{ROW}\n{ROW},3\n", "data row 2 has 6 cells"),
    "256": ("label,p0,p1,p2,p3\n1,0,256,0,0\n", "data row 1, column 'p1' is 256"),
    "a negative pixel": ("label,p0,p1,p2,p3\n1,0,9,-3,0\n", "data row 1, column 'p2' is -3"),
    "a negative label": ("label,p0,p1,p2,p3\n-1,0,0,0,0\n", "data row 1 has label -1"),
    "a label that means none": (
        "label,p0,p1,p2,p3\nNA,0,0,0,0\n",
        "data row 1 has label 'NA', which means that it is missing; delete the row or fill it in",
    ),
    "no label": ("label,p0,p1,p2,p3\n,0,0,0,0\n", "data row 1 has no label"),
    "a quantity": ("label,p0,p1,p2,p3\n0.73,0,0,0,0\n", "has label 0.73: a quantity, not a class"),
    "no square": ("label,p0,p1\n1,0,0\n", "2 pixel columns do not make a square"),
    "no label column": ("p0,p1,p2,p3\n0,0,0,0\n", "no column is named label"),
    "two label columns": (
        "label,class,p0,p1,p2,p3\n0,1,0,0,0,0\n",
        "label, class could be the label",
    ),
    "one row": (f"{ROW}\n", "no column is named label, and whether the first or the last"),
    "an unclear label": ("0,0,0,0,0\n1,1,1,1,1\n" * 20, "add a header such as label,pixel0"),
    "another count": ("7,0,0,0,0,0,0\n" * 20, "no column is named label, and 7 columns"),
    "colons": ("label:p0:p1\n" + "1:0:0\n" * 3, "a.csv: "),
    "no UTF-8": ("label,p0,p1,p2,p3\n\udce4,0,0,0,0\n", "is not UTF-8 text"),
    "zero bytes": ("label,p0,p1,p2,p3\n1,0,\0,0,0\n", "zero bytes"),
    "a column of splits that names none": (
        "label,split,p0,p1,p2,p3\n" + "1,train,0,0,0,0\n" * 30 + "1,tain,0,0,0,0\n",
        "data row 31 has split 'tain'",
    ),
    "strings of unequal length": ("label,pixels\n1,0 0 0 0\n1,0 0 0 0 0\n", "row 2 has 5 pixels"),
    "a word among pixels": ("label,pixels\n1,0 0 0 0\n" * 11 + "1,0 0 x 0\n", "pixel"),
    "a wide header": (
        ":".join(f"pixel{place}" for place in range(784)) + "\n" + ":".join("0" * 784) + "\n",
        "its first row is one cell",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_in_one_short_line(damage, tmp_path):
    text, message = DAMAGES[damage]
    (tmp_path / "a.csv").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataError) as caught:
        read(tmp_path / "a.csv")
    assert message in str(caught.value)
    assert str(tmp_path / "a.csv") in str(caught.value)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 300


def test_parts_on_different_scales_are_refused(tmp_path):
    images, labels = drawn()
    rows = rows_of(images, labels)
    (tmp_path / "train.csv").write_text(text_of([header_of(rows), *rows]))
    dark = rows_of(images / 255, labels)
    (tmp_path / "test.csv").write_text(text_of([header_of(rows), *dark]))
    with pytest.raises(DataError, match="use one scale for all"):
        read(tmp_path)


def test_a_test_label_that_training_lacks_is_named(tmp_path):
    images, labels = drawn()
    for part, words in (("train", WORDS), ("test", ("ant", "bee", "dog"))):
        rows = rows_of(images, labels, words=words)
        (tmp_path / f"{part}.csv").write_text(text_of([header_of(rows), *rows]))
    with pytest.raises(DataError, match="label 'dog' is not among the training labels"):
        read(tmp_path)


def test_several_tables_of_one_split_are_to_be_chosen_from(tmp_path):
    rows = rows_of(*drawn())
    for name in ("a_train.csv", "b_train.csv"):
        (tmp_path / name).write_text(text_of([header_of(rows), *rows]))
    with pytest.raises(DataError, match=r"holds a_train.csv, b_train.csv; name the one to use"):
        read(tmp_path)


def test_a_few_tables_among_many_text_files(tmp_path):
    rows = rows_of(*drawn())
    (tmp_path / "digits.csv").write_text(text_of([header_of(rows), *rows]))
    for number in range(80):
        (tmp_path / f"{number}.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    same(read(tmp_path).train, *drawn())


def test_tables_that_are_each_in_an_archive_of_their_own(tmp_path):
    for part, seed in (("train", 0), ("test", 1)):
        rows = rows_of(*drawn(seed=seed))
        with zipfile.ZipFile(tmp_path / f"{part}.csv.zip", "w") as archive:
            archive.writestr(f"{part}.csv", text_of([header_of(rows), *rows]))
    data = load_dataset(tmp_path)
    same(data.train, *drawn(seed=0))
    same(data.test, *drawn(seed=1))


def test_tables_of_other_things_are_no_tables_of_pixels(tmp_path):
    (tmp_path / "labels.csv").write_text("filename,label\na.png,1\nb.png,0\n")
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "README.txt").write_text("Pictures of cats\nand dogs, and more\n")
    assert not FORM.matches(Folder(tmp_path), ReadOptions())


@st.composite
def tables(draw):
    """Images, their labels as cells, and the rows of a table of them, in any notation."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, side = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    images = random.integers(0, draw(st.sampled_from([1, 3, 16, 255])) + 1, (count, 1, side, side))
    if draw(st.booleans()):
        images[:, :, [0, -1]] = images[:, :, :, [0, -1]] = 0
    common = draw(st.floats(0.02, 0.98))
    labels = random.choice(3, count, p=[common, (1 - common) / 2, (1 - common) / 2])
    words = draw(st.booleans())
    # So that words keep their numbers.
    assume(not words or {*labels.tolist()} == {*range(labels.max() + 1)})
    header = draw(st.booleans())
    place = draw(st.integers(0, side * side)) if header else draw(st.booleans()) * side * side
    rows = [row[1:] for row in rows_of(images, labels)]
    for row, label in zip(rows, labels):
        row.insert(place, WORDS[label] if words else str(label))
    names = [f"pixel{pixel}" for pixel in range(side * side)]
    names.insert(place, "label")
    return images, labels, [names, *rows] if header else rows


@settings(deadline=None, max_examples=150, suppress_health_check=[*HealthCheck])
@given(table=tables(), separator=st.sampled_from([",", ";", "\t", "|", " "]))
def test_whatever_is_written_is_read_exactly_or_refused(tmp_path, table, separator):
    images, labels, rows = table
    path = tmp_path / "a.csv"
    path.write_text(text_of(rows, separator))
    try:
        parts = read(path)
    except DataError as error:
        # With a header, nothing is left to doubt.
        if "label" in rows[0] or len(str(error)) > 300 + len(str(tmp_path)):
            raise
        return
    if images.max() == 1:
        images = images * 255
    if parts.classes and parts.classes[0].isdecimal():
        labels = np.array([parts.classes.index(str(label)) for label in labels])
    same(parts.train, images, labels)
