"""Tables of file names and labels beside pictures, read with the pictures that they name."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from mnistlab import load_dataset, train
from mnistlab.data.file_tree import Folder, open_tree
from mnistlab.data.form import ReadOptions
from mnistlab.data.forms.label_table import FORM
from mnistlab.errors import DamagedPictures, DataError
from tests.data.forms import png_bytes

NAMES = [f"scan_{number:02}" for number in range(12)]
LABELS = ["dog", "cat", "emu"] * 4


def picture(number):
    return np.full((6, 5), number * 20, np.uint8)


def write_pictures(folder, names=NAMES, suffix=".png"):
    for number, name in enumerate(names):
        path = folder / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png_bytes(picture(number)))


def table(folder, rows, name="labels.csv", separator=","):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(separator.join(row) + "\n" for row in rows))
    return path


def read(path, chosen=""):
    tree = Folder(path, [chosen]) if chosen else open_tree(path)
    options = ReadOptions(chosen=chosen)
    assert FORM.matches(tree, options)
    return FORM.read(tree, options)


def numbers(split):
    """Which pictures of :func:`picture` a split has."""
    assert split.images.dtype == np.uint8
    assert split.images.shape[1:] == (1, 6, 5)
    return [int(image.max()) // 20 for image in split.images]


def words(parts, split):
    return [parts.classes[label] for label in split.labels]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("name", ["labels.csv", "train.csv", "index.txt", "annotations.tsv"])
def test_a_table_in_the_folder_of_pictures(tmp_path, separator, header, name):
    write_pictures(tmp_path)
    rows = [[f"{name}.png", label] for name, label in zip(NAMES, LABELS)]
    table(tmp_path, [*([["filename", "label"]] if header else []), *rows], name, separator)
    for parts in (read(tmp_path), read(tmp_path, name)):
        assert numbers(parts.train) == list(range(12))
        assert parts.classes == ("cat", "dog", "emu")
        assert words(parts, parts.train) == LABELS
        assert parts.test is None


WAYS = {
    "as they are": ("{}.png", "{}.png"),
    "without suffix": ("{}.png", "{}"),
    "another letter case": ("{}.PNG", "SCAN{1}.png"),
    "a leading dot": ("{}.png", "./{}.png"),
    "below a folder": ("train_images/{}.png", "{}"),
    "with the folder": ("all/img/{}.png", "img/{}.png"),
    "backslashes": ("all/img/{}.png", r"all\img\{}.png"),
    "another machine's path": ("all/img/{}.png", "/home/me/data/img/{}.png"),
    "Windows' path": ("img/{}.png", r"C:\data\img\{}.png"),
    "in quotes": ("{}.png", '"{}.png"'),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("column", ["filename", "image", "id_code", "Path", "img"])
def test_every_way_to_name_a_picture(tmp_path, way, column):
    on_disk, in_table = WAYS[way]
    write_pictures(tmp_path, [on_disk.format(name) for name in NAMES], "")
    rows = [
        [in_table.format(name, name.removeprefix("scan")), label]
        for name, label in zip(NAMES, LABELS)
    ]
    table(tmp_path, [[column, "diagnosis"], *rows])
    assert numbers(read(tmp_path).train) == list(range(12))
    with zipfile.ZipFile(tmp_path.parent / f"{tmp_path.name}.zip", "w") as archive:
        for path in tmp_path.rglob("*.*"):
            archive.write(path, f"top/{path.relative_to(tmp_path)}")
    with archive:
        parts = read(tmp_path.parent / f"{tmp_path.name}.zip")
    assert words(parts, parts.train) == LABELS


def test_numbers_for_names_and_labels_are_not_confused(tmp_path):
    write_pictures(tmp_path / "images", [str(number) for number in range(12)])
    labels = [str(number % 3) for number in range(12)]
    table(tmp_path, [["label", "id"], *([label, str(n)] for n, label in enumerate(labels))])
    parts = read(tmp_path)
    assert numbers(parts.train) == list(range(12))
    assert words(parts, parts.train) == labels


def test_the_order_of_columns_and_unused_ones(tmp_path):
    write_pictures(tmp_path)
    rows = [
        [str(number), label, "64", f"{name}.png", f"patient{number // 3}"]
        for number, (name, label) in enumerate(zip(NAMES, LABELS))
    ]
    table(tmp_path, [["", "Class", "width", "file", "patient"], *rows], "metadata.csv")
    parts = read(tmp_path)
    assert words(parts, parts.train) == LABELS
    assert parts.notes == ["columns of metadata.csv that are not used: (no name), width, patient"]


def test_a_column_of_splits(tmp_path):
    write_pictures(tmp_path)
    splits = ["Train"] * 6 + ["val"] * 3 + ["TEST"] * 3
    table(tmp_path, [["file", "label", "set"], *map(list, zip(NAMES, LABELS, splits))])
    parts = read(tmp_path)
    assert numbers(parts.train) == list(range(6))
    assert numbers(parts.validation) == [6, 7, 8]
    assert numbers(parts.test) == [9, 10, 11]
    assert parts.called == {"train": "Train", "validation": "val", "test": "TEST"}


@pytest.mark.parametrize("pattern", ["{}.csv", "{}_labels.txt", "{}/metadata.csv"])
def test_a_table_for_each_split(tmp_path, pattern):
    parts_of = {"train": range(6), "val": range(6, 9), "test": range(9, 12)}
    for part, own in parts_of.items():
        for number in own:
            path = tmp_path / part / f"{NAMES[number]}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(png_bytes(picture(number)))
        rows = [[f"{NAMES[number]}.png", LABELS[number]] for number in own]
        table(tmp_path, [["file_name", "label"], *rows], pattern.format(part))
    parts = read(tmp_path)
    for split, own in zip((parts.train, parts.validation, parts.test), parts_of.values()):
        assert numbers(split) == list(own)
        assert words(parts, split) == [LABELS[number] for number in own]


def test_equal_names_in_the_folders_of_splits_are_told_apart(tmp_path):
    for number, part in enumerate(("train", "test")):
        write_pictures(tmp_path / part, ["1", "2"][: 2 - number])
        table(tmp_path, [["id", "label"], ["1", "a"], ["2", "b"]][: 3 - number], f"{part}.csv")
    parts = read(tmp_path)
    assert [len(parts.train), len(parts.test)] == [2, 1]
    assert parts.train.names == ["train/1.png", "train/2.png"]
    assert parts.test.names == ["test/1.png"]


def test_folders_of_splits_tell_where_no_table_does(tmp_path):
    places = [
        f"{'train' if number < 8 else 'valid'}/{name}.png" for number, name in enumerate(NAMES)
    ]
    write_pictures(tmp_path, places, "")
    table(tmp_path, [["file", "label"], *map(list, zip(places, LABELS))])
    parts = read(tmp_path)
    assert [len(parts.train), len(parts.validation)] == [8, 4]
    assert parts.called == {"train": "train", "validation": "valid"}


def test_kaggles_unlabelled_test_table_and_its_form_are_not_used(tmp_path):
    write_pictures(tmp_path / "train_images", NAMES[:8])
    write_pictures(tmp_path / "test_images", NAMES[8:])
    table(tmp_path, [["id_code", "diagnosis"], *map(list, zip(NAMES[:8], "01200120"))], "train.csv")
    table(tmp_path, [["id_code"], *([name] for name in NAMES[8:])], "test.csv")
    table(
        tmp_path,
        [["id_code", "diagnosis"], *([name, "0"] for name in NAMES[8:])],
        "sample_submission.csv",
    )
    parts = read(tmp_path)
    assert words(parts, parts.train) == list("01200120")
    assert parts.test is None
    assert "sample_submission.csv is not used: it is a template for answers" in parts.notes
    assert "4 pictures are in no table and are not used" in parts.notes


@pytest.mark.parametrize("lines", ["metadata.jsonl", "metadata.csv"])
def test_hugging_faces_image_folder(tmp_path, lines):
    write_pictures(tmp_path / "train")
    records = [{"file_name": f"{n}.png", "label": label} for n, label in zip(NAMES, LABELS)]
    text = (
        "\n".join(map(json.dumps, records))
        if lines.endswith("l")
        else "file_name,label\n" + "\n".join(",".join(r.values()) for r in records)
    )
    (tmp_path / "train" / lines).write_text(text)
    parts = read(tmp_path)
    assert words(parts, parts.train) == LABELS


def test_one_column_of_ones_per_class(tmp_path):
    write_pictures(tmp_path)
    classes = ["cat", "dog", "emu"]
    rows = [[n, *(f"{label == name:.1f}" for name in classes)] for n, label in zip(NAMES, LABELS)]
    table(tmp_path, [["image", *classes], *rows])
    parts = read(tmp_path)
    assert words(parts, parts.train) == LABELS


def test_whole_numbers_are_one_class_however_they_are_written(tmp_path):
    write_pictures(tmp_path)
    table(tmp_path, [["image", "label"], *map(list, zip(NAMES, ["3", "3.0", "03", "10.0"] * 3))])
    assert read(tmp_path).classes == ("3", "10")


def test_rows_that_repeat_and_pictures_that_no_table_names_are_counted(tmp_path):
    write_pictures(tmp_path)
    rows = [[name, label] for name, label in zip(NAMES, LABELS)][:6]
    table(tmp_path, [["image", "label"], *rows, rows[0]])
    assert read(tmp_path).notes == [
        "1 duplicate row is not used",
        "6 pictures are in no table and are not used",
    ]


def test_a_damaged_picture_is_named_and_may_be_skipped(tmp_path):
    write_pictures(tmp_path)
    (tmp_path / f"{NAMES[3]}.png").write_bytes(b"no picture")
    table(tmp_path, [["image", "label"], *map(list, zip(NAMES, LABELS))])
    with pytest.raises(DamagedPictures, match=NAMES[3]):
        read(tmp_path)
    parts = FORM.read(Folder(tmp_path), ReadOptions(skip_damaged=True))
    assert numbers(parts.train) == [0, 1, 2, *range(4, 12)]
    assert words(parts, parts.train) == LABELS[:3] + LABELS[4:]


def rows_with(column, cells, names=NAMES):
    return [["image", column], *([name, cell] for name, cell in zip(names, cells))]


DAMAGES = {
    "files that are not there": (
        rows_with("label", LABELS, [*NAMES[:8], "a.png", "b.png", "c.png", "d.png"]),
        "4 of 12 pictures are not in",
    ),
    "no label": (rows_with("label", ["cat", "", *LABELS[2:]]), "data row 2 has no label"),
    "quantities": (rows_with("label", [f"{n / 7:.3f}" for n in range(12)]), "a quantity"),
    "several labels": (rows_with("label", ["cat|dog", "cat", "dog"] * 4), "has several labels"),
    "several words": (rows_with("label", ["cat dog", "cat", "dog"] * 4), "has several labels"),
    "a list": (rows_with("label", ["[1; 2]", "[1]", "[2]"] * 4), "has several labels"),
    "several ones": (
        [["image", "cat", "dog"], *([name, "1", "1"] for name in NAMES)],
        "data row 1 has 2 labels: cat, dog",
    ),
    "two columns that could be it": (
        [["image", "hue", "tone"], *([name, "red", "dark"] for name in NAMES)],
        "each of hue, tone could be the label",
    ),
    "two labels of one picture": (
        rows_with("label", LABELS, [*NAMES[:11], NAMES[0]]),
        "has two labels, 'dog' and 'emu'",
    ),
    "an unknown split": (
        [
            ["image", "label", "split"],
            *([n, "a", "train"] for n in NAMES[:-1] * 2),
            [NAMES[-1], "a", "x"],
        ],
        "has split 'x'",
    ),
    "a short row": ([*rows_with("label", LABELS), [NAMES[0]]], "row 14 has 1 cells"),
    "a header alone": ([["image", "label"]], "a header but no rows"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_in_one_short_line(tmp_path, damage):
    rows, message = DAMAGES[damage]
    write_pictures(tmp_path)
    path = table(tmp_path, rows)
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value) or "scan_" in str(caught.value)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 300


def test_a_name_that_may_be_several_pictures_is_refused(tmp_path):
    write_pictures(tmp_path / "a", NAMES)
    write_pictures(tmp_path / "b", NAMES)
    table(tmp_path, rows_with("label", LABELS))
    with pytest.raises(DataError, match=r"'scan_00' could be any of a/scan_00.png, b/scan_00.png"):
        read(tmp_path)


def test_a_list_without_header_goes_before_folders(tmp_path):
    for folder in ("x", "y"):
        write_pictures(tmp_path / "all" / folder, NAMES[:6])
    rows = [[f"{folder}/{n}.png", label] for n, label in zip(NAMES[:6], LABELS) for folder in "xy"]
    table(tmp_path, rows, "all/list.txt", " ")
    parts = read(tmp_path)
    assert words(parts, parts.train) == [label for label in LABELS[:6] for _ in "xy"]


def test_tables_of_other_things_do_not_match(tmp_path):
    write_pictures(tmp_path / "cat")
    table(tmp_path, [["epoch", "loss"], ["1", "0.5"], ["2", "0.25"]], "log.csv")
    table(tmp_path, [["label", "pixel0", "pixel1"], ["1", "0", "0"]], "train.csv")
    write_pictures(tmp_path / "dog")
    table(tmp_path, [["id", "width", "height"], *([n, "5", "6"] for n in NAMES)], "sizes.csv")
    assert not FORM.matches(Folder(tmp_path), ReadOptions())


def test_a_table_of_pixels_names_no_pictures_although_its_numbers_do(tmp_path):
    for folder in ("cat", "dog"):
        write_pictures(tmp_path / folder)
    columns = [f"pixel{number}" for number in range(49)]
    rows = [[str(number), str(number % 2), *"0" * 49] for number in range(len(NAMES))]
    table(tmp_path, [["id", "label", *columns], *rows], "pixels.csv")
    alone = Folder(tmp_path, ["pixels.csv"])
    assert not FORM.matches(alone, ReadOptions(chosen="pixels.csv"))
    assert load_dataset(tmp_path / "pixels.csv").image_size == (7, 7)


def test_a_column_of_groups_keeps_images_together(tmp_path):
    rows = ["file,label,patient"]
    for number in range(40):
        shade = np.full((8, 8), 5 * number, np.uint8)
        (tmp_path / f"{number}.png").write_bytes(png_bytes(shade))
        rows.append(f"{number}.png,{'ill' if number % 2 else 'well'},p{number // 4}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    data = load_dataset(tmp_path, group="patient")
    assert len(data.train) + len(data.test) == 40
    assert set(data.train.groups).isdisjoint(data.test.groups)
    assert set(data.train.groups) | set(data.test.groups) == {f"p{number}" for number in range(10)}
    assert "whole groups (10 in all)" in data.note
    assert "not used" not in data.note


def test_a_table_that_cannot_be_read_is_not_passed_over_where_nothing_else_gives_labels(tmp_path):
    (tmp_path / "img").mkdir()
    for number in range(6):
        Image.new("L", (8, 8), number).save(tmp_path / "img" / f"{number}.png")
    rows = [f"img/{number}.png,{'가나'[number % 2]}" for number in range(6)]
    text = "\n".join(["file,label", *rows])
    (tmp_path / "labels.csv").write_bytes(text.encode("cp949"))
    with pytest.raises(DataError, match=r"labels\.csv: is not UTF-8 text; save it as UTF-8"):
        load_dataset(str(tmp_path))
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    assert load_dataset(str(tmp_path)).classes == ("가", "나")
    (tmp_path / "labels.csv").unlink()
    with pytest.raises(DataError, match="all images are of one class, img; two are needed"):
        train("lenet5", load_dataset(str(tmp_path)), epochs=1)
