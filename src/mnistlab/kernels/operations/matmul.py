"""Products of matrices, and sums of products in Einstein's notation."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.broadcasting import align
from mnistlab.kernels.graph import Graph, Owned, Value
from mnistlab.kernels.operations.permute import permuted
from mnistlab.kernels.registry import lower, lowers


@lowers(
    *(Tensor.matmul, Tensor.__matmul__, torch.matmul),
    *(Tensor.bmm, torch.bmm, Tensor.mm, torch.mm),
)
def matmul(graph: Graph, input: Value | Tensor, other: Value | Tensor) -> Value:
    one, two = graph.value(input), graph.value(other)
    if one.dimensions == 1:
        return _without(matmul(graph, lower(graph, torch.unsqueeze, one, 0), two), -2)
    if two.dimensions == 1:
        return _without(matmul(graph, one, lower(graph, torch.unsqueeze, two, 1)), -1)
    one.axis(-1)
    if two.batch_axis is None and two.dimensions == 2:
        weight = _transposed_parameter(graph, two)
        if weight is not None:
            shape = (*one.shape[:-1], two.shape[-1])
            return graph.append("linear", [one], shape, parameters=[weight, None])
        # All other dimensions of the first are rows, wherever the batch is.
        rows = math.prod(one.shape[:-1])
        flat = replace(one, shape=(rows, one.shape[-1]), batch_axis=one.batch_axis and 0)
        found = _product(graph, flat, two, (), one.batch_axis)
        return replace(found, shape=(*one.shape[:-1], two.shape[-1]))
    (one, two), leading, axis = align([one, two], kept=2)
    return _product(graph, one, two, leading, axis)


@lowers(torch.einsum, torch.functional.einsum)
def einsum(graph: Graph, equation: str, *operands: Any) -> Value:
    if len(operands) == 1 and isinstance(operands[0], tuple | list):
        operands = tuple(operands[0])
    given, arrow, wanted = equation.replace(" ", "").partition("->")
    names = given.split(",")
    if not arrow or "." in equation or len(names) != 2 or len(operands) != 2:
        raise KernelError("einsum: only two operands, with -> and without dots")
    values = [graph.value(one) for one in operands]
    batch = {
        letters[value.batch_axis]
        for letters, value in zip(names, values, strict=True)
        if value.batch_axis is not None
    }
    if len(batch) > 1 or not all(letter in wanted for letter in batch):
        raise KernelError("combines the images of a batch with one another")
    axis = next((wanted.index(letter) for letter in batch), None)
    without = {ord(letter): None for letter in batch}
    one, two, result = (letters.translate(without) for letters in (*names, wanted))
    for letters, value in zip((one, two), values, strict=True):
        if len(letters) != len(value.shape):
            raise KernelError("combines the images of a batch with one another")
    values = [
        replace(value, batch_axis=None if value.batch_axis is None else 0) for value in values
    ]
    return replace(_contract(graph, values, (one, two, result)), batch_axis=axis)


def _contract(graph: Graph, values: Sequence[Value], names: Sequence[str]) -> Value:
    """Sum products over the letters that are not in the last of the names."""
    one, two, result = names
    if any(len(set(letters)) < len(letters) for letters in names):
        raise KernelError("einsum: a letter that occurs twice in an operand")
    if (set(one) ^ set(two)) - set(result):
        raise KernelError("einsum: sums over a dimension of a single operand")
    common = [letter for letter in result if letter in one and letter in two]
    summed = [letter for letter in one if letter not in result]
    rows = [letter for letter in result if letter in one and letter not in two]
    columns = [letter for letter in result if letter in two and letter not in one]
    sizes = {
        letter: size
        for letters, value in zip((one, two), values, strict=True)
        for letter, size in zip(letters, value.shape, strict=True)
    }
    left = _matrices(graph, values[0], one, (common, rows, summed), sizes)
    right = _matrices(graph, values[1], two, (common, summed, columns), sizes)
    found = matmul(graph, left, right)
    order = [*common, *rows, *columns]
    found = replace(found, shape=tuple(sizes[letter] for letter in order))
    return _permuted(graph, found, order, list(result))


def _matrices(
    graph: Graph,
    value: Value,
    letters: str,
    groups: tuple[list[str], list[str], list[str]],
    sizes: dict[str, int],
) -> Value:
    """Bring a value's dimensions into the order of the groups, of which the last two become one
    dimension each.
    """
    common, second, third = groups
    if [*letters] == [*common, *third, *second]:
        shape = [math.prod(sizes[letter] for letter in group) for group in (third, second)]
        matrix = replace(value, shape=(*(sizes[letter] for letter in common), *shape))
        last = matrix.dimensions - 1
        return permuted(graph, matrix, [*range(last - 1), last, last - 1])
    ordered = _permuted(graph, value, list(letters), [*common, *second, *third])
    shape = [math.prod(sizes[letter] for letter in group) for group in (second, third)]
    return replace(ordered, shape=(*(sizes[letter] for letter in common), *shape))


def _permuted(graph: Graph, value: Value, now: list[str], wanted: list[str]) -> Value:
    first = 0 if value.batch_axis is None else 1
    order = [*range(first), *(now.index(letter) + first for letter in wanted)]
    return permuted(graph, value, order)


def _product(
    graph: Graph, one: Value, two: Value, leading: Sequence[int], axis: int | None
) -> Value:
    shape = (*leading, one.shape[-2], two.shape[-1])
    (one, first), (two, second) = _untransposed(graph, one), _untransposed(graph, two)
    return graph.append("matmul", [one, two], shape, integers=[first, second], batch_axis=axis)


def _untransposed(graph: Graph, value: Value) -> tuple[Value, bool]:
    """Return the matrices of which a value's are the transposes, if it was made of them."""
    node = graph.nodes[value.number - 1] if value.number else None
    rank = len(value.shape)
    if node is None or node.operation != "permute" or node.output.shape != value.shape:
        return value, False
    if node.integers != (*range(rank - 2), rank - 1, rank - 2):
        return value, False
    return replace(node.inputs[0], shape=_turned(value.shape), batch_axis=value.batch_axis), True


def _transposed_parameter(graph: Graph, value: Value) -> Tensor | None:
    """Return the parameter whose transpose a value is, if it is one's."""
    matrix, turned = _untransposed(graph, value)
    node = graph.nodes[matrix.number - 1] if turned else None
    if node is None or node.operation != "tensor" or not node.parameters:
        return None
    source = node.parameters[0]
    found = source.tensor if isinstance(source, Owned) else source
    return found if found is not None and found.shape == matrix.shape else None


def _turned(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-2], shape[-1], shape[-2])


def _without(value: Value, dim: int) -> Value:
    axis = value.axis(dim)
    batch_axis = value.batch_axis
    if batch_axis is not None and batch_axis > axis:
        batch_axis -= 1
    return replace(value, shape=value.shape[:axis] + value.shape[axis + 1 :], batch_axis=batch_axis)
