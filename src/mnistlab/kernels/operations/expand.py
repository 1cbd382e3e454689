"""The same numbers for every image, such as a learned class token."""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, tile

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.registry import Batch, lowers
from mnistlab.kernels.operations.reshape import sizes_of

Sizes = Sequence[int | Batch]


@lowers(Tensor.expand, takes_batch=True)
def expanded(graph: Graph, input: Value | Tensor, *size: int | Batch | Sizes) -> Value:
    return _expanded(graph.value(input), _list(size))


@lowers(Tensor.expand_as)
def expanded_as(graph: Graph, input: Value | Tensor, other: Value) -> Value:
    return _expanded(graph.value(input), sizes_of(other))


@lowers(Tensor.repeat, Tensor.tile, tile, takes_batch=True)
def repeated(graph: Graph, input: Value | Tensor, *times: int | Batch | Sizes) -> Value:
    value = graph.value(input)
    counts = _list(times)
    sizes = sizes_of(value)
    counts = [*[1] * (len(sizes) - len(counts)), *counts]
    sizes = [*[1] * (len(counts) - len(sizes)), *sizes]
    if any(count not in (1, size) and size != 1 for count, size in zip(counts, sizes, strict=True)):
        raise KernelError("repeats more than a single value along a dimension")
    return _expanded(
        value,
        [count if size == 1 else size for count, size in zip(counts, sizes, strict=True)],
    )


def _list(given: Sequence[int | Batch | Sizes]) -> list[int | Batch]:
    flat: list[int | Batch] = []
    for one in given:
        flat.extend([one] if isinstance(one, int | Batch) else one)
    return flat


def _expanded(value: Value, sizes: list[int | Batch]) -> Value:
    old = sizes_of(value)
    before = [1] * (len(sizes) - len(old)) + old
    new = [one if size == -1 else size for size, one in zip(sizes, before, strict=True)]
    axes = [place for place, size in enumerate(new) if isinstance(size, Batch)]
    if len(axes) > 1 or any(new[axis] != Batch() for axis in axes):
        raise KernelError("merges the images of a batch with other dimensions")
    for place, (size, one) in enumerate(zip(new, before, strict=True)):
        if size != one and place not in axes:
            raise KernelError("repeats values along a dimension other than the batch")
    shape = tuple(size for size in new if isinstance(size, int))
    return replace(value, shape=shape, batch_axis=axes[0] if axes else None)
