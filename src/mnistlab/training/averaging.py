"""Averaging: of a run's weights, as they move or over its last epochs; the averages are what is
tested and kept.
"""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mnistlab.recipe import Recipe

STATISTICS_IMAGES = 10_000
"""As many images as give the statistics of batch normalisations well (Wu and Johnson 2021,
arXiv:2105.07576)."""


class Averaging:
    """The averages of a model's parameters that its recipe wants.

    ``averaging`` is the moving average, which the steps update after every batch. ``swa`` is
    stochastic weight averaging (Izmailov et al. 2018, arXiv:1803.05407): the plain mean of the
    weights at the ends of the last epochs, under which the statistics of batch normalisations are
    estimated anew.

    Attributes:
        values: the averages, in the order of ``model.parameters()``; empty if the recipe has none.
        moving: the same if they move with every batch, else empty.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self._model, self._recipe = model, recipe
        wanted = recipe.averaging or recipe.swa
        self.values: list[Tensor] = (
            [value.detach().clone() for value in model.parameters()] if wanted else []
        )
        self.moving: list[Tensor] = self.values if recipe.averaging else []

    def take_in(self, epoch: int) -> None:
        """Count in the weights as they are at an epoch's end, if ``swa`` wants that epoch's."""
        taken = self._taken(epoch)
        if taken:
            for average, parameter in zip(self.values, self._model.parameters(), strict=True):
                average.lerp_(parameter.detach(), 1 / taken)

    def adopt(self, epoch: int, estimate: Callable[[], None]) -> Callable[[], None]:
        """Put the averages, if there are any by the end of that epoch, in the place of the weights.

        Args:
            epoch: the one that is done.
            estimate: estimates the statistics of the model's batch normalisations anew.

        Returns:
            What undoes it.
        """
        taken = self._taken(epoch)
        if not (self.moving or taken):
            return lambda: None
        statistics = (
            [(buffer, buffer.clone()) for buffer in _statistics(self._model)] if taken else []
        )

        def undo() -> None:
            self._swap()
            for buffer, before in statistics:
                buffer.copy_(before)

        self._swap()
        try:
            if statistics:
                estimate()
        except BaseException:
            undo()
            raise
        return undo

    def _taken(self, epoch: int) -> int:
        """Return how many epochs' weights are in the mean by the end of that one."""
        return max(0, epoch - self._recipe.epochs + self._recipe.swa) if self._recipe.swa else 0

    def _swap(self) -> None:
        for parameter, average in zip(self._model.parameters(), self.values, strict=True):
            weights = parameter.detach().clone()
            parameter.data.copy_(average)
            average.copy_(weights)


def estimate_statistics(
    model: nn.Module, watch: Callable[[], Callable[[int], None]], batches: int
) -> None:
    """Set the running mean and variance of a model's batch normalisations to their means over some
    batches.

    Args:
        model: whose weights stay as they are.
        watch: returns what lets a batch, given by its number, through the model as training does.
        batches: how many.
    """
    norms = _normalisations(model)
    found = [
        value
        for norm in norms
        for value in (norm.running_mean, norm.running_var)
        if value is not None
    ]
    sums = [torch.zeros_like(value, dtype=torch.float64) for value in found]
    with _whole_momentum(norms):
        see = watch()
        for batch in range(batches):
            see(batch)
            for total, value in zip(sums, found, strict=True):
                total += value
    for total, value in zip(sums, found, strict=True):
        value.copy_(total / batches)


@contextlib.contextmanager
def _whole_momentum(norms: list[_BatchNorm]) -> Iterator[None]:
    """Let each batch's own statistics stand in the place of the running ones."""
    kept = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, kept, strict=True):
            norm.momentum = momentum


def _normalisations(model: nn.Module) -> list[_BatchNorm]:
    return [
        module
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]


def _statistics(model: nn.Module) -> list[Tensor]:
    return [buffer for module in _normalisations(model) for buffer in module.buffers()]
