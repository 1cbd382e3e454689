"""Losses of a plan, and losses computed outside it, compared with PyTorch's in float64."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels import EpochBatches, load_library
from mnistlab.training.loss import LOSSES, focal
from tests.kernels.reference import batch_of, make_plan, random_batches, randomise, twin_of
from tests.kernels.test_mixing import mixed, mixed_batches
from tests.kernels.test_training import CLASSES as MIXED_CLASSES
from tests.kernels.test_training import SHAPE as MIXED_SHAPE

SHAPE, CLASSES = (2, 6, 6), 4


def network():
    return randomise(
        nn.Sequential(nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(80, CLASSES)), seed=3
    )


def dense_network():
    return randomise(
        nn.Sequential(nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, CLASSES, 2)),
        seed=4,
    )


def assert_gradients(model, wide):
    for ours, exact in zip(model.parameters(), wide.parameters(), strict=True):
        torch.testing.assert_close(ours.grad.double(), exact.grad, atol=2e-6, rtol=1e-5)


def one_hot(labels):
    return functional.one_hot(labels, CLASSES).double()


def test_both_sides_have_the_same_losses():
    assert load_library().losses() == {"cross_entropy", *LOSSES}


@settings(deadline=None, max_examples=25)
@given(name=st.sampled_from([*LOSSES]), count=st.integers(1, 40), threads=st.integers(1, 4))
def test_losses_of_one_hot_labels(name, count, threads):
    model = network()
    wide = twin_of(model)
    batches = random_batches(count, SHAPE, CLASSES, seed=count)
    images, labels = batch_of(batches, 0)
    exact = LOSSES[name](wide(images), one_hot(labels))
    exact.backward()
    make_plan(model, SHAPE, CLASSES).train(batches, 0, 1, None, loss=name, threads=threads)
    assert batches.losses.item() == pytest.approx(exact.item(), rel=1e-5, abs=1e-6)
    assert_gradients(model, wide)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 5.0])
def test_focal_loss_of_any_gamma(gamma):
    model = network()
    wide = twin_of(model)
    batches = random_batches(33, SHAPE, CLASSES)
    images, labels = batch_of(batches, 0)
    focal(wide(images), one_hot(labels), gamma).backward()
    make_plan(model, SHAPE, CLASSES).train(batches, 0, 1, None, loss="focal", gamma=gamma)
    assert_gradients(model, wide)


def test_focal_loss_without_gamma_is_cross_entropy():
    logits = torch.randn(9, CLASSES, dtype=torch.float64)
    labels = torch.arange(9) % CLASSES
    expected = functional.cross_entropy(logits, labels)
    torch.testing.assert_close(focal(logits, one_hot(labels), 0.0), expected)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_mixed_labels(name, kind):
    model = randomise(nn.Sequential(nn.Flatten(), nn.Linear(math.prod(MIXED_SHAPE), MIXED_CLASSES)))
    wide = twin_of(model)
    batches = mixed_batches(kind)
    images, labels, others, shares = mixed(batches, 0, kind)
    own, other = (functional.one_hot(given, MIXED_CLASSES) for given in (labels, others))
    LOSSES[name](wide(images), shares[:, None] * own + (1 - shares[:, None]) * other).backward()
    make_plan(model, MIXED_SHAPE, MIXED_CLASSES).train(batches, 0, 1, None, loss=name)
    assert_gradients(model, wide)


@settings(deadline=None, max_examples=15)
@given(count=st.integers(2, 35), smoothing=st.sampled_from([0.0, 0.2]), seed=st.integers(0, 99))
def test_a_label_for_each_position(count, smoothing, seed):
    model = dense_network()
    wide = twin_of(model)
    single = random_batches(count, SHAPE, CLASSES, seed=seed)
    random = torch.Generator().manual_seed(seed)
    # Some positions have no label, as PyTorch's ignore_index.
    labels = torch.randint(-1, CLASSES, (count, 3, 3), generator=random)
    labels[:, 0, 0] = 1
    batches = EpochBatches(**vars(single) | {"labels": labels})
    images, chosen = batch_of(batches, 0)
    exact = functional.cross_entropy(
        wide(images), chosen, ignore_index=-1, label_smoothing=smoothing
    )
    exact.backward()
    make_plan(model, SHAPE, CLASSES).train(batches, 0, 1, None, smoothing=smoothing)
    assert batches.losses.item() == pytest.approx(exact.item(), rel=1e-5)
    assert_gradients(model, wide)


def cosine(outputs, labels):
    return -(functional.normalize(outputs, dim=1) * one_hot(labels).to(outputs.dtype)).sum(1).mean()


@settings(deadline=None, max_examples=15)
@given(count=st.integers(2, 40), threads=st.integers(1, 4), dense=st.booleans())
def test_any_loss_from_outside(count, threads, dense):
    model = dense_network() if dense else network()
    wide = twin_of(model)
    batches = random_batches(2 * count, SHAPE, CLASSES, batch=count, seed=count)
    plan = make_plan(model, SHAPE, CLASSES)
    for number in range(2):
        images, labels = batch_of(batches, number)
        wide.zero_grad()
        reduce = (lambda outputs: outputs.mean((2, 3))) if dense else (lambda outputs: outputs)
        cosine(reduce(wide(images)), labels).backward()
        outputs, context = plan.forward(batches, number, threads=threads)
        outputs.requires_grad_()
        cosine(reduce(outputs), labels).backward()
        plan.backward(context, outputs.grad)
        assert_gradients(model, wide)
    for ours, exact in zip(model.buffers(), wide.buffers(), strict=True):
        torch.testing.assert_close(ours.double(), exact.double(), atol=1e-6, rtol=1e-6)


def test_an_unknown_loss_is_refused():
    batches = random_batches(5, SHAPE, CLASSES)
    with pytest.raises(KernelError, match="no loss hinge"):
        make_plan(network(), SHAPE, CLASSES).train(batches, 0, 1, None, loss="hinge")
