"""mnistlab.data.arrays: images in any layout are read exactly, or refused."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as any_array

from mnistlab import load_dataset
from mnistlab.data.arrays import splits_from
from mnistlab.errors import DataError

RNG = np.random.default_rng(0)
FEW = RNG.integers(0, 256, (24, 5, 6), np.uint8)
LABELS = np.arange(24) % 4

LAYOUTS = {
    "(n, c, h, w)": lambda x: x,
    "(n, h, w, c)": lambda x: x.transpose(0, 2, 3, 1),
    "(h, w, c, n)": lambda x: x.transpose(2, 3, 1, 0),
    "(c, h, w, n)": lambda x: x.transpose(1, 2, 3, 0),
    "(n, h, w)": lambda x: x[:, 0],
    "(h, w, n)": lambda x: x[:, 0].transpose(1, 2, 0),
    "(n, pixels)": lambda x: x.reshape(len(x), -1),
    "(pixels, n)": lambda x: x.reshape(len(x), -1).T,
    "(n, 1, pixels)": lambda x: x.reshape(len(x), 1, -1),
}
TYPES = {
    "bytes": lambda x: x,
    "int16": lambda x: x.astype(np.int16),
    "int64": lambda x: x.astype(np.int64),
    "uint16": lambda x: x.astype(np.uint16),
    "uint16 of 16 bits": lambda x: x.astype(np.uint16) * 257,
    "float 0 to 255": lambda x: x.astype(np.float32),
    "float 0 to 1": lambda x: (x / 255).astype(np.float32),
    "half 0 to 1": lambda x: (x / 255).astype(np.float16),
    "float -1 to 1": lambda x: (x / 127.5 - 1).astype(np.float32),
    "float -0.5 to 0.5": lambda x: ((x - 127.5) / 255).astype(np.float32),
    "normalised": lambda x: ((x / 255 - 0.1307) / 0.3081).astype(np.float32),
}
LABELLED = {
    "(n,)": lambda y: y,
    "(n, 1)": lambda y: y[:, None],
    "(1, n)": lambda y: y[None].astype(np.uint8),
    "floats": lambda y: y.astype(np.float64),
    "one-hot": lambda y: np.eye(3)[y],
    "one-hot of -1 and 1": lambda y: np.eye(3, dtype=np.int8)[y] * 2 - 1,
    "words": lambda y: y.astype(str),
}


def read(arrays, **options):
    return splits_from(arrays, "data.npz", **options)


def refused(arrays, **options):
    with pytest.raises(DataError) as caught:
        read(arrays, **options)
    line = str(caught.value)
    assert line.startswith("data.npz: ")
    assert len(line) < 300
    assert "\n" not in line
    return line


@st.composite
def images(draw):
    shape = (
        draw(st.integers(5, 12)),
        draw(st.sampled_from([1, 3])),
        draw(st.integers(2, 9)),
        draw(st.integers(2, 9)),
    )
    found = draw(any_array(np.uint8, shape, fill=st.integers(0, 255)))
    found.flat[:2] = 0, 255
    return found


@settings(deadline=None, max_examples=200)
@given(
    pictures=images(),
    layout=st.sampled_from(list(LAYOUTS)),
    kind=st.sampled_from(list(TYPES)),
    labelled=st.sampled_from(list(LABELLED)),
    matlab=st.booleans(),
)
def test_any_layout_is_read_exactly_or_refused(pictures, layout, kind, labelled, matlab):
    count, channels, height, width = pictures.shape
    flat = "pixels" in layout
    assume(channels == 1 or layout not in ("(n, h, w)", "(h, w, n)"))
    assume(height == width or not flat)
    written = TYPES[kind](LAYOUTS[layout](pictures))
    # Where the first axis and another may count the images, NumPy's users mean the first.
    assume(matlab or layout.startswith("(n") or written.shape[0] != count)
    labels = np.arange(count) % 3
    try:
        parts = read({"X": written, "y": LABELLED[labelled](labels)}, matlab=matlab)
    except DataError as error:
        if "can be read in" in str(error) and (matlab or min(height, width) <= 4):
            return
        raise
    if flat and channels == 3:
        assert "in colour" in parts.notes[0]
    if not any("alternate" in note for note in parts.notes):
        assert np.array_equal(parts.train.images, pictures)
    assert parts.train.labels.tolist() == labels.tolist()
    assert parts.train.images.dtype == np.uint8
    assert parts.train.labels.dtype == np.int64
    assert parts.classes == ("0", "1", "2")


@pytest.mark.parametrize(
    "names",
    [
        "x_train y_train x_test y_test",
        "X_train Y_train X_val y_val",
        "train_images train_labels test_images test_labels",
        "train_dataset train_labels valid_dataset valid_labels",
        "trainX trainY testX testY",
        "Xtrain ytrain Xtest ytest",
        "xtr ytr xte yte",
        "train/data train/target test/data test/target",
        "train_set_x train_set_y test_set_x test_set_y",
        "TRAIN_IMAGES TRAIN_LABELS TEST_IMAGES TEST_LABELS",
        "mnist.train.images mnist.train.labels mnist.test.images mnist.test.labels",
        "data target test_data test_target",
        "camelyonpatch_level_2_split_train_x camelyonpatch_level_2_split_train_y"
        " camelyonpatch_level_2_split_valid_x camelyonpatch_level_2_split_valid_y",
        "train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte"
        " t10k-labels-idx1-ubyte",
        "train_patterns train_labels test_patterns test_labels",
        "train train_labels test test_labels",
        "arr_0 arr_1 arr_2 arr_3",
    ],
)
def test_names_in_many_manners(names):
    first, second = FEW[:14], FEW[14:]
    arrays = (first, LABELS[:14], second, LABELS[14:])
    parts = read(dict(zip(names.split(), arrays, strict=True)))
    other = parts.validation if "val" in names.lower() else parts.test
    assert np.array_equal(parts.train.images[:, 0], first)
    assert np.array_equal(other.images[:, 0], second)
    assert other.labels.tolist() == LABELS[14:].tolist()
    assert not parts.notes


@pytest.mark.parametrize("names", ["X y", "images labels", "data targets", "arr_0 arr_1", "a b"])
def test_one_split_is_what_there_is_to_train_on(names):
    parts = read(dict(zip(names.split(), (FEW, LABELS), strict=True)))
    assert np.array_equal(parts.train.images[:, 0], FEW)
    assert parts.test is None
    assert parts.validation is None


def test_medmnist_has_three_splits_and_what_they_are_called_is_told():
    arrays = {
        f"{part}_{kind}": array
        for part, count in (("train", 24), ("val", 12), ("test", 8))
        for kind, array in (("images", FEW[:count]), ("labels", LABELS[:count, None]))
    }
    parts = read(arrays)
    assert [len(split) for split in (parts.train, parts.validation, parts.test)] == [24, 12, 8]
    assert parts.called == {"train": "train", "validation": "val", "test": "test"}


def test_fine_labels_rather_than_coarse_ones_and_what_is_not_used_is_told():
    parts = read({"data": FEW, "coarse_labels": LABELS // 2, "fine_labels": LABELS, "ids": LABELS})
    assert parts.train.labels.tolist() == LABELS.tolist()
    assert parts.notes == ["not used: coarse_labels, ids"]


def test_classes_are_called_as_the_data_call_them():
    names = np.array([b"cat", b"dog", b"owl", b"pig"])
    for key in ("label_names", "classes", "list_classes", "classnames", "class_names"):
        for labels in (LABELS, LABELS + 1):
            parts = read({"X": FEW, "y": labels, key: names})
            assert parts.classes == ("cat", "dog", "owl", "pig")
            assert parts.train.labels.tolist() == LABELS.tolist()


def test_words_are_classes_in_order_and_images_without_one_are_left_out():
    words = np.array(["owl", "cat", "dog", ""])[LABELS]
    parts = read({"X": FEW, "y": words})
    assert parts.classes == ("cat", "dog", "owl")
    assert parts.train.labels[:3].tolist() == [2, 0, 1]
    assert np.array_equal(parts.train.images[:, 0], FEW[LABELS != 3])
    assert parts.notes == ["6 images without a label in y are left out"]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (LABELS + 1, ("1", "2", "3", "4")),
        (LABELS % 2 * 2 - 1, ("-1", "1")),
        (LABELS % 2 * 5 + 3, ("3", "8")),
    ],
)
def test_labels_that_do_not_start_at_0_name_the_classes_and_that_is_told(labels, classes):
    parts = read({"X": FEW, "y": labels})
    assert parts.classes == classes
    assert parts.train.labels.min() == 0
    assert "the classes are named by their labels" in parts.notes[0]


def test_labels_of_all_splits_count_together():
    parts = read({"x_train": FEW, "y_train": LABELS % 2 + 1, "x_test": FEW, "y_test": LABELS + 1})
    assert parts.classes == ("1", "2", "3", "4")
    assert parts.test.labels.tolist() == LABELS.tolist()


def test_pixels_of_three_values_lie_together_where_that_makes_neighbours_alike():
    smooth = np.cumsum(RNG.integers(0, 6, (24, 16, 16)), axis=2).astype(np.uint8)
    colour = np.stack([smooth, 255 - smooth, smooth // 2], axis=1)
    for written, said in (
        (colour.reshape(24, -1), "a plane of red"),
        (colour.transpose(0, 2, 3, 1).reshape(24, -1), "alternate"),
    ):
        parts = read({"X": written, "y": LABELS})
        assert np.array_equal(parts.train.images, colour)
        assert said in parts.notes[0]


def test_flat_pixels_may_run_down_the_columns():
    square = FEW[:, :, :5]
    parts = read({"X": square.swapaxes(1, 2).reshape(24, -1), "y": LABELS}, by_columns=True)
    assert np.array_equal(parts.train.images[:, 0], square)


def test_transparency_lies_on_white_and_opaque_alpha_is_left_out():
    colour = RNG.integers(0, 256, (24, 8, 8, 4), np.uint8)
    colour[..., 3] = 255
    parts = read({"X": colour, "y": LABELS})
    assert np.array_equal(parts.train.images, colour[..., :3].transpose(0, 3, 1, 2))
    colour[:, :2, :, 3] = 0
    colour[:, 2, :, 3] = 51
    parts = read({"X": colour / 255, "y": LABELS})
    laid = parts.train.images.transpose(0, 2, 3, 1)
    assert (laid[:, :2] == 255).all()
    assert np.array_equal(laid[:, 2], np.rint(colour[:, 2, :, :3] * 0.2 + 255 * 0.8))
    assert np.array_equal(laid[:, 3:], colour[:, 3:, :, :3])
    assert "transparent parts became white" in parts.notes
    colour[..., 3] = RNG.integers(1, 255, (24, 8, 8))
    assert "does not look like alpha" in refused({"X": colour, "y": LABELS})


@pytest.mark.parametrize(
    ("pixels", "scale", "said"),
    [
        (FEW > 127, 255, "true or false"),
        ((FEW > 127).astype(np.uint8), 255, "0 or 1"),
        ((FEW > 127).astype(np.float32), 255, "0 or 1"),
        ((FEW // 16).astype(np.float64) + (FEW == 255), 255 / 16, "16 was taken as white"),
        (np.maximum(FEW.astype(np.uint16) * 16, 4000), 255 / 4095, "4,095 was taken as white"),
        (np.where(FEW == 255, 255.0, FEW + 0.25), 1, "fractions of 0 to 255"),
    ],
)
def test_values_of_other_ranges_are_scaled_and_that_is_told(pixels, scale, said):
    parts = read({"X": pixels, "y": LABELS})
    assert np.array_equal(parts.train.images[:, 0], np.rint(pixels * scale))
    assert said in parts.notes[0]


def test_all_splits_are_scaled_alike():
    dark = np.full((4, 5, 6), 0.1, np.float32)
    arrays = {"x_train": FEW / 255, "y_train": LABELS, "x_test": dark, "y_test": LABELS[:4]}
    assert (read(arrays).test.images == 26).all()
    arrays["x_train"] = FEW.astype(np.float32)
    assert "x_test go up to 0.1 only; scale all alike" in refused(arrays)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": RNG.normal(size=(24, 5, 6)), "y": LABELS}, "neither 0 to 255 nor 0 to 1"),
        *(
            ({"X": np.full((24, 5, 6), value), "y": LABELS}, f"from {value:g} to {value:g} are nei")
            for value in (2.5, -0.25, 1e300)
        ),
        ({"X": 2.5 + 1e-15 * RNG.random((24, 5, 6)), "y": LABELS}, "from 2.5 to 2.5 are neither"),
        ({"X": np.where(FEW > 9, FEW, np.nan), "y": LABELS}, "NaN or infinite"),
        ({"X": FEW.astype(np.int32) * 300, "y": LABELS}, "from 0 to 7"),
        ({"X": FEW.astype(np.int32) - 9, "y": LABELS}, "neither 0 to 255"),
        ({"X": FEW.astype(complex), "y": LABELS}, "images of type complex128"),
        ({"X": FEW, "y": LABELS[:9]}, "images of shape (24, 5, 6) and type uint8, but 9 labels"),
        ({"X": FEW, "y": LABELS - 1}, "image 0 has label -1"),
        ({"X": FEW, "y": LABELS + 0.5}, "y: label 0 is 0.5"),
        ({"X": FEW, "y": np.eye(4)[LABELS] + np.eye(4)[0]}, "expected one label"),
        (
            {"X": FEW, "y": np.maximum(np.eye(4)[LABELS], np.eye(4)[0])},
            "give some images several classes",
        ),
        ({"X": FEW, "y": LABELS * 1j}, "labels of type complex128"),
        ({"X": FEW, "y": np.full(24, np.nan)}, "no image has a label"),
        (
            {"X": FEW[:, :, :5].reshape(24, -1)[:, 1:], "y": LABELS},
            "24 pixels per image do not make a",
        ),
        ({"X": np.zeros((24, 5, 6, 7)), "y": LABELS}, "neither 1 (grey) nor 3 (RGB) channels"),
        ({"X": FEW}, "no labels for X; it holds X (24, 5, 6) uint8"),
        ({"y": LABELS}, "no images for y"),
        ({"x_test": FEW, "y_test": LABELS}, "only a test split"),
        ({}, "no images with labels to train on; it holds nothing"),
        ({"a_x": FEW, "b_x": FEW, "y": LABELS}, "several arrays could be the images; it holds a_x"),
        (dict(zip("abcd", (FEW, LABELS, FEW, LABELS))), "nothing says which images"),
        (dict(zip("abcd", (FEW[:9], LABELS[:9], FEW, LABELS))), "nothing says which images"),
    ],
    ids=str,
)
def test_what_is_wrong_or_unclear_is_refused_in_one_line(arrays, message):
    assert message in refused(arrays)


def test_a_test_split_without_labels_is_left_out_and_told():
    parts = read({"x_train": FEW, "y_train": LABELS, "x_test": FEW})
    assert parts.test is None
    assert parts.notes == ["x_test has no labels and is left out"]


def test_axes_that_cannot_be_told_apart_are_refused_where_matlab_wrote_them():
    cube = RNG.integers(0, 256, (24, 24, 24), np.uint8)
    assert "can be read in several ways" in refused({"X": cube, "y": LABELS}, matlab=True)
    assert np.array_equal(read({"X": cube, "y": LABELS}).train.images[:, 0], cube)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (3, []),
        (4, ["7 test images but no training image of 3"]),
        (5, ["12 test images but no training image of 3, 4"]),
    ],
)
def test_classes_that_only_test_images_have_are_told(tmp_path, classes, said):
    images = np.random.default_rng(5).integers(0, 256, (60, 9, 9)).astype(np.uint8)
    tested = np.arange(30) % classes
    np.savez(
        tmp_path / "a.npz",
        x_train=images[:30],
        y_train=np.arange(30) % 3,
        x_test=images[30:],
        y_test=tested,
    )
    notes = load_dataset(tmp_path / "a.npz").notes
    assert [note for note in notes if "training image of" in note] == said
