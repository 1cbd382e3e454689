"""Weights of classes in a plan's loss, compared with PyTorch's in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from tests.kernels.reference import batch_of, make_plan, random_batches, randomise, twin_of
from tests.kernels.test_mixing import mixed, mixed_batches
from tests.kernels.test_training import CLASSES, SHAPE, network, start

WEIGHTS = torch.tensor([0.2, 1.0, 3.5, 0.7, 12.0])


def assert_same_gradients(model, wide):
    for ours, exact in zip(model.parameters(), wide.parameters(), strict=True):
        torch.testing.assert_close(ours.grad.double(), exact.grad, atol=1e-6, rtol=1e-6)


@settings(deadline=None, max_examples=20)
@given(
    weights=st.lists(st.floats(0.01, 100), min_size=3, max_size=3),
    smoothing=st.sampled_from([0.0, 0.1, 0.9]),
    count=st.sampled_from([1, 16, 37]),
)
def test_losses_and_gradients_are_pytorchs(weights, smoothing, count):
    model = randomise(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)))
    wide = twin_of(model)
    batches = random_batches(count, (1, 3, 4), 3, seed=count)
    images, labels = batch_of(batches, 0)
    weights = torch.tensor(weights)
    loss = functional.cross_entropy(
        wide(images), labels, weight=weights.double(), label_smoothing=smoothing
    )
    loss.backward()
    make_plan(model, (1, 3, 4), 3).train(
        batches, 0, 1, None, smoothing=smoothing, class_weights=weights
    )
    assert batches.losses.item() == pytest.approx(loss.item(), abs=1e-5, rel=1e-5)
    assert_same_gradients(model, wide)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_of_mixed_labels_they_are_those_of_the_targets_probabilities(kind, smoothing):
    model = network()
    wide = twin_of(model)
    batches = mixed_batches(kind)
    images, labels, others, shares = mixed(batches, 1, kind)
    targets = torch.zeros(len(labels), CLASSES, dtype=torch.float64)
    at = torch.arange(len(labels))
    targets.index_put_((at, labels), shares, accumulate=True)
    targets.index_put_((at, others), 1 - shares, accumulate=True)
    loss = functional.cross_entropy(
        wide(images), targets, weight=WEIGHTS.double(), label_smoothing=smoothing
    )
    loss.backward()
    make_plan(model, SHAPE, CLASSES).train(
        batches, 1, 2, None, smoothing=smoothing, class_weights=WEIGHTS
    )
    assert batches.losses[1].item() == pytest.approx(loss.item(), abs=1e-5)
    assert_same_gradients(model, wide)


def test_weights_of_one_leave_every_bit_as_it_was():
    outcomes = []
    for weights in (None, torch.ones(CLASSES)):
        model, batches = network(), random_batches(200, SHAPE, CLASSES, 50)
        make_plan(model, SHAPE, CLASSES).train(
            batches, 0, 4, start(model, "momentum"), class_weights=weights
        )
        outcomes.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(*outcomes)


@pytest.mark.parametrize("batch", [50, 300])
def test_the_same_bits_on_any_threads_and_in_calls_of_any_length(batch):
    def outcome(threads, step):
        model, batches = network(), random_batches(3 * batch - 7, SHAPE, CLASSES, batch)
        optimiser = start(model, "adam")
        plan = make_plan(model, SHAPE, CLASSES)
        for first in range(0, 3, step):
            plan.train(
                batches, first, first + step, optimiser, class_weights=WEIGHTS, threads=threads
            )
        parts = [*model.parameters(), batches.losses, batches.correct]
        return torch.cat([part.detach().double().flatten() for part in parts])

    expected = outcome(1, 3)
    assert all(torch.equal(outcome(threads, step), expected) for threads, step in ((3, 1), (2, 3)))


def test_too_few_weights_are_refused():
    with pytest.raises(ValueError, match="4 class weights for 5 classes"):
        make_plan(network(), SHAPE, CLASSES).train(
            random_batches(9, SHAPE, CLASSES), 0, 1, None, class_weights=torch.ones(4)
        )
