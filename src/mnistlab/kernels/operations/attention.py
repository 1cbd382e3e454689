"""Attention: softmax of products, times values, recognised among the operations of a model."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Node, Value


class View(NamedTuple):
    """Where a value's numbers lie within an earlier value, of which it is a part or permutation."""

    source: Value
    tensor: Tensor  # without memory; its strides and offset are what counts


def attend(graph: Graph) -> Graph:
    """Return the graph with each ``softmax(q @ k.mT) @ v`` as one operation, which reads ``q``,
    ``k`` and ``v`` where they were before they were cut out and permuted.
    """
    made = {node.output.number: node for node in graph.nodes}
    uses = Counter(value.number for node in graph.nodes for value in node.inputs)
    uses.update(value.number for value in graph.outputs)
    nodes = [_attention(node, made, uses) or node for node in graph.nodes]
    needed = Counter(value.number for node in nodes for value in node.inputs)
    needed.update(value.number for value in graph.outputs)
    kept: list[Node] = []
    for node in reversed(nodes):
        if uses[node.output.number] and not needed[node.output.number]:
            needed.subtract(value.number for value in node.inputs)
        else:
            kept.append(node)
    return graph.with_nodes(kept[::-1])


def _attention(node: Node, made: Mapping[int, Node], uses: Mapping[int, int]) -> Node | None:
    softmax = _only(node, "matmul", made, uses)
    scores = softmax and _only(softmax, "softmax", made, uses)
    if not softmax or not scores or scores.operation != "matmul" or node.integers[0]:
        return None
    if softmax.integers[1:] != (node.inputs[0].shape[-1], 1):
        return None
    if not softmax.inputs[0].shape == scores.output.shape == node.inputs[0].shape:
        return None
    query, scale = _unscaled(scores.inputs[0], made)
    views = [
        _matrices(made, *given)
        for given in (
            (query, scores.integers[0]),
            (scores.inputs[1], not scores.integers[1]),
            (node.inputs[1], node.integers[1]),
        )
    ]
    (one, two, three) = (view.tensor.shape for view in views)
    if not one[:-2] == two[:-2] == three[:-2]:
        return None
    heads = one[:-2]
    sources = {view.source.number: view.source for view in views}
    integers = [heads.numel(), one[-2], two[-2], one[-1], three[-1]]
    for source, tensor in views:
        *steps, row, column = tensor.stride()
        first = int(tensor.storage_offset())
        integers += [list(sources).index(source.number), row, column]
        integers += [
            first + sum(step * one for step, one in zip(steps, head, strict=True))
            for head in product(*map(range, heads))
        ]
    return replace(
        node,
        operation="attention",
        inputs=tuple(sources.values()),
        integers=tuple(integers),
        floats=(scale * (softmax.floats or (1.0,))[0],),
    )


def _unscaled(query: Value, made: Mapping[int, Node]) -> tuple[Value, float]:
    """Return what was scaled to become the queries, and by how much."""
    node = made.get(query.number)
    if node is None or node.operation != "affine" or node.floats[0] <= 0 or node.floats[1]:
        return query, 1.0
    return replace(node.inputs[0], shape=query.shape), node.floats[0]


def _only(
    node: Node, operation: str, made: Mapping[int, Node], uses: Mapping[int, int]
) -> Node | None:
    """Return what makes the first input of such an operation, if nothing else reads that."""
    if node.operation != operation or uses[node.inputs[0].number] != 1:
        return None
    return made.get(node.inputs[0].number)


def _matrices(made: Mapping[int, Node], value: Value, turned: int) -> View:
    source, tensor = _view(made, value)
    return View(source, tensor.mT if turned else tensor)


def _view(made: Mapping[int, Node], value: Value) -> View:
    node = made.get(value.number)
    try:
        if node and node.operation == "permute":
            source, tensor = _view(made, node.inputs[0])
            return View(source, tensor.permute(node.integers).view(value.shape))
        if node and node.operation == "slice":
            source, tensor = _view(made, node.inputs[0])
            axis, start, step = node.integers
            count = math.prod(node.output.shape) * tensor.shape[axis] // tensor.numel()
            part = tensor.narrow(axis, start, (count - 1) * step + 1)
            part = part[(slice(None),) * axis + (slice(None, None, step),)]
            return View(source, part.view(value.shape))
    except RuntimeError:  # it cannot be described by strides
        pass
    source = replace(value, shape=(math.prod(value.shape),))
    return View(source, torch.empty(value.shape, device="meta"))
