"""Instance normalisation (Ulyanov et al., 2016)."""

from math import prod

from torch import Tensor
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.instance_norm)
def instance_norm(
    graph: Graph,
    input: Value,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Value:
    if running_mean is not None or not use_input_stats:
        raise KernelError("track_running_stats has no native kernel; leave it off")
    if input.batch_axis != 0:
        raise KernelError("its first dimension is not the batch's")
    return graph.append(
        "instance_norm",
        [input],
        input.shape,
        integers=[input.shape[0], 1, prod(input.shape[1:])],
        floats=[eps],
        parameters=[weight, bias],
    )
