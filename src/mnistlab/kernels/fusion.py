"""Fusion: operations that follow one another become one, by the rules in ``operations``."""

from collections import Counter

from mnistlab.kernels.graph import Graph, Node
from mnistlab.kernels.operations.attention import attend
from mnistlab.kernels.registry import join


def fuse(graph: Graph) -> Graph:
    """Return the graph with fewer operations, which compute the same."""
    uses = Counter(value.number for node in graph.nodes for value in node.inputs)
    uses.update(value.number for value in graph.outputs)
    fused: dict[int, Node] = {}  # by the number of its output
    for node in graph.nodes:
        # The input that is computed last, so that what comes between need not move before it.
        for value in sorted(node.inputs, key=lambda value: value.number, reverse=True):
            before = fused.get(value.number)
            if before and uses[value.number] == 1 and (both := join(before, node)):
                del fused[value.number]
                node = both
                break
        fused[node.output.number] = node
    return attend(graph.with_nodes(sorted(fused.values(), key=_order)))


def _order(node: Node) -> float:
    """Copies come right behind what they copy, while it is in the cache; in the backward pass they
    then add a few gradients to those of other operations instead of writing zeros for the rest.
    """
    return node.inputs[0].number + 0.5 if node.operation == "gather" else node.output.number
