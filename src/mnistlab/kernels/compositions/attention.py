"""Attention, made of linear layers, matrix products and softmax (Vaswani et al., 2017)."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.permute import permuted, transpose
from mnistlab.kernels.registry import lower, lowers


@lowers(functional.scaled_dot_product_attention)
def scaled_dot_product_attention(
    graph: Graph,
    query: Value,
    key: Value,
    value: Value,
    attn_mask: Tensor | Value | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Value:
    if enable_gqa:
        raise KernelError("enable_gqa has no native kernel")
    if is_causal:
        rows, columns = query.shape[-2], key.shape[-2]
        attn_mask = torch.ones(rows, columns, dtype=torch.bool).tril()
    if isinstance(attn_mask, Tensor) and attn_mask.dtype == torch.bool:
        attn_mask = ~attn_mask
    return _attend(graph, query, key, value, attn_mask, dropout_p, scale)[0]


@lowers(functional.multi_head_attention_forward)
def multi_head_attention(
    graph: Graph,
    query: Value,
    key: Value,
    value: Value,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | Value | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | Value | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> list[Value]:
    options = {
        "kdim or vdim": use_separate_proj_weight or None,
        "bias_k": bias_k,
        "bias_v": bias_v,
        "add_zero_attn": add_zero_attn or None,
        "key_padding_mask": key_padding_mask,
        "static_k": static_k,
        "static_v": static_v,
    }
    for name, given in options.items():
        if given is not None:
            raise KernelError(f"{name} has no native kernel")
    if isinstance(attn_mask, Tensor) and attn_mask.dim() > 2:
        raise KernelError("a mask for each image has no native kernel")
    if query.batch_axis != 1:
        raise KernelError("attends across the images of a batch")
    # PyTorch has the batch as dimension 1 here. All three projections lie in one matrix.
    projected: dict[Value, list[Value]] = {}
    for given in (query, key, value):
        if given not in projected:
            first = replace(graph.value(given), batch_axis=0)
            whole = lower(graph, functional.linear, first, in_proj_weight, in_proj_bias)
            projected[given] = _heads(graph, whole, num_heads)
    parts = [projected[given][place] for place, given in enumerate((query, key, value))]
    drop = dropout_p if training else 0.0
    attended, weights = _attend(graph, parts[0], parts[1], parts[2], attn_mask, drop, None)
    tokens, width = query.shape[0], embed_dim_to_check
    joined = replace(permuted(graph, attended, (0, 2, 1, 3)), shape=(tokens, width))
    result = lower(graph, functional.linear, joined, out_proj_weight, out_proj_bias)
    if not need_weights:
        return [replace(result, batch_axis=1)]
    if average_attn_weights:
        weights = lower(graph, Tensor.mean, weights, dim=1)
    return [replace(result, batch_axis=1), weights]


def _heads(graph: Graph, whole: Value, heads: int) -> list[Value]:
    """Split ``(tokens, 3 * width)`` into queries, keys and values of ``(heads, tokens, size)``."""
    tokens, size = whole.shape[0], whole.shape[1] // 3 // heads
    turned = permuted(
        graph, replace(whole, shape=(tokens, 3, heads, size)), (0, 2, 3, 1, 4)
    )  # (3, heads, tokens, size)
    return [
        replace(
            graph.append("slice", [turned], (1, *turned.shape[1:]), integers=(0, place, 1)),
            shape=turned.shape[1:],
        )
        for place in range(3)
    ]


def _attend(
    graph: Graph,
    query: Value,
    key: Value,
    value: Value,
    mask: Tensor | Value | None,
    drop: float,
    scale: float | None,
) -> tuple[Value, Value]:
    """Return what the queries find, and the weights of the values.

    A mask of bool hides where it is true.
    """
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scaled = lower(graph, torch.mul, query, factor)
    weights = lower(graph, torch.matmul, scaled, transpose(graph, key, -2, -1))
    if isinstance(mask, Tensor) and mask.dtype == torch.bool:
        mask = torch.zeros(mask.shape).masked_fill(mask, -math.inf)
    if mask is not None:
        weights = lower(graph, torch.add, weights, mask)
    weights = lower(graph, functional.softmax, weights, dim=-1)
    if drop:
        weights = lower(graph, functional.dropout, weights, drop, training=True)
    return lower(graph, torch.matmul, weights, value), weights
