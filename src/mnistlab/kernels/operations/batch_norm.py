"""Batch normalisation, and a sum, ReLU and pooling behind it in one pass."""

from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Node, Value
from mnistlab.kernels.operations.pool_2x2 import AVERAGE_POOL, NO_POOL, alone_and_alike
from mnistlab.kernels.registry import joins, lowers


@lowers(functional.batch_norm)
def batch_norm(
    graph: Graph,
    input: Value,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Value:
    if input.batch_axis != 0 or not input.shape:
        raise KernelError("expects a batch of images or vectors")
    if running_mean is None or running_var is None:
        raise KernelError("keeps no running averages, so it cannot tell single images")
    if graph.training and not training:
        raise KernelError("uses its running averages in training")
    if not graph.training and training:
        raise KernelError("uses the statistics of the batch in evaluation")
    batches = getattr(graph.module, "num_batches_tracked", None)
    cumulative = isinstance(graph.module, nn.modules.batchnorm._BatchNorm) and (
        graph.module.momentum is None
    )
    return graph.append(
        "batch_norm",
        [input],
        input.shape,
        integers=[False, NO_POOL],  # without ReLU
        floats=[eps, -1.0 if cumulative else momentum],
        parameters=[weight, bias],
        buffers=[running_mean, running_var, batches],
    )


@joins
def norm_with_relu_and_pooling(before: Node, node: Node) -> Node | None:
    """ReLU after maximum pooling gives the same as before it."""
    if before.operation != "batch_norm":
        return None
    relu, pool = before.integers
    if node.operation == "relu" and pool != AVERAGE_POOL:
        output = replace(node.output, shape=before.output.shape)
        return replace(before, integers=(1, pool), output=output)
    if (node.operation, pool, len(before.inputs)) == ("pool_2x2", NO_POOL, 1) and alone_and_alike(
        before, node
    ):
        integers = (max(relu, node.integers[0]), node.integers[1])
        return replace(before, integers=integers, output=node.output)
    return None


@joins
def norm_with_shortcut(before: Node, node: Node) -> Node | None:
    """The sum at the end of a residual block, behind which there may be ReLU but no pooling."""
    if (before.operation, node.operation) != ("batch_norm", "add"):
        return None
    if before.integers != (0, NO_POOL) or len(before.inputs) == 2:
        return None
    if {value.shape for value in (before.output, *node.inputs)} != {node.output.shape}:
        return None
    shortcut = next(value for value in node.inputs if value.number != before.output.number)
    inputs = (replace(before.inputs[0], shape=node.output.shape), shortcut)
    return replace(before, inputs=inputs, output=node.output)
