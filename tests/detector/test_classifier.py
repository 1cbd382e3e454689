"""The classifier, and what it is shown."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from mnistlab.characters import CHARACTERS, OTHER
from mnistlab.detector.classifier import CLASSES, EDGES, NOTHING, SIDE, VIEWS, Classifier
from mnistlab.detector.cut_outs import collect, find_offsets, find_truth
from mnistlab.recogniser.engine import Engine
from mnistlab.recogniser.models import find_model
from mnistlab.rendering.crops import render_crops
from mnistlab.rendering.page import Character
from tests.handwriting import small_bank

SEVEN, DOT = 7, CHARACTERS.index(".")
ROOM = 1.45, 1.45 * 2.2, 1.45 * 5
"""Sides of the views, in the larger side of the character's box, or nine tenths of its text's."""


def engine() -> Engine:
    return Engine(find_model("reader").read_bytes())


def test_the_network_names_each_cut_out_and_moves_its_edges():
    assert Classifier()(torch.zeros(3, VIEWS, SIDE, SIDE)).shape == (3, CLASSES + EDGES)


@pytest.mark.parametrize("view", range(VIEWS))
@pytest.mark.parametrize("inverted", [False, True])
def test_a_cut_out_is_the_picture_around_the_box_as_scipy_samples_it(view, inverted):
    picture = np.full((400, 400), 235, np.uint8)
    (rows, columns) = np.mgrid[:400, :400]
    ring = np.abs(np.hypot(rows - 200, 1.4 * (columns - 190)) - 14) < 3
    picture[ring] = 20
    # A stroke beside it, of which the cut-out shows a part.
    picture[185:215, 206:212] = 20
    if inverted:
        picture = 255 - picture
    seen = engine().look(picture)
    best = int(seen.found.argmax())
    left, top, right, bottom = seen.boxes[best].astype(np.float64)
    assert (left + right) / 2 == pytest.approx(190, abs=3)
    side = ROOM[view] * max(right - left, bottom - top)
    # Wide views are sampled from the picture reduced, or they would miss thin strokes.
    times = 2 ** max(int(np.ceil(np.log2(side / 54))), 0)
    seen_from = picture.reshape(400 // times, times, 400 // times, times).mean((1, 3))
    at = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    where = np.meshgrid(
        *(
            (middle + at * side) / times - 0.5
            for middle in ((top + bottom) / 2, (left + right) / 2)
        ),
        indexing="ij",
    )
    sampled = ndimage.map_coordinates(seen_from, where, order=1)
    low, high = sampled.min(), sampled.max()
    expected = (sampled - low if inverted else high - sampled) * 255 / (high - low)
    within = (np.abs(at) * side)[None] <= (right - left) / 2 + 0.04 * side
    within = within & ((np.abs(at) * side)[:, None] <= (bottom - top) / 2 + 0.04 * side)
    # What touches the character is told from it in the first view.
    if view == 0:
        assert expected[~within].max() > 200
        expected[~within] /= 2
    assert np.abs(seen.cut_outs[best][view] - expected).max() <= (2, 8, 24)[view]


def test_beyond_the_picture_there_is_paper():
    picture = np.full((60, 30), 230, np.uint8)
    picture[15:45, 2:6] = 25
    seen = engine().look(picture)
    best = int(seen.found.argmax())
    beyond = seen.cut_outs[best][:, :, :4]
    assert seen.boxes[best][0] < 6
    assert beyond.max() <= 2


def test_boxes_show_what_they_share_most_of_their_place_with():
    whole = Character(SEVEN, 10, 10, 22, 30, 20, 1.0)
    speck = Character(DOT, 25, 27, 28, 30, 20, 1.0)
    cut = Character(3, 40, 10, 52, 30, 20, 0.5)
    like_five = Character(OTHER, 90, 10, 102, 30, 20, 1.0, mistakable=True)
    boxes = np.array(
        [
            [10, 10, 22, 30],  # the seven
            [11, 9, 23, 29],  # nearly
            [10, 10, 22, 15],  # its upper quarter
            [10, 10, 22, 19],  # nearly half of it
            [-6, 9, 23, 31],  # it and what may stand before it
            [24, 26, 28, 30],  # the dot
            [40, 10, 52, 30],  # what the edge cuts
            [70, 10, 82, 30],  # bare paper
            [90, 10, 102, 30],  # a letter that could be a digit
        ],
        np.float32,
    )
    found = find_truth(boxes, [whole, speck, cut, like_five])
    assert found.tolist() == [SEVEN, SEVEN, NOTHING, -1, NOTHING, DOT, -1, NOTHING, -1]
    assert find_truth(boxes, []).tolist() == [NOTHING] * len(boxes)


def test_a_box_around_two_characters_shows_neither():
    one = Character(1, 10, 10, 16, 40, 30, 1.0)
    two = Character(2, 18, 10, 40, 40, 30, 1.0)
    # Its ascender reaches over the two.
    seven = Character(SEVEN, 26, 4, 44, 40, 36, 1.0)
    boxes = np.array([[18, 10, 40, 40], [10, 10, 40, 40], [14, 10, 40, 40], [9, 9, 17, 41]])
    found = find_truth(boxes.astype(np.float32), [one, two])
    assert found.tolist() == [2, NOTHING, 2, 1]
    # What two boxes share anyway is no fault of a third.
    assert find_truth(boxes[:1].astype(np.float32), [two, seven]).tolist() == [2]


def test_edges_are_off_by_what_the_character_reaches_beyond_the_box():
    seven = Character(SEVEN, 12, 10, 22, 34, 24, 1.0)
    dot = Character(DOT, 60, 27, 63, 30, 24, 1.0)
    cut = Character(3, 80, 10, 92, 34, 24, 0.5)
    slash = Character(CHARACTERS.index("/"), 100, 10, 110, 34, 24, 1.0)
    boxes = [
        [10, 10, 22, 30],  # the seven, whose foot is missing
        [14, 11, 20, 24],  # a part of it, 13 high
        [102, 10, 110, 30],  # the slash, likewise
        [59, 26, 64, 31],  # the dot
        [80, 10, 92, 34],  # what the edge cuts
        [40, 10, 52, 34],  # bare paper
    ]
    found = find_offsets(np.array(boxes, np.float32), [seven, dot, cut, slash])
    assert found[0] == pytest.approx([2 / 20, 0, 0, 4 / 20])
    assert found[1] == pytest.approx([-2 / 13, -1 / 13, 2 / 13, 0.5])
    assert found[2] == pytest.approx([-2 / 20, 0, 0, 4 / 20])
    assert np.isnan(found[3:]).all()
    assert np.isnan(find_offsets(np.array(boxes, np.float32), [])).all()


def test_pages_give_cut_outs_of_every_character_and_of_nothing():
    found = collect(engine(), small_bank(), 3, range(20))
    assert found.images.shape == (len(found.kinds), VIEWS, SIDE, SIDE)
    assert found.detected.shape == (len(found.kinds), CLASSES)
    # In better boxes edges are off by less.
    known = ~np.isnan(found.offsets[:, 0])
    off = found.offsets[known]
    said = engine().classify(found.images[known])[:, CLASSES:]
    assert np.abs(off - said).mean() < 0.8 * np.abs(off).mean()
    assert set(range(10)) | {NOTHING} <= set(found.kinds.tolist())
    # The detector names most of what it is sure to see.
    sure = (found.detected[:, -1] > 0.9) & (found.kinds < NOTHING)
    assert np.mean(found.detected[sure, :-1].argmax(1) == found.kinds[sure]) > 0.8
    again = collect(engine(), small_bank(), 3, range(1))
    assert np.array_equal(again.images, found.images[: len(again.images)])
    assert len(render_crops(3, 0, small_bank())) == 2
