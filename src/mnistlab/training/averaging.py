"""Weight averaging: EMA and SWA, and the batch norm statistics that averaged weights need."""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mnistlab.recipe import Recipe

UPDATE_BN_IMAGES = 10_000
"""Enough images to estimate batch norm statistics well (Wu and Johnson 2021, arXiv:2105.07576)."""


class WeightAveraging:
    """The averages of a model's parameters that its recipe asks for.

    The recipe's ``averaging`` is the decay of an exponential moving average (EMA), which the
    backend updates after every batch. Its ``swa`` is stochastic weight averaging (Izmailov et al.
    2018, arXiv:1803.05407): the plain mean of the weights at the ends of the last ``swa`` epochs.
    Batch norm's running statistics are those of the weights that are being trained. An average
    lags behind these, so the statistics are estimated anew for it, as in
    :func:`torch.optim.swa_utils.update_bn`.

    Attributes:
        averages: float32, in the order and shapes of ``model.parameters()``; empty if the recipe
            asks for none.
        ema: the same list if it is updated after every batch, else an empty one.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self._model, self._recipe = model, recipe
        wanted = recipe.averaging or recipe.swa
        self.averages: list[Tensor] = (
            [value.detach().clone() for value in model.parameters()] if wanted else []
        )
        self.ema: list[Tensor] = self.averages if recipe.averaging else []

    def update(self, epoch: int) -> None:
        """Add the weights at the end of an epoch to the mean, if ``swa`` includes that epoch."""
        count = self._swa_count(epoch)
        if count:
            for average, parameter in zip(self.averages, self._model.parameters(), strict=True):
                # Not lerp_, which rounds once or twice, as the processor has it.
                last = parameter.detach()
                average.copy_(last - (last - average) * (1 - 1 / count))

    def swap_in(self, epoch: int, update_bn: Callable[[], None]) -> Callable[[], None]:
        """Replace the model's weights by their averages, if there are any after that epoch.

        Args:
            epoch: the last finished one.
            update_bn: estimates the model's batch norm statistics anew; called if it has some.

        Returns:
            A function that restores the weights and the statistics.
        """
        if not (self.ema or self._swa_count(epoch)):
            return lambda: None
        statistics = [(buffer, buffer.clone()) for buffer in _batch_norm_buffers(self._model)]

        def swap_out() -> None:
            self._swap()
            for buffer, before in statistics:
                buffer.copy_(before)

        self._swap()
        try:
            if statistics:
                update_bn()
        except BaseException:
            swap_out()
            raise
        return swap_out

    def _swa_count(self, epoch: int) -> int:
        """Return how many epochs are in the mean by the end of that one."""
        return max(0, epoch - self._recipe.epochs + self._recipe.swa) if self._recipe.swa else 0

    def _swap(self) -> None:
        for parameter, average in zip(self._model.parameters(), self.averages, strict=True):
            weights = parameter.detach().clone()
            parameter.data.copy_(average)
            average.copy_(weights)


def update_bn(
    model: nn.Module, make_forward: Callable[[], Callable[[int], None]], batches: int
) -> None:
    """Set batch norm's running statistics to the mean of the batches' own statistics.

    Like :func:`torch.optim.swa_utils.update_bn`, but the mean is summed in float64.

    Args:
        model: its weights stay as they are.
        make_forward: called once the model's momentum is set; returns a function that runs batch
            ``i`` through the model in training mode.
        batches: number of batches.
    """
    norms = _batch_norms(model)
    running = [
        value
        for norm in norms
        for value in (norm.running_mean, norm.running_var)
        if value is not None
    ]
    sums = [torch.zeros_like(value, dtype=torch.float64) for value in running]
    with _momentum_of_one(norms):
        forward = make_forward()
        for batch in range(batches):
            forward(batch)
            for total, value in zip(sums, running, strict=True):
                total += value
    for total, value in zip(sums, running, strict=True):
        value.copy_(total / batches)


@contextlib.contextmanager
def _momentum_of_one(norms: list[_BatchNorm]) -> Iterator[None]:
    """Have each batch overwrite the running statistics with its own."""
    kept = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, kept, strict=True):
            norm.momentum = momentum


def _batch_norms(model: nn.Module) -> list[_BatchNorm]:
    return [
        module
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]


def _batch_norm_buffers(model: nn.Module) -> list[Tensor]:
    return [buffer for module in _batch_norms(model) for buffer in module.buffers()]
