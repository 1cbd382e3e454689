"""Batch normalisation."""

from torch import Tensor, nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.registry import lowers


@lowers(functional.batch_norm)
def batch_norm(
    graph: Graph,
    input: Value,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
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
        integers=[0, 0],  # without ReLU, without pooling
        floats=[eps, -1.0 if cumulative else momentum],
        parameters=[weight, bias],
        buffers=[running_mean, running_var, batches],
    )
