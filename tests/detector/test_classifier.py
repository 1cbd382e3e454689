"""Cut-outs for the classifier."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from mnistlab.detector.classifier import CLASSES, ROOM, SIDE, Classifier, cut_out


def test_a_cut_out_is_the_picture_around_the_box_as_scipy_samples_it():
    rng = np.random.default_rng(0)
    picture = ndimage.gaussian_filter(rng.uniform(0, 255, (90, 120)), 2)
    picture = ((picture - picture.min()) / np.ptp(picture) * 255).astype(np.uint8)
    box = torch.tensor([[40.0, 20.0, 52.0, 44.0]])
    found = cut_out(
        torch.from_numpy(picture)[None, None], torch.tensor([0]), box, torch.tensor([20.0])
    )
    side = ROOM * 24
    at = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    rows, columns = np.meshgrid(32 + at * side - 0.5, 46 + at * side - 0.5, indexing="ij")
    expected = ndimage.map_coordinates(picture.astype(np.float64), [rows, columns], order=1)
    low, high = expected.min(), expected.max()
    expected = (expected - low) * 255 / (high - low)
    assert found[0, 0].numpy() == pytest.approx(expected, abs=0.01)


def test_beyond_the_picture_its_edge_goes_on_and_flat_paper_stays_flat():
    picture = torch.full((1, 1, 30, 30), 90, dtype=torch.uint8)
    picture[..., 0] = 100
    boxes = torch.tensor([[-8.0, 5.0, 2.0, 25.0]])
    (cut,) = cut_out(picture, torch.tensor([0]), boxes, torch.tensor([20.0]))
    assert cut[0, :, 0].tolist() == [pytest.approx(10 * 255 / 24)] * SIDE


def test_the_network_names_each_cut_out():
    assert Classifier()(torch.zeros(3, 1, SIDE, SIDE)).shape == (3, CLASSES)
