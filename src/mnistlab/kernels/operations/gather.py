"""Padding, cropping and nearest upsampling: values from other positions, or a constant."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import torch
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Node, Value
from mnistlab.kernels.registry import joins, lowers

_OUTSIDE = -1


@lowers(functional.pad)
def pad(
    graph: Graph,
    input: Value,
    pad: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> Value:
    sources = {}
    for place in range(len(pad) // 2):
        before, after = pad[2 * place], pad[2 * place + 1]
        if before or after:
            axis = input.axis(-1 - place)
            sources[axis] = _padded(input.shape[axis], before, after, mode)
    return gathered(graph, input, sources, value or 0.0)


@lowers(functional.interpolate)
def interpolate(
    graph: Graph,
    input: Value,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Value:
    if mode not in ("nearest", "nearest-exact"):
        raise KernelError(f"mode {mode}; only nearest")
    axes = [input.axis(dimension) for dimension in range(2, input.dimensions)]
    sources = {}
    for place, axis in enumerate(axes):
        # PyTorch itself says which position is the nearest, rounding as it does.
        positions = torch.arange(input.shape[axis], dtype=torch.float64).view(1, 1, -1)
        nearest = functional.interpolate(
            positions,
            _at(size, place),
            _at(scale_factor, place),
            mode,
            recompute_scale_factor=recompute_scale_factor,
        )
        sources[axis] = nearest.flatten().long().tolist()
    return gathered(graph, input, sources)


def gathered(
    graph: Graph, value: Value, sources: dict[int, list[int]], constant: float = 0.0
) -> Value:
    """Return the values at other positions.

    Args:
        graph: to which the operation is appended.
        value: from which they are taken.
        sources: along some axes of its shape, the position for each of the output; -1 is the
            constant.
        constant: where there is no such position.
    """
    every = [sources.get(axis, [*range(size)]) for axis, size in enumerate(value.shape)]
    if every == [[*range(size)] for size in value.shape]:
        return value
    return graph.append(
        "gather",
        [value],
        [len(positions) for positions in every],
        integers=[position for positions in every for position in positions],
        floats=[constant],
    )


@joins
def copy_of_copy(before: Node, node: Node) -> Node | None:
    """Slices, padding and upsampling, one behind the other, are one copy."""
    pair = before, node
    if not all(one.operation in ("slice", "gather") for one in pair):
        return None
    constants = {c for one in pair if _OUTSIDE in chain(*_sources(one)) for c in one.floats}
    if before.output.shape != node.inputs[0].shape or len(constants) > 1:
        return None
    integers = [
        source if source == _OUTSIDE else inner[source]
        for inner, outer in zip(*map(_sources, pair), strict=True)
        for source in outer
    ]
    floats = tuple(constants) or (0.0,)
    return replace(
        node, operation="gather", inputs=before.inputs, integers=tuple(integers), floats=floats
    )


def _sources(node: Node) -> list[list[int]]:
    """Return for each dimension of the output the position in the input for each of its own."""
    if node.operation == "gather":
        rest = iter(node.integers)
        return [list(islice(rest, size)) for size in node.output.shape]
    axis, start, step = node.integers
    sources = [list(range(size)) for size in node.output.shape]
    sources[axis] = [start + step * k for k in sources[axis]]
    return sources


def _padded(size: int, before: int, after: int, mode: str) -> list[int]:
    """Return the sources of an axis that is padded, or cropped where the numbers are negative."""
    positions = range(-before, size + after)
    if mode == "constant":
        return [position if 0 <= position < size else _OUTSIDE for position in positions]
    if mode == "replicate":
        return [min(max(position, 0), size - 1) for position in positions]
    if mode == "reflect":
        return [size - 1 - abs(size - 1 - abs(position)) for position in positions]
    if mode == "circular" and min(before, after) >= 0:
        return [position % size for position in positions]
    raise KernelError(f"padding {before} and {after} in mode {mode}")


def _at(given: Any, place: int) -> Any:
    return given[place] if isinstance(given, Sequence) else given
