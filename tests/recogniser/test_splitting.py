"""mnistlab.recogniser.splitting: digits of MNIST slid together until they touch, and digits left
alone."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from mnistlab.glyphs.glyph import prepare, thickness
from mnistlab.recogniser.splitting import _best_path, _score, split

EVERY_NEIGHBOUR = np.ones((3, 3), bool)
PAIRS = 20


def solid(image):
    """A digit's ink, five times as large, cut out."""
    ink = np.asarray(Image.fromarray(image).resize((140, 140), Image.Resampling.BICUBIC)) > 127
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def is_whole(ink):
    return ndimage.label(ink, EVERY_NEIGHBOUR)[1] == 1


def slide_together(left, right):
    """Both on one baseline, two pixels further than where they first touch."""
    height = max(len(left), len(right))
    left, right = (np.pad(ink, ((height - len(ink), 0), (0, 0))) for ink in (left, right))

    def overlapped(columns):
        both = np.pad(left, ((0, 0), (0, right.shape[1] - columns)))
        both[:, -right.shape[1] :] |= right
        return both

    touching = next(columns for columns in range(right.shape[1]) if is_whole(overlapped(columns)))
    return overlapped(touching + 2)


@pytest.fixture(scope="module")
def pieces_of(reader):
    def read(masks):
        return reader.network.logits(np.stack([prepare(mask.astype(np.float32)) for mask in masks]))

    def pieces(mask, tall=None):
        found = split(mask, tall or len(mask), thickness(mask), read, reader.network.typical_logit)
        return found, "".join(str(label) for label in read(found)[:, :10].argmax(axis=1))

    return pieces


@pytest.fixture(scope="module")
def whole(mnist):
    """Digits in one piece, by label: one digit's ink each."""
    inks = [
        (int(label), solid(image))
        for image, label in zip(mnist.train.images[:900], mnist.train.labels[:900])
    ]
    return [(label, ink) for label, ink in inks if is_whole(ink)]


def test_most_touching_pairs_are_told_apart(pieces_of, whole):
    chosen = np.random.default_rng(5).permutation(len(whole))[: 2 * PAIRS].reshape(PAIRS, 2)
    parted = right = 0
    for (one, first), (other, second) in ((whole[i], whole[k]) for i, k in chosen):
        found, text = pieces_of(slide_together(first, second))
        parted += len(found) == 2
        right += text == f"{one}{other}"
    assert parted >= 0.65 * PAIRS
    assert right >= 0.6 * PAIRS


@pytest.mark.parametrize("digit", [0, 4, 8])
def test_a_single_digit_is_hardly_ever_split(pieces_of, whole, digit):
    alone = [ink for label, ink in whole if label == digit][:50]
    assert len(alone) == 50
    assert sum(len(found) > 1 for found, _ in map(pieces_of, alone)) <= 1


def test_pieces_are_parts_of_the_whole_from_left_to_right(pieces_of, whole):
    seven, zero = ([ink for label, ink in whole if label == digit][1] for digit in (7, 0))
    both = slide_together(seven, zero)
    found, text = pieces_of(both)
    assert text == "70"
    assert all(
        piece.shape == both.shape and piece.dtype == bool and (piece <= both).all()
        for piece in found
    )
    assert not (found[0] & found[1]).any()
    assert (found[0] | found[1]).sum() > 0.95 * both.sum()
    assert np.nonzero(found[0])[1].mean() < np.nonzero(found[1])[1].mean()


def test_three_in_a_row_are_told_apart(pieces_of, whole):
    two, zero, three = (next(ink for label, ink in whole if label == digit) for digit in (2, 0, 3))
    assert pieces_of(slide_together(slide_together(two, zero), three))[1] == "203"


def never(masks):
    raise AssertionError("read although it is too narrow for two digits")


@pytest.mark.parametrize("shape", [(80, 8), (80, 55), (1, 1)])
def test_what_is_narrow_is_not_even_read(shape):
    mask = np.ones(shape, bool)
    (found,) = split(mask, 80.0, 8.0, never, 15.0)
    assert found is mask


@pytest.mark.parametrize("shape", [(10, 100), (3, 300), (80, 400), (60, 3000), (2, 2), (100, 100)])
def test_any_shape_is_split_or_left_alone(pieces_of, shape):
    mask = np.zeros(shape, bool)
    mask[:: max(1, shape[0] // 6)] = True
    mask[:, :: max(1, shape[1] // 6)] = True
    for tall in (shape[0], 8 * shape[0]):
        found, text = pieces_of(mask, tall)
        assert len(found) == len(text) >= 1
        assert all(piece.any() for piece in found)


def test_a_fine_grid_is_split_or_left_alone(pieces_of):
    """Its ink falls into many pieces between two seams, none of them large."""
    mask = np.zeros((360, 360), bool)
    mask[::40] = mask[:, ::40] = True
    dust = np.random.default_rng(0).random((100, 300)) < 0.2
    for ink in (mask, dust):
        found, _ = pieces_of(ink)
        assert all(piece.any() for piece in found)


@settings(deadline=None)
@given(st.integers(1, 7), st.integers(0, 2**32 - 1), st.sampled_from([None, 15.0]))
def test_the_way_found_is_the_best_of_all_though_few_pieces_are_read(inner, seed, typical):
    random, ends = np.random.default_rng(seed), inner + 2
    cuts = np.append(random.uniform(0, 4, ends - 1), 0.0)
    keys = [key for key in combinations(range(ends), 2) if random.random() < 0.8]
    pieces = {key: np.ones(random.integers(5, 60, 2), bool) for key in keys}
    logits = {id(piece): random.normal(0, 6, 10 + (typical is None)) for piece in pieces.values()}
    asked = []

    def read(masks):
        asked.extend(map(id, masks))
        return np.array([logits[id(mask)] for mask in masks])

    found = _best_path(pieces, cuts, read, typical)
    assert len(set(asked)) == len(asked) <= len(pieces)
    sums = {}
    for within in (
        stops for size in range(inner + 1) for stops in combinations(range(1, ends - 1), size)
    ):
        way = list(pairwise((0, *within, ends - 1)))
        if all(key in pieces for key in way):
            sums[tuple(way)] = sum(
                _score(pieces[key], logits[id(pieces[key])], typical) - cuts[key[1]] for key in way
            )
    assert bool(found) == bool(sums)
    if sums:
        assert sums[tuple(found)] == pytest.approx(max(sums.values()))


def test_of_many_pieces_few_are_read(reader, whole):
    read = []

    def count(masks):
        read.append(len(masks))
        return reader.network.logits(np.stack([prepare(mask.astype(np.float32)) for mask in masks]))

    inks = [ink for _, ink in whole[:4]]
    row = inks[0]
    for ink in inks[1:]:
        row = slide_together(row, ink)
    assert len(split(row, len(row), thickness(row), count, reader.network.typical_logit)) >= 3
    assert sum(read) < 200
