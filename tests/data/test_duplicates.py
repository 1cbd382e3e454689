"""Duplicates: every way in which a picture comes twice, and pictures that only look alike."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistlab import load_dataset, verify_dataset
from mnistlab.data.duplicates import Pair, _neighbours, find_duplicates


def picture(image):
    return Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))


def pixels(drawn):
    array = np.asarray(drawn)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def saved(form, **how):
    def change(image):
        file = io.BytesIO()
        picture(image).save(file, form, **how)
        # WebP knows no grey.
        return pixels(Image.open(file).convert(picture(image).mode))

    return change


def resized(factor, how):
    def change(image):
        small = picture(image).resize([round(side * factor) for side in image.shape[:0:-1]], how)
        return pixels(small.resize(image.shape[:0:-1], how))

    return change


def lit(factor, offset):
    return lambda image: np.clip(image * factor + offset, 0, 255).round().astype(np.uint8)


CHANGES = {
    "JPEG 95": saved("JPEG", quality=95),
    "JPEG 75": saved("JPEG", quality=75),
    "JPEG 50": saved("JPEG", quality=50),
    "WebP": saved("WEBP", quality=80),
    "PNG of a JPEG": lambda image: saved("PNG")(saved("JPEG", quality=80)(image)),
    "smaller, bilinear": resized(0.75, Image.Resampling.BILINEAR),
    "smaller, Lanczos": resized(0.75, Image.Resampling.LANCZOS),
    "larger": resized(1.5, Image.Resampling.BICUBIC),
    "brighter": lit(1.1, 5),
    "darker": lit(0.9, -5),
}


@pytest.fixture(scope="module")
def digits(mnist):
    """(3000, 1, 28, 28), a third of them ones, which are alike."""
    ones = np.flatnonzero(mnist.train.labels == 1)[:1000]
    return mnist.train.images[np.union1d(ones, np.arange(2300))[:3000]].reshape(-1, 1, 28, 28)


@pytest.fixture(scope="module")
def photos():
    """(1000, 3, 32, 32): noise of every scale, the larger the stronger, as in photographs."""
    draw = np.random.default_rng(5)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32)))
    noise = np.fft.fft2(draw.normal(size=(1000, 3, 32, 32)) + draw.normal(size=(1000, 1, 32, 32)))
    images = np.fft.ifft2(noise / (frequency + 0.02)).real
    images = 128 + 45 * (images - images.mean()) / images.std()
    return np.clip(images, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["digits", "photos"])
def test_a_changed_picture_is_found_and_no_other(kind, change, request):
    images = request.getfixturevalue(kind)
    chosen = np.arange(0, len(images), len(images) // 100)
    again = np.stack([CHANGES[change](image) for image in images[chosen]])
    found = find_duplicates({"train": images, "test": again})
    assert all(pair.split == "test" and pair.first_split == "train" for pair in found.pairs)
    assert all(chosen[pair.index] == pair.first_index for pair in found.pairs)
    assert len(found.pairs) >= 0.93 * len(chosen)
    assert not any(pair.exact for pair in found.pairs)


def test_handwritten_ones_are_not_each_others_duplicates(mnist):
    ones = mnist.train.images[mnist.train.labels == 1]
    assert len(ones) == 6742
    assert find_duplicates({"train": ones[:3000], "test": ones[3000:4000]}).pairs == ()


@pytest.mark.parametrize("kind", ["digits", "photos"])
def test_in_a_small_set_they_are_found_too(kind, request):
    images = request.getfixturevalue(kind)[::25][:40]
    for change in ("JPEG 50", "smaller, bilinear", "brighter"):
        again = np.stack([CHANGES[change](image) for image in images])
        found = find_duplicates({"train": images, "test": again})
        assert all(pair.index == pair.first_index for pair in found.pairs)
        assert len(found.pairs) >= 37


def test_a_split_may_be_empty(digits):
    found = find_duplicates({"train": digits[:0], "test": digits[:3]})
    assert (found.sizes, found.pairs) == ({"train": 0, "test": 3}, ())


@pytest.mark.parametrize("count", [20, 600, 2000])
def test_different_digits_are_not_duplicates_in_a_small_set_either(mnist, count):
    images = mnist.train.images[mnist.train.labels != 1][:count]
    assert find_duplicates({"train": images}).pairs == ()


def test_exact_ones_are_named_with_the_first_of_them(digits):
    train = digits[[0, 1, 2, 1, 1]]
    validation, test = digits[[5, 2]], digits[[6, 5, 2, 6, 7]]
    labels = {
        "train": np.array([4, 4, 4, 4, 3]),
        "validation": np.array([4, 4]),
        "test": np.array([4, 4, 9, 8, 4]),
    }
    # Whatever order they are given in.
    found = find_duplicates({"test": test, "train": train, "validation": validation}, labels)
    assert found.pairs == (
        Pair("train", 3, "train", 1, exact=True, contradictory=False),
        Pair("train", 4, "train", 1, exact=True, contradictory=True),
        Pair("validation", 1, "train", 2, exact=True, contradictory=False),
        Pair("test", 1, "validation", 0, exact=True, contradictory=False),
        Pair("test", 2, "train", 2, exact=True, contradictory=True),
        Pair("test", 3, "test", 0, exact=True, contradictory=True),
    )
    assert found.summary() == [
        "2 of 5 training images repeat others (exact: 2, near: 0), for example training 3 ="
        " training 1",
        "1 of 2 validation images are also training images (exact: 1, near: 0), for example"
        " validation 1 = training 2",
        "1 of 5 test images are also training images (exact: 1, near: 0), for example test 2 ="
        " training 2",
        "1 of 5 test images are also validation images (exact: 1, near: 0), for example test 1 ="
        " validation 0",
        "1 of 5 test images repeat others (exact: 1, near: 0), for example test 3 = test 0",
    ]
    assert found.figures()["repeated"][0] == {
        "split": "train",
        "first_split": "train",
        "exact": 2,
        "near": 0,
        "contradictory": 1,
        "pairs": [[3, 1], [4, 1]],
    }
    assert not any(pair.contradictory for pair in find_duplicates({"train": train}).pairs)


def test_one_pixel_makes_a_near_one_and_both_are_told(digits):
    changed = digits[:2].copy()
    changed[1, 0, 14, 14] ^= 4
    found = find_duplicates({"train": digits[:2], "test": changed})
    assert [(pair.index, pair.first_index, pair.exact) for pair in found.pairs] == [
        (0, 0, True),
        (1, 1, False),
    ]
    assert found.summary() == [
        "2 of 2 test images are also training images (exact: 1, near: 1), for example test 0 ="
        " training 0"
    ]
    assert len(find_duplicates({"train": digits[:2], "test": changed}, near=False).pairs) == 1


def test_of_several_alike_the_training_image_is_named(photos):
    again = [
        np.stack([CHANGES[change](image) for image in photos[:9]])
        for change in ("JPEG 95", "brighter", "JPEG 75")
    ]
    found = find_duplicates(
        {"train": photos, "validation": again[0], "test": np.concatenate(again[1:])}
    )
    assert len(found.between("validation", "train")) == 9
    assert [pair.first_index for pair in found.between("test", "train")] == 2 * [*range(9)]
    assert len(found.pairs) == 27


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_one_colour_are_counted_and_no_pairs(photos, channels):
    plain = np.zeros((6, channels, 32, 32), np.uint8)
    plain[3:] = np.arange(3 * channels, dtype=np.uint8).reshape(3, channels, 1, 1) * 20
    found = find_duplicates(
        {"train": plain, "test": np.concatenate([plain, photos[:2, :channels]])}
    )
    assert found.pairs == ()
    assert found.one_coloured == {"train": 6, "test": 6}


def test_nearly_one_coloured_images_are_not_each_others_duplicates():
    """White paper with the noise of a scanner."""
    draw = np.random.default_rng(0)
    paper = draw.integers(250, 256, (700, 1, 28, 28), np.uint8)
    assert find_duplicates({"train": paper}).pairs == ()


@pytest.mark.parametrize("side", [1, 2, 8, 15, 16])
def test_small_images_are_compared_exactly(side):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (40, 1, side, side + 1), np.uint8)
    found = find_duplicates({"train": images, "test": images[5:7]})
    assert [(pair.index, pair.first_index) for pair in found.pairs if pair.split == "test"] == [
        (0, 5),
        (1, 6),
    ]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.floats(0.01, 0.5))
def test_neighbours_are_all_that_are_within_reach(seed, count, reach):
    points = np.random.default_rng(seed).uniform(-1, 1, (count, 3)).astype(np.float32)
    found = [pair for parts in _neighbours(points, reach) for pair in zip(*parts, strict=True)]
    apart = np.abs(points[:, None] - points).max(axis=2)
    assert len(found) == len(set(found))
    assert set(found) == {
        (one, other) for one, other in np.argwhere(apart < reach).tolist() if other < one
    }


def test_what_two_splits_share_is_said_by_name_or_number():
    random = np.random.default_rng(7)
    train, test = (random.integers(0, 256, (n, 1, 8, 8), np.uint8) for n in (6, 4))
    test[2], test[3], train[5] = train[4], train[1], train[0]
    found = find_duplicates({"train": train, "test": test}, near=False)
    assert found.shared({}) == ["2 of 4 test images are also training images (test 2 = training 4)"]
    names = {
        "train": [f"train/{n}.png" for n in range(6)],
        "test": [f"test/{n}.png" for n in "abcd"],
    }
    assert found.shared(names) == [
        "2 of 4 test images are also training images (test/c.png = train/4.png)"
    ]
    assert find_duplicates({"train": train, "test": test[:2]}, near=False).shared(names) == []


def test_loading_says_what_was_leaked_and_verifying_says_it_once(tmp_path):
    random = np.random.default_rng(8)
    for split, count in (("train", 12), ("val", 4), ("test", 4)):
        for label in "ab":
            folder = tmp_path / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                pixels_ = random.integers(0, 256, (8, 8), np.uint8)
                Image.fromarray(pixels_).save(folder / f"{number}.png")
    (tmp_path / "train/a/11.png").write_bytes((tmp_path / "test/b/2.png").read_bytes())
    (tmp_path / "train/a/10.png").write_bytes((tmp_path / "val/a/3.png").read_bytes())
    leaks = [
        "1 of 8 test images are also training images (test/b/2.png = train/a/11.png)",
        "1 of 8 validation images are also training images (val/a/3.png = train/a/10.png)",
    ]
    assert load_dataset(tmp_path).notes[-2:] == leaks
    found = verify_dataset(tmp_path)
    assert not set(leaks) & set(found.notes)
    assert sum(fault.kind == "repeated images" for fault in found.faults) == 2
