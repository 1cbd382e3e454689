"""Linear layers, of vectors and of tokens."""

from torch import Tensor
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.broadcasting import combine
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.matmul import matmul
from mnistlab.kernels.operations.permute import transpose
from mnistlab.kernels.registry import lowers


@lowers(functional.linear)
def linear(
    graph: Graph,
    input: Value | Tensor,
    weight: Value | Tensor,
    bias: Value | Tensor | None = None,
) -> Value:
    value = graph.value(input)
    value.axis(-1)
    if not isinstance(weight, Tensor) or isinstance(bias, Value):
        found = matmul(graph, value, transpose(graph, weight, 0, 1))
        return found if bias is None else combine(graph, "add", found, bias)
    if weight.dim() != 2:
        raise KernelError("is given weights of a single output")
    shape = (*value.shape[:-1], len(weight))
    return graph.append("linear", [value], shape, parameters=[weight, bias])
