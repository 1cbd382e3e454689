"""Embeddings of positions, the same for every image."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.embedding)
def embedding(
    graph: Graph,
    input: Tensor,
    weight: Value | Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Value:
    if isinstance(input, Value) or padding_idx is not None or max_norm is not None:
        raise KernelError("looks up other rows than those of fixed positions")
    if scale_grad_by_freq or sparse:
        raise KernelError("scales its gradients, or has sparse ones")
    rows, table = input.flatten(), graph.value(weight)
    if not len(rows) or not torch.equal(rows, rows[0] + torch.arange(len(rows))):
        raise KernelError("looks up rows that do not follow one another")
    width = table.shape[1]
    if len(rows) < table.shape[0]:
        table = graph.append("slice", [table], (len(rows), width), integers=(0, int(rows[0]), 1))
    return replace(table, shape=(*input.shape, width))
