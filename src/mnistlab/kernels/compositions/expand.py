"""The same numbers again: for every image, such as a learned class token, or along a dimension."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.compositions.reshape import sizes_of
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.gather import gathered
from mnistlab.kernels.registry import Batch, lowers

Sizes = Sequence[int | Batch]


@lowers(Tensor.expand, Tensor.broadcast_to, torch.broadcast_to, takes_batch=True)
def expand(graph: Graph, input: Value | Tensor, *size: int | Batch | Sizes) -> Value:
    value, sizes = graph.value(input), _list(size)
    before = _padded(sizes_of(value), len(sizes))
    times = [1 if size in (-1, one) else size for size, one in zip(sizes, before, strict=True)]
    if any(one != 1 for one, count in zip(before, times, strict=True) if count != 1):
        raise KernelError("has no native kernel with these sizes")
    return _repeated(graph, value, times)


@lowers(Tensor.expand_as)
def expand_as(graph: Graph, input: Value | Tensor, other: Value) -> Value:
    return expand(graph, input, sizes_of(other))


@lowers(Tensor.repeat, Tensor.tile, torch.tile, takes_batch=True)
def repeat(graph: Graph, input: Value | Tensor, *repeats: int | Batch | Sizes) -> Value:
    value, times = graph.value(input), _list(repeats)
    return _repeated(graph, value, _padded(times, value.dimensions))


def _repeated(graph: Graph, value: Value, times: list[int | Batch]) -> Value:
    """Return a value repeated along every dimension of PyTorch's tensor."""
    sizes = _padded(sizes_of(value), len(times))
    batches = [place for place, count in enumerate(times) if isinstance(count, Batch)]
    mixed = any(
        isinstance(size, Batch) and count != 1 for size, count in zip(sizes, times, strict=True)
    )
    if mixed or any(times[place] != Batch() or sizes[place] != 1 for place in batches):
        raise KernelError("merges the images of a batch with other dimensions")
    axes = [place for place, size in enumerate(sizes) if isinstance(size, Batch)] + batches
    kept = [place for place in range(len(times)) if place not in axes]
    shaped = replace(
        value,
        shape=tuple(size for size in (sizes[place] for place in kept) if isinstance(size, int)),
        batch_axis=axes[0] if axes else None,
    )
    sources = {}
    for axis, place in enumerate(kept):
        count, size = times[place], shaped.shape[axis]
        if isinstance(count, int) and count != 1:
            sources[axis] = [*range(size)] * count
    return gathered(graph, shaped, sources) if sources else shaped


def _list(given: Sequence[int | Batch | Sizes]) -> list[int | Batch]:
    flat: list[int | Batch] = []
    for one in given:
        flat.extend([one] if isinstance(one, int | Batch) else one)
    return flat


def _padded(sizes: list[int | Batch], length: int) -> list[int | Batch]:
    return [*[1] * (length - len(sizes)), *sizes]
