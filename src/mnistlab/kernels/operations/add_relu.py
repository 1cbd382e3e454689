"""A sum and ReLU, as at the end of a residual block, in one pass."""

from dataclasses import replace

from mnistlab.kernels.graph import Node
from mnistlab.kernels.registry import joins


@joins
def add_relu(before: Node, node: Node) -> Node | None:
    if (before.operation, node.operation) != ("add", "relu"):
        return None
    output = replace(node.output, shape=before.output.shape)
    return replace(before, operation="add_relu", output=output)
