"""The integer networks of the reader's core against the float networks that they were made from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mnistlab.detector.network import CLASSES, Bottleneck, Detector
from mnistlab.detector.quantise import (
    LARGEST,
    fold,
    quantise_classifier,
    quantise_detector,
    write_model,
)
from mnistlab.recogniser.engine import OUTPUTS, Engine
from tests.recogniser.core_networks import (
    draw,
    draw_cut_outs,
    make_classifier,
    make_detector,
    run_float,
)

PAPER = 200


@pytest.fixture(scope="module")
def detector():
    return make_detector()


@pytest.fixture(scope="module")
def engine(detector, tmp_path_factory):
    return open_engine(tmp_path_factory.mktemp("model"), detector[1])


def open_engine(folder, networks):
    write_model(folder / "reader.bin", networks)
    return Engine((folder / "reader.bin").read_bytes())


def all_cells(height, width):
    return np.argwhere(np.ones((height // 4, width // 4), bool)).astype(np.int32)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (8, 64), (64, 8), (160, 160), (104, 200)])
def test_the_detector_says_what_the_float_network_says(detector, engine, height, width):
    picture = draw(np.random.default_rng(7), height, width)
    expected = run_float(detector[0], picture[None, None])[0]
    planes, classes = engine.detect(picture, cells=all_cells(height, width))
    found = np.concatenate([planes, classes.T.reshape(-1, height // 4, width // 4)])
    error = np.abs(found - expected)
    # Logits vary by 1.5 to 2.5; the largest error seen is 0.021, the mean one 0.003.
    assert expected.std() > 1
    assert error.max() < 0.04
    assert error.mean() < 0.005


def test_classes_are_those_of_the_cell_that_is_asked_for(detector, engine):
    picture = draw(np.random.default_rng(8), 64, 64)
    expected = run_float(detector[0], picture[None, None])[0, CLASSES:]
    cells = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [15, 14], [6, 9]], np.int32)
    _, classes = engine.detect(picture, cells=cells)
    assert classes == pytest.approx(expected[:, cells[:, 0], cells[:, 1]].T, abs=0.03)


REACH = 8
"""Cells of 8x8 pixels that the detector looks away from one, at most."""


@settings(deadline=None, max_examples=20)
@given(
    height=st.integers(1, 6), width=st.integers(1, 6), seed=st.integers(0, 99), part=st.floats(0, 1)
)
def test_left_out_cells_count_as_blank_paper(engine, height, width, seed, part):
    """Where all that is left out is blank indeed, leaving it out changes no bit, but for the
    border: beyond it is no paper.
    """
    rng = np.random.default_rng(seed)
    tall, wide = height + 2 * REACH, width + 2 * REACH
    picture = np.full((8 * tall, 8 * wide), PAPER, np.uint8)
    cells = rng.random((height, width)) < part
    ink = np.kron(cells, np.ones((8, 8), bool))
    inner = np.s_[8 * REACH : -8 * REACH, 8 * REACH : -8 * REACH]
    picture[inner][ink] = draw(rng, 8 * height, 8 * width)[ink]
    active = np.zeros((tall, wide), bool)
    for row, column in np.argwhere(cells):
        active[row : row + 2 * REACH + 1, column : column + 2 * REACH + 1] = True
    dense, sparse = engine.detect(picture)[0], engine.detect(picture, active, PAPER)[0]
    seen = np.s_[:, 2 * REACH : -2 * REACH, 2 * REACH : -2 * REACH]
    assert np.array_equal(dense[seen], sparse[seen])


def test_active_cells_at_the_edge_see_what_is_beyond_it(engine):
    picture = draw(np.random.default_rng(9), 64, 96)
    everything, _ = engine.detect(picture)
    active = np.ones((8, 12), bool)
    assert np.array_equal(engine.detect(picture, active, 0)[0], everything)


def test_cells_that_are_left_out_do_not_change_the_rest_much(detector, engine):
    picture = draw(np.random.default_rng(10), 160, 160, 6)
    active = np.zeros((20, 20), bool)
    active[3:15, 4:17] = True
    dense, sparse = engine.detect(picture)[0], engine.detect(picture, active, PAPER)[0]
    seen = np.kron(active, np.ones((2, 2))).astype(bool)
    blank = engine.detect(picture, np.zeros_like(active), PAPER)[0]
    assert np.array_equal(sparse[:, ~seen], blank[:, ~seen])
    # Ten cells of 4 pixels further in, nothing of it is left.
    inner = np.s_[:, 6 + 16 : 30 - 16, 8 + 16 : 34 - 16]
    assert not np.array_equal(dense, sparse)
    assert np.array_equal(dense[inner], sparse[inner])


def test_nothing_is_left_of_earlier_pictures(engine):
    rng = np.random.default_rng(11)
    pictures = [draw(rng, height, width) for height, width in [(64, 200), (8, 8), (96, 40)]]
    masks = [rng.random((len(p) // 8, p.shape[1] // 8)) < 0.4 for p in pictures]
    before = [engine.detect(p, m, PAPER)[0] for p, m in zip(pictures, masks, strict=True)]
    for index in (2, 0, 1, 0, 2):
        again = engine.detect(pictures[index], masks[index], PAPER)[0]
        assert np.array_equal(again, before[index])


def test_the_classifier_says_what_the_float_network_says(detector, tmp_path):
    net, networks = make_classifier()
    engine = open_engine(tmp_path, detector[1] | {"classifier": networks})
    cutouts = draw_cut_outs(np.random.default_rng(1), 37)
    expected, found = run_float(net, cutouts), engine.classify(cutouts)
    assert expected.std() > 0.2
    assert np.abs(found - expected).max() < 0.02
    # In batches or one by one.
    assert np.array_equal(found[5:6], engine.classify(cutouts[5:6]))
    assert engine.classify(cutouts[:0]).shape == (0, OUTPUTS)


def _unit(inputs, outputs, kernel, stride, groups=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


LAYERS = {
    "mean": [_unit(3, 12, 3, 2), _unit(12, 56, 3, 2), Bottleneck(), nn.AdaptiveAvgPool2d(1)],
    "whole map": [
        _unit(3, 8, 5, 2),
        _unit(8, 8, 3, 2, 8),
        _unit(8, 20, 1, 1),
        _unit(20, 20, 5, 2, 20),
    ],
}


@pytest.mark.parametrize("kind", LAYERS)
def test_classifiers_of_other_layers(detector, tmp_path, kind):
    inputs = {"mean": 56, "whole map": 20 * 4 * 4}[kind]
    net, networks = make_classifier(
        nn.Sequential(*LAYERS[kind], nn.Flatten(), nn.Linear(inputs, OUTPUTS))
    )
    engine = open_engine(tmp_path, detector[1] | {"classifier": networks})
    cutouts = draw_cut_outs(np.random.default_rng(2), 20)
    expected = run_float(net, cutouts)
    assert np.abs(engine.classify(cutouts) - expected).max() < 0.02 * expected.std()


def test_activations_beyond_calibration_are_cut_off_and_do_no_harm(tmp_path):
    net, _ = make_detector(3)
    engine = open_engine(tmp_path, quantise_detector(net, np.full((1, 16, 16), 200, np.uint8)))
    rng = np.random.default_rng(12)
    planes, _ = engine.detect(rng.integers(0, 256, (64, 64), np.uint8).astype(np.uint8))
    assert np.isfinite(planes).all()


def test_sums_fit_into_32_bits(detector):
    for name, network in detector[1].items():
        for layer in network.layers:
            worst = np.abs(layer.weights.astype(np.int64)).sum() * LARGEST
            assert worst / layer.outputs < 2**31, name


def test_layers_that_the_core_has_not_are_refused():
    with pytest.raises(ValueError, match="no layer LeakyReLU"):
        fold([nn.Sequential(nn.Conv2d(1, 4, 3), nn.LeakyReLU())])
    with pytest.raises(ValueError, match="grouped"):
        fold([nn.Conv2d(8, 8, 3, groups=2)])
    images = np.zeros((1, 3, 32, 32), np.uint8)
    with pytest.raises(ValueError, match="a multiple of four channels, not 6"):
        quantise_classifier(
            nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.Flatten(), nn.Linear(1536, 4)), images
        )


def test_the_example_of_the_detector_is_one_that_can_be_quantised():
    assert [layer.kind.name for layer in fold([Detector().eval().neck])] == ["DENSE"]
