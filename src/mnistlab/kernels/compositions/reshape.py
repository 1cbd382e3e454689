"""Other shapes of the same numbers: no operation at all, since their order stays."""

import math
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, flatten, reshape, squeeze, unflatten, unsqueeze

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import Batch, lowers

Sizes = Sequence[int | Batch]


@lowers(Tensor.view, Tensor.reshape, reshape, takes_batch=True)
def view(
    graph: Graph, input: Value | Tensor, *size: int | Batch | Sizes, shape: Sizes = ()
) -> Value:
    sizes = size or (shape,)
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    if not all(isinstance(one, int | Batch) for one in sizes):
        raise KernelError("changes the type of its numbers")
    return reshaped(graph.value(input), [one for one in sizes if isinstance(one, int | Batch)])


@lowers(Tensor.view_as, Tensor.reshape_as)
def like(graph: Graph, input: Value, other: Value) -> Value:
    return reshaped(graph.value(input), sizes_of(graph.value(other)))


@lowers(Tensor.flatten, flatten)
def flattened(graph: Graph, input: Value, start_dim: int = 0, end_dim: int = -1) -> Value:
    sizes = sizes_of(input)
    if not sizes:
        return replace(input, shape=(1,))
    start, end = start_dim % len(sizes), end_dim % len(sizes)
    return reshaped(input, [*sizes[:start], _product(sizes[start : end + 1]), *sizes[end + 1 :]])


@lowers(Tensor.unflatten, unflatten, takes_batch=True)
def unflattened(graph: Graph, input: Value, dim: int, sizes: Sizes) -> Value:
    old = sizes_of(input)
    dim %= len(old)
    return reshaped(input, [*old[:dim], *_filled(list(sizes), old[dim]), *old[dim + 1 :]])


@lowers(Tensor.squeeze, Tensor.squeeze_, squeeze)
def squeezed(graph: Graph, input: Value, dim: int | Sequence[int] | None = None) -> Value:
    sizes = sizes_of(input)
    given = range(len(sizes)) if dim is None else [dim] if isinstance(dim, int) else dim
    gone = {one % len(sizes) for one in given}
    return reshaped(
        input, [size for place, size in enumerate(sizes) if size != 1 or place not in gone]
    )


@lowers(Tensor.unsqueeze, Tensor.unsqueeze_, unsqueeze)
def unsqueezed(graph: Graph, input: Value, dim: int) -> Value:
    sizes = sizes_of(input)
    sizes.insert(dim % (len(sizes) + 1), 1)
    return reshaped(input, sizes)


def sizes_of(value: Value) -> list[int | Batch]:
    """Return the sizes of PyTorch's tensor, that of the batch among them."""
    sizes: list[int | Batch] = list(value.shape)
    if value.batch_axis is not None:
        sizes.insert(value.batch_axis, Batch())
    return sizes


def reshaped(value: Value, sizes: Sizes) -> Value:
    """Return a value under other sizes of PyTorch's tensor, of which one may be -1.

    Raises:
        KernelError: the batch would no longer be a dimension of its own.
    """
    filled = _filled(list(sizes), _product(sizes_of(value)))
    batches = [place for place, size in enumerate(filled) if isinstance(size, Batch)]
    if value.batch_axis is None:
        if batches:
            raise KernelError("merges the images of a batch with other dimensions")
        return replace(value, shape=tuple(size for size in filled if isinstance(size, int)))
    shape = tuple(size for size in filled if isinstance(size, int))
    if (
        len(batches) != 1
        or filled[batches[0]] != Batch()
        or math.prod(shape[: batches[0]]) != math.prod(value.shape[: value.batch_axis])
    ):
        raise KernelError("merges the images of a batch with other dimensions")
    return replace(value, shape=shape, batch_axis=batches[0])


def _product(sizes: Sizes) -> int | Batch:
    multiples = [size.multiple for size in sizes if isinstance(size, Batch)]
    whole = math.prod(multiples) * math.prod(size for size in sizes if isinstance(size, int))
    if len(multiples) > 1:
        raise KernelError("computes with the number of images in the batch")
    return Batch(whole) if multiples else whole


def _filled(sizes: list[int | Batch], whole: int | Batch) -> list[int | Batch]:
    """Put a number in place of -1."""
    if -1 not in sizes:
        return sizes
    place = sizes.index(-1)
    rest = _product([*sizes[:place], *sizes[place + 1 :]])
    many = whole.multiple if isinstance(whole, Batch) else whole
    divisor = rest.multiple if isinstance(rest, Batch) else rest
    if (isinstance(rest, Batch) and not isinstance(whole, Batch)) or not divisor or many % divisor:
        raise KernelError("merges the images of a batch with other dimensions")
    found = many // divisor
    left = isinstance(whole, Batch) and not isinstance(rest, Batch)
    sizes[place] = Batch(found) if left else found
    return sizes
