"""Attention, written in every usual way, as one operation."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mnistlab.kernels.fusion import fuse
from mnistlab.kernels.trace import trace
from tests.kernels.models import Model
from tests.kernels.operations.oracle import (
    BATCHES,
    SEEDS,
    check,
    check_extremes,
    modest,
    normal,
)


def unbound(tokens, heads):
    """As in many vision transformers: all three from one product, permuted at once."""
    count, length, size = tokens.shape
    qkv = tokens.reshape(count, length, 3, heads, size // (3 * heads)).permute(2, 0, 3, 1, 4)
    query, key, value = qkv.unbind(0)
    scores = (query @ key.transpose(-2, -1)) * 0.7
    return (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)


def chunked(tokens, heads):
    count, length, size = tokens.shape
    query, key, value = (
        part.view(count, length, heads, size // (3 * heads)).transpose(1, 2)
        for part in tokens.chunk(3, dim=-1)
    )
    return functional.scaled_dot_product_attention(query, key, value)


def by_einsum(tokens, heads):
    query, key, value = tokens.unflatten(-1, (3, heads, -1)).unbind(2)
    weights = torch.einsum("bqhd,bkhd->bhqk", query, key).softmax(-1)
    return torch.einsum("bhqk,bkhd->bqhd", weights, value)


def of_itself(tokens, heads):
    """All three are one value."""
    split = tokens.unflatten(-1, (heads, -1)).transpose(1, 2)
    return (split @ split.mT / 3).softmax(-1) @ split


def of_few(tokens, heads):
    """Every other token asks, and values have another width than keys."""
    query, key = tokens[:, ::2, :2], tokens[..., 1:3]
    return torch.softmax(query @ key.mT, -1) @ tokens[..., 1:]


WAYS = [unbound, chunked, by_einsum, of_itself, of_few]


def operations(model, shape):
    module = model if isinstance(model, nn.Module) else Model(lambda _, x: model(x))
    return [node.operation for node in fuse(trace(module, shape)).nodes]


@pytest.mark.parametrize("way", WAYS)
@given(batch=BATCHES, tokens=st.integers(1, 23), heads=st.integers(1, 3), seed=SEEDS)
@modest
def test_agrees_with_float64(way, batch, tokens, heads, seed):
    width = 3 * heads * (1 + seed % 4)
    check(lambda x: way(x, heads), normal(batch, (tokens, width), seed=seed, spread=1.5))


@pytest.mark.parametrize("way", WAYS)
def test_is_one_operation_that_reads_its_inputs_where_they_are(way):
    found = operations(lambda x: way(x.exp(), 2), (7, 12))
    assert found.count("attention") == 1
    assert not {"matmul", "softmax", "affine"} & set(found)
    copied = ["gather"] if way is of_few else []  # two slices are one copy
    assert found[: 2 + len(copied)] == ["exp", *copied, "attention"]


def test_modules():
    layer = nn.MultiheadAttention(8, 2, batch_first=True, dropout=0.0)
    model = Model(lambda m, x: m.layer(x, x, x, need_weights=False)[0], layer=layer)
    assert "attention" in operations(model, (5, 8))
    check(model, normal(17, (5, 8)))


def test_scores_of_many_keys():
    check(lambda x: unbound(x, 1), normal(17, (150, 9), spread=3), threads=(2,))


@pytest.mark.parametrize("extreme", [math.inf, -math.inf, math.nan, 3e38])
@pytest.mark.parametrize("column", [0, 2, 4])
def test_extremes(extreme, column):
    values = normal(3, (4, 6))
    values[1, 2, column] = extreme
    check_extremes(lambda x: unbound(x, 1), values)


@pytest.mark.parametrize(
    "model",
    [
        lambda x: ((x @ x.mT).softmax(-1), (x @ x.mT).softmax(-1) @ x)[1] * 2,
        lambda x: (lambda w: w @ x + w.sum(-1, keepdim=True))((x @ x.mT).softmax(-1)),
        lambda x: (x @ x.mT + torch.ones(4, 4).triu()).softmax(-1) @ x,
        lambda x: (x @ x.mT).softmax(-2) @ x,
        lambda x: (x[:, None] @ x[:, None].mT.expand(-1, 2, -1, -1)).softmax(-1) @ x[:, None],
    ],
    ids=["unused copy", "weights used again", "mask", "over queries", "shared among heads"],
)
def test_what_is_like_attention(model):
    check(model, normal(17, (4, 3)))
