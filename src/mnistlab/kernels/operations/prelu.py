"""PReLU."""

from torch import Tensor
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.prelu, Tensor.prelu)
def prelu(graph: Graph, input: Value, weight: Tensor) -> Value:
    if weight.numel() > 1 and input.place(1) != 0:
        raise KernelError("its weights are not for the first dimension behind the batch")
    return graph.append("prelu", [input], input.shape, parameters=[weight])
