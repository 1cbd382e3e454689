"""benchmarks.photographs: pictures that are what they say they are."""

import io
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy import ndimage

from benchmarks.photographs import photograph, photographs, rewrite
from mnistlab import load_dataset

CONDITIONS = {
    *("paper", "scan", "whiteboard", "blackboard", "screen", "transparent"),
    *("tiny", "small", "medium", "filling"),
    *("ballpoint", "fine pen", "felt pen", "marker", "pencil", "chalk", "brush"),
    *("black", "blue", "red", "green", "grey", "light on dark"),
    *(
        "white",
        "cream",
        "grey paper",
        "coloured paper",
        "fibres",
        "ruled",
        "squared",
        "desk",
        "crease",
    ),
    *("uneven light", "vignette", "shadow", "colour cast", "underexposed"),
    *("perspective", "touching border", "touching", "nearly touching"),
    *("motion blur", "defocus", "sharpened", "noise"),
    *("JPEG", "PNG", "WebP", "CMYK", "greyscale", "palette", "bilevel", "16 bit", "exif"),
}


@pytest.fixture(scope="module")
def train():
    return load_dataset("mnist").train


@pytest.fixture(scope="module")
def pictures(train):
    singles = photographs(train.images, train.labels, count=140, length=1, seed=5)
    return [*singles, *photographs(train.images, train.labels, count=35, length=2, seed=6)]


def opened(picture):
    return Image.open(io.BytesIO(picture.content))


def grey(picture):
    """The upright picture as a person sees it: float64, 0 to 255."""
    image = ImageOps.exif_transpose(opened(picture))
    if image.mode.startswith("I"):
        return np.asarray(image) / 257
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"), float)


def ink_box(picture):
    """The box of what differs from the background by half as much as anything does; for flat
    backgrounds."""
    difference = np.abs(grey(picture) - np.median(grey(picture)))
    rows, columns = np.nonzero(difference > 0.5 * difference.max())
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def contrast(picture, rows, columns):
    return np.abs(grey(picture)[rows, columns] - np.median(grey(picture))).max()


def flat(picture):
    return {"screen", "transparent"} & {*picture.conditions}


def test_the_same_seed_gives_the_same_pictures_and_another_seed_others(train):
    def draw(seed):
        return list(photographs(train.images, train.labels, count=4, length=2, seed=seed))

    assert draw(1) == draw(1)
    assert all(one.content != other.content for one, other in zip(draw(1), draw(2)))


def test_the_pictures_decode_to_sensible_sizes(pictures):
    sizes = [opened(picture).size for picture in pictures]
    for picture in pictures:
        opened(picture).load()
    assert min(map(min, sizes)) >= 28
    assert 800 < max(map(max, sizes)) <= 2000
    assert {opened(picture).format for picture in pictures} == {"PNG", "JPEG", "WEBP"}


def test_the_truth_is_what_was_asked_for(train):
    for index in range(6):
        chosen = np.arange(index, index + 4)
        picture = photograph(
            train.images[chosen], train.labels[chosen], np.random.default_rng(index)
        )
        assert picture.digits == "".join(str(label) for label in train.labels[chosen])
        assert len(picture.boxes) == 4
        lefts = [left for left, _, _, _ in picture.boxes]
        assert lefts == sorted(lefts)


def test_no_digit_is_drawn_twice_before_all_were_drawn_once(train):
    drawn = photographs(train.images[:10], np.arange(10), count=4, length=5, seed=0)
    digits = "".join(picture.digits for picture in drawn)
    assert sorted(digits[:10]) == sorted(digits[10:]) == list("0123456789")


def test_every_condition_occurs_and_no_other(pictures):
    counts = Counter(condition for picture in pictures for condition in picture.conditions)
    assert set(counts) == CONDITIONS
    assert (
        max(counts[c] for c in ("touching", "desk", "ruled", "squared", "shadow", "motion blur"))
        < 58
    )


def test_all_boxes_lie_in_the_picture(pictures):
    for picture in pictures:
        height, width = grey(picture).shape
        for left, top, right, bottom in picture.boxes:
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height


def test_the_ink_is_where_the_boxes_say(pictures):
    chosen = [picture for picture in pictures if flat(picture) and "JPEG" not in picture.conditions]
    assert len(chosen) > 20
    for picture in chosen:
        lefts, tops, rights, bottoms = zip(*picture.boxes)
        expected = min(lefts), min(tops), max(rights), max(bottoms)
        np.testing.assert_allclose(ink_box(picture), expected, atol=1.5)
        for left, top, right, bottom in picture.boxes:
            assert contrast(picture, slice(top, bottom), slice(left, right)) > 60


def test_ink_that_touches_the_border_reaches_it(pictures):
    touching = [picture for picture in pictures if "touching border" in picture.conditions]
    assert touching
    for picture in touching:
        height, width = grey(picture).shape
        lefts, tops, rights, bottoms = zip(*picture.boxes)
        assert min(*lefts, *tops, width - max(rights), height - max(bottoms)) == 0


def edges_inside(image, boxes):
    """How many times stronger edges are inside the boxes than outside."""
    edges, inside = np.hypot(*np.gradient(image)), np.zeros(image.shape, bool)
    for left, top, right, bottom in boxes:
        inside[top:bottom, left:right] = True
    return edges[inside].mean() / edges[~inside].mean()


def test_exif_pictures_are_stored_turned_and_come_out_upright(pictures):
    turned = [picture for picture in pictures if "exif" in picture.conditions]
    assert {opened(picture).getexif()[0x0112] for picture in turned} == {3, 6, 8}
    clear = [
        picture
        for picture in turned
        if not {"filling", "tiny", "desk", "noise"} & {*picture.conditions}
    ]
    assert len(clear) > 5
    for picture in clear:
        assert edges_inside(grey(picture), picture.boxes) > 1.3


def pieces_and_holes(ink):
    _, pieces = ndimage.label(ink, np.ones((3, 3)))
    _, outside = ndimage.label(~ink)
    return pieces, outside - 1


@pytest.mark.parametrize("radius", [0.4, 0.8, 2.4])
def test_no_pen_closes_a_loop_or_breaks_a_stroke(train, radius):
    for label, holes in {0: 1, 1: 0, 6: 1, 7: 0, 8: 2, 9: 1}.items():
        images = train.images[train.labels == label][:20]
        smooth = [
            np.asarray(Image.fromarray(image).resize((112, 112), Image.Resampling.BICUBIC))
            for image in images
        ]
        levels = [
            {pieces_and_holes(ink > level) for level in (80, 102, 140, 180)} for ink in smooth
        ]
        plain = [image for image, found in zip(images, levels) if found == {(1, holes)}]
        assert len(plain) > 4
        assert {pieces_and_holes(rewrite(image, radius) > 0) for image in plain} == {(1, holes)}


def test_a_thicker_pen_leaves_more_ink(train):
    areas = [
        sum((rewrite(image, radius) > 0).sum() for image in train.images[:20])
        for radius in (0.4, 0.8, 1.4, 2)
    ]
    assert all(thick > 1.2 * thin for thin, thick in pairwise(areas))


def test_the_pen_is_as_wide_as_asked_for(train):
    ones = train.images[train.labels == 1][:10]
    for radius in (0.5, 1.0, 2.0):
        outlines = [rewrite(image, radius) > 0 for image in ones]
        across = [np.median(ink[ink.any(axis=1)].sum(axis=1)) / 4 for ink in outlines]
        assert np.median(across) == pytest.approx(2 * radius, rel=0.35)
