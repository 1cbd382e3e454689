"""Profile: how long each operation of a training step takes, forward and backward."""

import time
from dataclasses import dataclass
from typing import Any

import torch

from mnistlab.kernels.epoch import EpochBatches
from mnistlab.kernels.graph import Node
from mnistlab.kernels.plan import Plan
from mnistlab.kernels.program import flops

_PASSES = 4
"""Of an operation; as many further parts follow all of them, see ``source/profile.h``."""


@dataclass(frozen=True)
class OperationProfile:
    """Seconds of one operation, a batch, summed over threads.

    Attributes:
        operation: its name.
        inputs: their shapes, without the batch.
        output: its shape.
        forward: of the forward pass.
        statistics: of the batch's, such as mean and variance.
        gradient_statistics: of the sums over the batch that the backward pass needs.
        backward: of the backward pass, the gradients of weights included.
        flops: floating-point operations per image, of convolutions and linear layers only.
    """

    operation: str
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    forward: float
    statistics: float
    gradient_statistics: float
    backward: float
    flops: int

    @property
    def seconds(self) -> float:
        """All of them."""
        return self.forward + self.statistics + self.gradient_statistics + self.backward


@dataclass(frozen=True)
class Profile:
    """Seconds of a training step, a batch, summed over threads.

    Attributes:
        operations: in the order in which they are run.
        loading: of gathering the images, augmentation included.
        loss: of the loss, its gradient, and counting what is correct.
        optimizer: of adding up the gradients of groups of images, and the step.
        waiting: of threads for one another.
        wall: by the clock.
    """

    operations: tuple[OperationProfile, ...]
    loading: float
    loss: float
    optimizer: float
    waiting: float
    wall: float

    @property
    def seconds(self) -> float:
        """All but :attr:`wall`."""
        others = self.loading + self.loss + self.optimizer + self.waiting
        return sum(operation.seconds for operation in self.operations) + others


def measure_profile(
    plan: Plan,
    batches: EpochBatches,
    optimizer: torch.optim.Optimizer | None,
    *,
    rounds: int = 1,
    **options: Any,
) -> Profile:
    """Train on all batches several times, and return the least seconds that each part took.

    Args:
        plan: its weights change.
        batches: of an epoch, all of one size if its seconds a batch are to mean anything.
        optimizer: see :meth:`mnistlab.kernels.Plan.train`.
        rounds: how many times; each part's shortest counts, since other load on the machine only
            adds to it.
        options: further arguments of :meth:`mnistlab.kernels.Plan.train`.

    Raises:
        KernelError: as :meth:`mnistlab.kernels.Plan.train` does.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from mnistlab.kernels import AugmentationParams, EpochBatches, Plan, measure_profile
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
        >>> batches = EpochBatches(
        ...     images=torch.zeros(128, 1, 8, 8, dtype=torch.uint8),
        ...     labels=torch.arange(128) % 10,
        ...     order=torch.arange(128),
        ...     bounds=torch.tensor([0, 64, 128]),
        ...     augmentation=AugmentationParams(),
        ...     rates=torch.tensor([0.1, 0.1], dtype=torch.float64),
        ...     dropout_seeds=torch.arange(2),
        ...     losses=torch.zeros(2),
        ...     correct=torch.zeros(2, dtype=torch.int32),
        ... )
        >>> plan = Plan(model, (1, 8, 8), 10, mean=0.5, std=0.5)
        >>> profile = measure_profile(plan, batches, torch.optim.SGD(model.parameters(), lr=0.1))
        >>> for one in profile.operations:
        ...     print(one.operation, one.inputs, one.output, one.flops, one.forward > 0)
        convolution ((1, 8, 8),) (4, 6, 6) 5184 True
        relu ((4, 6, 6),) (4, 6, 6) 0 True
        linear ((144,),) (10,) 8640 True
    """
    nodes, count = plan.graph.nodes, len(batches.bounds) - 1
    least = torch.full((_PASSES * (len(nodes) + 1),), torch.inf, dtype=torch.float64)
    wall = float("inf")
    for _ in range(rounds):
        found = torch.empty_like(least)
        began = time.perf_counter()
        plan.train(batches, 0, count, optimizer, profile=found, **options)
        wall = min(wall, time.perf_counter() - began)
        least = torch.minimum(least, found)
    least /= count
    *parts, others = least.view(-1, _PASSES).tolist()
    loading, loss, step, waiting = others
    operations = (_profile(node, *seconds) for node, seconds in zip(nodes, parts, strict=True))
    return Profile(tuple(operations), loading, loss, step, waiting, wall / count)


def _profile(
    node: Node, forward: float, statistics: float, gradient_statistics: float, backward: float
) -> OperationProfile:
    inputs = tuple(value.shape for value in node.inputs)
    seconds = forward, statistics, gradient_statistics, backward
    return OperationProfile(
        node.operation, inputs, node.output.shape, *seconds, flops=flops([node])
    )
