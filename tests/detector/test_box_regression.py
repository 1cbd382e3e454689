"""Box regression, against least squares as numpy solves it."""

import numpy as np
import torch
from torch import nn

from mnistlab.detector.box_regression import EDGES, add_box_regression
from mnistlab.detector.classifier import CLASSES, SIDE, VIEWS, Classifier
from mnistlab.detector.cut_outs import CutOuts
from mnistlab.detector.network import prepare


def make_cut_outs(rng, count):
    offsets = rng.uniform(-0.5, 0.5, (count, EDGES)).astype(np.float32)
    offsets[::5] = np.nan
    return CutOuts(
        rng.integers(0, 256, (count, VIEWS, SIDE, SIDE), np.uint8),
        rng.integers(0, CLASSES, count),
        rng.random((count, CLASSES), np.float32),
        offsets,
    )


@torch.no_grad()
def test_offsets_are_those_of_ridge_regression_and_logits_stay():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    net, parts = Classifier().eval(), [make_cut_outs(rng, 200), make_cut_outs(rng, 100)]
    both = add_box_regression(net, parts)
    images = torch.from_numpy(make_cut_outs(rng, 8).images)
    said = both(prepare(images))
    assert said.shape == (8, CLASSES + EDGES)
    assert torch.allclose(said[:, :CLASSES], net(prepare(images)), atol=1e-6)

    features = nn.Sequential(*list(net)[:-1])
    images, offsets = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("images", "offsets")
    )
    known = ~np.isnan(offsets[:, 0])
    seen = features(prepare(torch.from_numpy(images[known]))).double().numpy()
    # Rows that ask for coefficients of zero; the intercept is free.
    width = seen.shape[1]
    rows = np.vstack([np.hstack([seen, np.ones((len(seen), 1))]), np.eye(width, width + 1) * 10])
    aims = np.vstack([offsets[known], np.zeros((width, EDGES))])
    expected, *_ = np.linalg.lstsq(rows, aims, rcond=None)
    last = both[-1]
    assert np.allclose(last.weight[CLASSES:].numpy(), expected[:-1].T, atol=1e-5)
    assert np.allclose(last.bias[CLASSES:].numpy(), expected[-1], atol=1e-4)
