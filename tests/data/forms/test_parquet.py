"""Parquet as Hugging Face and others write data sets of images."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from mnistlab.data.file_tree import Folder, open_tree
from mnistlab.data.form import ReadOptions
from mnistlab.data.forms.parquet import FORM
from mnistlab.errors import DamagedPictures, DataError
from tests.data.forms import png_bytes

NAMES = ["ant", "bee", "cat"]


def drawn(count=30, seed=0, shape=(8, 8)):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, *shape), np.uint8), np.arange(count) % 3


def structs(images):
    return [{"bytes": png_bytes(image), "path": f"{i}.png"} for i, image in enumerate(images)]


def write(path, columns, features=None, types=None):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    arrays = {
        name: pa.array(cells, (types or {}).get(name)) if isinstance(cells, list) else cells
        for name, cells in columns.items()
    }
    table = pa.table(arrays)
    if features:
        about = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": about})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


CLASSES = {"image": {"_type": "Image"}, "label": {"names": NAMES, "_type": "ClassLabel"}}


def read(path, chosen="", **options):
    tree = Folder(path, [chosen]) if chosen else open_tree(path)
    options = ReadOptions(chosen=chosen, **options)
    assert FORM.matches(tree, options)
    return FORM.read(tree, options)


def same(split, images, labels):
    assert split.images.dtype == np.uint8
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    assert np.array_equal(split.images, images)
    assert np.array_equal(split.labels, labels)


@pytest.mark.parametrize("folder", ["", "data/", "default/"])
@pytest.mark.parametrize("shape", [(8, 8), (6, 5, 3)])
def test_hugging_faces_shards_of_splits(tmp_path, folder, shape):
    parts = {"train": (2, 0), "validation": (1, 1), "test": (1, 2)}
    expected = {}
    for part, (shards, seed) in parts.items():
        images, labels = drawn(seed=seed, shape=shape)
        expected[part] = images, labels
        for shard in range(shards):
            own = slice(shard * 30 // shards, (shard + 1) * 30 // shards)
            write(
                tmp_path / f"{folder}{part}-{shard:05}-of-{shards:05}.parquet",
                {"image": structs(images[own]), "label": labels[own].tolist()},
                CLASSES,
            )
    found = read(tmp_path)
    for split, part in zip((found.train, found.validation, found.test), expected):
        same(split, *expected[part])
    assert found.classes == tuple(NAMES)
    assert found.called == {part: part for part in parts}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in tmp_path.rglob("*.parquet"):
            archive.write(path, path.relative_to(tmp_path))
    same(read(tmp_path / "a.zip").train, *expected["train"])


@pytest.mark.parametrize("column", ["image", "img", "picture"])
@pytest.mark.parametrize("encoded", [True, False])
def test_one_file_of_bytes_without_what_hugging_face_notes(tmp_path, column, encoded):
    images, labels = drawn()
    cells = [png_bytes(image) for image in images] if encoded else structs(images)
    words = [NAMES[label] for label in labels]
    write(tmp_path / "a.parquet", {"id": list(range(30)), column: cells, "class": words})
    found = read(tmp_path, "a.parquet")
    same(found.train, images, labels)
    assert found.classes == tuple(NAMES)


PIXELS = {
    "flat": lambda pa, images: pa.FixedSizeListArray.from_arrays(pa.array(images.ravel()), 64),
    "lists": lambda pa, images: images.reshape(len(images), 64).tolist(),
    "rows of lists": lambda pa, images: images.tolist(),
    "fractions": lambda pa, images: (images / 255).tolist(),
    "one channel": lambda pa, images: images[:, None].tolist(),
}


@pytest.mark.parametrize("kind", PIXELS)
def test_lists_of_pixels(tmp_path, kind):
    pa = pytest.importorskip("pyarrow")
    images, labels = drawn()
    write(tmp_path / "a.parquet", {"pixels": PIXELS[kind](pa, images), "label": labels.tolist()})
    found = read(tmp_path)
    same(found.train, images, labels)
    assert found.classes is None
    assert bool(found.notes) is (kind == "fractions")


def test_the_order_of_named_classes_is_kept(tmp_path):
    pa = pytest.importorskip("pyarrow")
    images, labels = drawn()
    names = {"label": {"names": ["07", "ant", "3"], "_type": "ClassLabel"}}
    for cells in (PIXELS["flat"](pa, images), structs(images)):
        write(tmp_path / "a.parquet", {"pixels": cells, "label": labels.tolist()}, names)
        found = read(tmp_path)
        same(found.train, images, labels)
        assert found.classes == ("07", "ant", "3")


def test_an_unlabelled_test_file_is_not_used_and_this_is_said(tmp_path):
    images, labels = drawn()
    for part, own in (("train", labels), ("test", np.full(30, -1))):
        columns = {"image": structs(images), "label": own.tolist()}
        write(tmp_path / f"{part}-00000-of-00001.parquet", columns, CLASSES)
    found = read(tmp_path)
    assert found.test is None
    assert found.notes == ["test-00000-of-00001.parquet has no labels and is not used"]


def test_of_two_labels_the_finer_one_is_taken_and_this_is_said(tmp_path):
    images, labels = drawn()
    columns = {"img": structs(images), "fine_label": labels.tolist(), "coarse_label": [0, 1] * 15}
    features = {
        "fine_label": CLASSES["label"],
        "coarse_label": {"names": ["x", "y"], "_type": "ClassLabel"},
    }
    write(tmp_path / "train.parquet", columns, features)
    found = read(tmp_path)
    same(found.train, images, labels)
    assert "fine_label, of 3 classes, is the label, not coarse_label" in found.notes


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("noted", [True, False])
def test_a_column_may_tell_each_rows_split(tmp_path, encoded, noted):
    images, labels = drawn()
    of = np.arange(30) // 3 % 2
    splits = of.tolist() if noted else [("train", "test")[i] for i in of]
    features = {"split": {"names": ["train", "test"], "_type": "ClassLabel"}} if noted else None
    cells = structs(images) if encoded else images.tolist()
    columns = {"image": cells, "label": labels.tolist(), "split": splits, "age": [7] * 30}
    write(tmp_path / "all.parquet", columns, features)
    found = read(tmp_path)
    same(found.train, images[of == 0], labels[of == 0])
    same(found.test, images[of == 1], labels[of == 1])
    assert "columns that are not used: age" in found.notes
    columns["split"] = ["train"] * 29 + ["elsewhere"]
    write(tmp_path / "all.parquet", columns)
    with pytest.raises(DataError, match=r"all\.parquet: row 30 has split 'elsewhere'; use train"):
        read(tmp_path)


def test_files_of_a_split_that_are_missing_are_told(tmp_path):
    images, labels = drawn()
    columns = {"image": structs(images), "label": labels.tolist(), "age": [7] * 30}
    for name in ("train-00001-of-00004", "train-00002-of-00004", "test-00000-of-00001"):
        write(tmp_path / "data" / f"{name}.parquet", columns)
    missing, unused = read(tmp_path).notes
    assert missing == "train: 2 of 4 files are missing"
    assert unused == "columns that are not used: age"


def test_a_damaged_picture_is_named_by_its_row_and_may_be_skipped(tmp_path):
    images, labels = drawn()
    cells = structs(images)
    cells[4]["bytes"] = cells[4]["bytes"][:40]
    write(tmp_path / "train.parquet", {"image": cells, "label": labels.tolist()})
    with pytest.raises(DamagedPictures, match=r"train\.parquet: row 5"):
        read(tmp_path)
    kept = np.delete(np.arange(30), 4)
    same(read(tmp_path, skip_damaged=True).train, images[kept], labels[kept])


def ragged(images):
    return [[1, 2, 3, 4], *(image.ravel().tolist() for image in images[1:])]


DAMAGES = {
    "no labels": (lambda i, n: {"image": structs(i)}, "has no column of labels"),
    "no images": (lambda i, n: {"a": [1.5] * 30, "label": n}, "no column holds images (a, label)"),
    "two images": (
        lambda i, n: {"left": structs(i), "right": structs(i), "label": n},
        "several columns hold images (left, right)",
    ),
    "two labels": (
        lambda i, n: {"image": structs(i), "label": n, "class": n},
        "each of label, class could be the label",
    ),
    "a list of labels": (
        lambda i, n: {"image": structs(i), "label": [[k] for k in n]},
        "label holds several values for row 1",
    ),
    "quantities": (
        lambda i, n: {"image": structs(i), "label": [k + 0.5 for k in n]},
        "has label 0.5: a quantity",
    ),
    "a missing label": (
        lambda i, n: {"image": structs(i), "label": [None, *n[1:]]},
        "data row 1 has no label",
    ),
    "paths alone": (
        lambda i, n: {"image": [{"bytes": None, "path": "a.png"}, *structs(i)[1:]], "label": n},
        "row 1 holds no picture, only the path",
    ),
    "lists of unequal length": (
        lambda i, n: {"image": ragged(i), "label": n},
        "the images are not all of one size",
    ),
    "lists of words": (lambda i, n: {"image": [["a"] * 64] * 30, "label": n}, "a.parquet: "),
    "no rows": (lambda i, n: {"image": structs(i)[:0], "label": n[:0]}, "a.parquet: "),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_in_one_short_line(tmp_path, damage):
    make, message = DAMAGES[damage]
    images, labels = drawn()
    write(tmp_path / "a.parquet", make(images, labels.tolist()))
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert message in str(caught.value)
    assert str(tmp_path / "a.parquet") in str(caught.value)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 300


def test_every_truncation_is_refused(tmp_path):
    images, labels = drawn()
    path = tmp_path / "a.parquet"
    write(path, {"image": structs(images), "label": labels.tolist()}, CLASSES)
    content = path.read_bytes()
    for length in np.linspace(0, len(content) - 1, 30, dtype=int):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"a\.parquet: cannot be read as Parquet"):
            read(tmp_path)


def test_a_label_beyond_the_names_is_refused(tmp_path):
    images, _ = drawn()
    write(tmp_path / "a.parquet", {"image": structs(images), "label": [0, 1, 3] * 10}, CLASSES)
    with pytest.raises(DataError, match="row 3 has label 3; 3 classes have labels 0 to 2"):
        read(tmp_path)


def test_without_the_extra_one_line_says_how_to_install_it(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\n"
        "from mnistlab.data.file_tree import Folder\n"
        "from mnistlab.data.form import ReadOptions\n"
        "from mnistlab.data.forms.parquet import FORM\n"
        f"FORM.read(Folder(Path({str(tmp_path)!r})), ReadOptions())\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "a.parquet: Parquet needs an extra; install it: pip install 'mnistlab[parquet]'" in (
        result.stderr
    )
