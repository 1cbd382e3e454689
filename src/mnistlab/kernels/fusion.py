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
        before = fused.get(node.inputs[0].number) if node.inputs else None
        if before and uses[before.output.number] == 1 and (both := join(before, node)):
            del fused[before.output.number]
            node = both
        fused[node.output.number] = node
    nodes = sorted(fused.values(), key=lambda node: node.output.number)
    return attend(graph.with_nodes(nodes))
