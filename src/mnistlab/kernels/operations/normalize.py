"""Vectors scaled to length 1 along an axis."""

from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.softmax import axis_of
from mnistlab.kernels.registry import lowers


@lowers(functional.normalize)
def normalize(
    graph: Graph, input: Value, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None
) -> Value:
    if p != 2:
        raise KernelError(f"p {p}; only 2")
    return graph.append(
        "normalize", [input], input.shape, integers=axis_of(input, dim), floats=[eps]
    )
