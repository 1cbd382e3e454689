"""Advantage: which networks PyTorch trains faster, judged by shapes alone.

The kernels keep 16 images in the cache and read a linear layer's weights anew for each 16, so a
large matrix product is PyTorch's strength. Nothing is timed: what trains a run, and so its bits,
must not depend on the machine's load. The limits are measured (docs/kernels.md).
"""

import math

from mnistlab.kernels.graph import Graph, Node
from mnistlab.kernels.program import flops

_WEIGHTS = 190_000
"""Of linear layers on vectors, up to which the kernels are faster whatever else there is."""
_WEIGHTS_PER_FLOP = 0.12
"""Further weights for each floating-point operation elsewhere, by which the kernels gain time."""
_TOKEN_WEIGHTS = 1 << 16
"""Of one linear layer on tokens."""


def why_slower(graph: Graph) -> str:
    """Say why PyTorch would train a model faster; nothing if it would not."""
    layers = [node for node in graph.nodes if node.operation == "linear"]
    on_vectors = [node for node in layers if _tokens(node) == 1]
    weights = sum(map(_weights, on_vectors))
    elsewhere = flops(graph.nodes) - flops(on_vectors)
    if weights > _WEIGHTS + _WEIGHTS_PER_FLOP * elsewhere:
        return f"PyTorch is faster, since linear layers have {weights:,} weights"
    wide = [node for node in layers if _tokens(node) > 1 and _weights(node) > _TOKEN_WEIGHTS]
    if 2 * flops(wide) > flops(graph.nodes):
        largest = max(map(_weights, wide))
        return f"PyTorch is faster, since a linear layer on tokens has {largest:,} weights"
    return ""


def _weights(node: Node) -> int:
    return node.inputs[0].shape[-1] * node.output.shape[-1]


def _tokens(node: Node) -> int:
    return math.prod(node.output.shape[:-1])
