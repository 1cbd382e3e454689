"""Training of the classifier."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from mnistlab.detector.classifier import CLASSES, EDGES, SIDE, VIEWS, Classifier
from mnistlab.detector.classifier_training import classifier_loss, measure, train_classifier
from mnistlab.detector.cut_outs import CutOuts
from mnistlab.detector.network import prepare
from mnistlab.detector.quantise import quantise_classifier


def bars(count: int, seed: int) -> CutOuts:
    """Upright bars in one of two places, as kind 0 or 1; their left edge is off by where they are.

    A fifth of the offsets is not known.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 2, count)
    images = rng.integers(0, 60, (count, VIEWS, SIDE, SIDE)).astype(np.uint8)
    for image, kind in zip(images, kinds, strict=True):
        image[:, 4:28, 6 + 12 * kind : 10 + 12 * kind] = 240
    offsets = np.zeros((count, EDGES), np.float32)
    offsets[:, 0] = 0.3 - 0.6 * kinds
    offsets[::5] = np.nan
    return CutOuts(images, kinds, np.zeros((count, CLASSES), np.float32), offsets)


def test_the_loss_is_cross_entropy_and_what_edges_are_off_where_that_is_known():
    out = torch.zeros(2, CLASSES + EDGES)
    out[0, 3], out[0, CLASSES:] = math.log(80), torch.tensor([0.5, 0.1, 0.0, -0.2])
    kinds = torch.tensor([3, 7])
    offsets = torch.tensor([[0.44, 0.1, 0.0, 0.1], [math.nan] * 4])
    # Of 21 names one has the share 80/100; 0.98 + 0.02/21 of the label, 0.02/21 each other has.
    named = [
        -(0.98 + 0.02 / 21) * math.log(0.8) - 20 * 0.02 / 21 * math.log(0.01),
        math.log(21),
    ]
    # 0.06 is within 0.12 and counts squared, 0.3 beyond it.
    off = (0.5 * 0.06**2 / 0.12 + 0 + 0 + 0.3 - 0.06) / 4 / 0.12
    found = classifier_loss(out, kinds, offsets)
    assert float(found) == pytest.approx(sum(named) / 2 + off, rel=1e-5)
    unknown = torch.full_like(offsets, math.nan)
    assert float(classifier_loss(out, kinds, unknown)) == pytest.approx(sum(named) / 2, rel=1e-5)


def test_it_learns_names_and_edges(tmp_path, monkeypatch):
    monkeypatch.setattr("mnistlab.detector.classifier_training.BATCH", 32)
    torch.manual_seed(0)
    net, held_out = Classifier(), bars(64, 1)
    history = train_classifier(net, tmp_path / "state", bars(320, 0), held_out, epochs=4)
    assert [done.epoch for done in history] == [1, 2, 3, 4]
    assert measure(net, held_out) == pytest.approx(
        (history[-1].test_loss, history[-1].test_accuracy), rel=1e-5
    )
    assert history[-1].test_accuracy == 1
    with torch.no_grad():
        said = net(prepare(torch.from_numpy(held_out.images)))[:, CLASSES].numpy()
    assert np.abs(said - (0.3 - 0.6 * held_out.kinds)).mean() < 0.1


def test_a_run_that_is_stopped_at_any_step_ends_in_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr("mnistlab.detector.classifier_training.BATCH", 16)
    shown, held_out = bars(60, 0), bars(20, 1)

    def train(name, should_stop=lambda: False):
        torch.manual_seed(5)
        net = Classifier()
        options = {"epochs": 2, "seed": 3, "should_stop": should_stop}
        return net, train_classifier(net, tmp_path / name, shown, held_out, **options)

    whole, history = train("whole")
    rounds = 0
    while (found := train("cut", lambda: True))[1] is None:
        rounds += 1
    # The last of its six steps is not stopped at.
    assert rounds == 5
    for name, value in whole.state_dict().items():
        assert torch.equal(value, found[0].state_dict()[name]), name
    timeless = {"train_seconds", "test_seconds", "images_per_second"}
    assert [one.model_dump(exclude=timeless) for one in found[1]] == [
        one.model_dump(exclude=timeless) for one in history
    ]


@torch.no_grad()
def test_of_two_classifiers_the_mean_is_quantised():
    torch.manual_seed(0)
    net = Classifier().eval()
    for norm in (part for part in net.modules() if isinstance(part, nn.BatchNorm2d)):
        norm.running_var.uniform_(0.5, 2)
        norm.running_mean.normal_(std=0.1)
    other, mean = copy.deepcopy(net), copy.deepcopy(net)
    other[-1].reset_parameters()
    # Twice is in the middle of once and three times.
    other[1].weight.mul_(3)
    other[1].bias.copy_(3 * net[1].bias)
    mean[1].weight.mul_(2)
    mean[1].bias.copy_(2 * net[1].bias)
    for name in ("weight", "bias"):
        one, two = (getattr(part[-1], name) for part in (net, other))
        getattr(mean[-1], name).copy_((one + two) / 2)
    images = np.random.default_rng(0).integers(0, 256, (64, VIEWS, SIDE, SIDE), np.uint8)
    found, expected = quantise_classifier(net, images, other), quantise_classifier(mean, images)
    alone = quantise_classifier(net, images)
    for one, two in zip(found.layers, expected.layers, strict=True):
        assert np.abs(one.weights.astype(int) - two.weights.astype(int)).max() <= 1
    assert not np.array_equal(found.layers[-1].weights, alone.layers[-1].weights)
