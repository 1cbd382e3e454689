"""Dropout, whose masks follow from a seed: Philox's test vectors, rates, and whole steps."""

import ctypes

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mnistlab.kernels import load_library
from tests.kernels.reference import (
    batch_of,
    differentiate,
    dropout_factors,
    make_plan,
    philox,
    pixels,
    random_batches,
    randomise,
    twin_of,
)

ONES = 0xFFFFFFFF
# From the Random123 library's kat_vectors.
KNOWN = [
    (0, (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (2**64 - 1, (ONES,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        0x299F31D0A4093822,
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def librarys_philox(seed, counter):
    words = (ctypes.c_uint32 * 4)()
    load_library().functions.mnistlab_philox(seed, (ctypes.c_uint32 * 4)(*counter), words)
    return tuple(words)


@pytest.mark.parametrize(("seed", "counter", "words"), KNOWN)
def test_philox_gives_the_published_answers(seed, counter, words):
    assert librarys_philox(seed, counter) == words
    assert tuple(int(word) for word in philox(seed, *counter)) == words


@given(seed=st.integers(0, 2**64 - 1), counter=st.tuples(*[st.integers(0, ONES)] * 4))
def test_philox_in_numpy_is_the_librarys(seed, counter):
    assert librarys_philox(seed, counter) == tuple(int(word) for word in philox(seed, *counter))


class Masked(nn.Module):
    """Dropout with given factors."""

    factors = None

    def forward(self, x):
        return x * self.factors.to(x.dtype).view_as(x)


def observed_factors(share, count, classes, seed):
    """The mask of dropout on the logits themselves: where the gradient is zero, one was dropped."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, classes), nn.Dropout(share))
    plan, parts = make_plan(model, (1, 1, 1), classes), []
    for first in range(count):
        one = random_batches(1, (1, 1, 1), classes, seed=first)
        one.dropout_seeds[0] = seed + first
        plan.train(one, 0, 1, None)
        parts.append(model[1].bias.grad != 0)
    return torch.stack(parts)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_dropped_is_the_layers(share):
    kept = observed_factors(share, 100, 50, seed=1).double()
    # Four standard deviations of a binomial.
    assert kept.mean().item() == pytest.approx(
        1 - share, abs=4 * (share * (1 - share) / kept.numel()) ** 0.5
    )
    expected = torch.cat([dropout_factors(1 + k, 1, 1, 50, share) for k in range(100)]) > 0
    assert torch.equal(kept > 0, expected)


def network(shares):
    return nn.Sequential(
        *(
            nn.Conv2d(2, 3, 3),
            nn.ReLU(),
            nn.Dropout(shares[0]),
            nn.Conv2d(3, 5, 2),
            nn.Dropout(shares[1]),
        ),
        *(nn.AvgPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(10, 7), nn.BatchNorm1d(7), nn.ReLU()),
        *(nn.Dropout(shares[2]), nn.Linear(7, 4)),
    )


# Layers of the plan: convolution 0, ReLU 1, dropout 2, convolution 3, dropout 4, pooling 5, ReLU 6,
# linear 7, normalisation with its ReLU 8, dropout 9, linear 10.
DROPPED = {2: (2, 3 * 4 * 5), 4: (4, 5 * 3 * 4), 11: (9, 7)}
SHARES = st.floats(0.01, 0.95)


@settings(deadline=None, max_examples=20)
@given(
    shares=st.tuples(SHARES, SHARES, SHARES),
    count=st.integers(3, 50),
    threads=st.integers(1, 2),
    seed=st.integers(0, 2**63 - 1),
    smoothing=st.sampled_from([0.0, 0.1]),
)
def test_a_step_is_pytorchs_in_float64_with_the_same_masks(shares, count, threads, seed, smoothing):
    shape = (2, 6, 7)
    model = randomise(network(shares), seed % 1000)
    wide = twin_of(model)
    for index, (layer, size) in DROPPED.items():
        share = wide[index].p
        wide[index] = Masked()
        wide[index].factors = dropout_factors(seed, layer, count, size, share)
    batches = random_batches(count, shape, 4, seed=seed % 997)
    batches.dropout_seeds[0] = seed
    make_plan(model, shape, 4).train(batches, 0, 1, None, smoothing=smoothing, threads=threads)
    loss, correct, gradients = differentiate(wide, *batch_of(batches, 0), smoothing)
    assert batches.losses.item() == pytest.approx(loss, rel=1e-4)
    assert batches.correct.item() == correct
    largest = max(gradient.abs().max().item() for gradient in gradients)
    for (name, parameter), exact in zip(model.named_parameters(), gradients, strict=True):
        assert (parameter.grad - exact).abs().max() <= 1e-4 * largest, name


def test_evaluation_drops_nothing():
    model = randomise(network((0.5, 0.5, 0.5)))
    images = random_batches(20, (2, 6, 7), 4).images
    with torch.no_grad():
        expected = twin_of(model).eval()(pixels(images))
    torch.testing.assert_close(
        make_plan(model, (2, 6, 7), 4).logits(images).double(), expected, atol=2e-6, rtol=0
    )


def test_masks_differ_between_layers_images_and_seeds():
    masks = [dropout_factors(seed, layer, 2, 64, 0.5) for seed in (1, 2) for layer in (1, 2)]
    rows = {row.tobytes() for mask in masks for row in mask.numpy()}
    assert len(rows) == 8
    assert np.isin(np.concatenate([mask.numpy().ravel() for mask in masks]), (0.0, 2.0)).all()
