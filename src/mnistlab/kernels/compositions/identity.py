"""Calls that change no number."""

from typing import Any

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value, words
from mnistlab.kernels.registry import lowers


@lowers(Tensor.contiguous, Tensor.clone, torch.clone, Tensor.float, Tensor.cpu)
def unchanged(graph: Graph, input: Value | Tensor, memory_format: Any = None) -> Value:
    return graph.value(input)


@lowers(Tensor.to, Tensor.type, Tensor.type_as)
def converted(graph: Graph, input: Value | Tensor, *to: Any, **options: Any) -> Value:
    for given in (*to, *options.values()):
        if isinstance(given, torch.dtype) and given != torch.float32:
            raise KernelError(f"computes {words(given)}")
    return graph.value(input)


@lowers(Tensor.positive, torch.positive, Tensor.__pos__)
def positive(graph: Graph, input: Value) -> Value:
    return input
