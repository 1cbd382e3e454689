"""The learning-rate range test (Smith, 2017): the loss while the learning rate rises exponentially.

Source: L. N. Smith, *Cyclical Learning Rates for Training Neural Networks*, WACV 2017,
arXiv:1506.01186, section 3.3; with an exponential rise, as S. Gugger (*How Do You Find A Good
Learning Rate*, 2018) and fastai do it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mnistlab.errors import TrainingError
from mnistlab.models.user_model import user_errors
from mnistlab.training.randomness import fork_rng
from mnistlab.training.trainer import Trainer

_SMOOTHING = 0.9
"""Weight of what came before in the running mean that decides when to stop."""
_DIVERGED = 4.0
"""Times the lowest loss at which the test ends."""
_FEWEST = 10
"""Steps without which a curve says nothing."""
_FALL = 0.01
"""Share of the first loss by which it must fall."""


@dataclass(frozen=True)
class RangeTest:
    """What a range test measured.

    Attributes:
        rates: float64, ``(steps,)``, ascending.
        losses: float64, ``(steps,)``: of each step's batch, before the step; nats.
        smoothed: float64, ``(steps,)``: their mean over neighbouring steps.
        suggestion: the rate to take, a member of ``rates``.
        diverged: whether the loss rose to four times its lowest, where the test ended.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    suggestion: float
    diverged: bool


def range_test(
    trainer: Trainer, rates: NDArray[np.float64], should_stop: Callable[[], bool]
) -> RangeTest | None:
    """Train one batch at each rate, until the loss has risen to four times its lowest.

    The batches are those that training itself would take, epoch after epoch. The test images are
    not looked at.

    Args:
        trainer: new; its weights are changed.
        rates: float64, ``(steps,)``, ascending.
        should_stop: asked before every batch.

    Returns:
        The measurements, or ``None`` if it was asked to stop.

    Raises:
        TrainingError: the loss is not finite from the start, or does not fall.
    """
    losses: list[float] = []
    mean, lowest, diverged = 0.0, math.inf, False
    count = len(trainer.bounds)
    steps = torch.zeros(-(-len(rates) // count) * count, dtype=torch.float64)
    steps[: len(rates)] = torch.from_numpy(rates)
    with fork_rng(trainer.device):
        for step in range(len(rates)):
            if should_stop():
                return None
            epoch, batch = divmod(step, count)
            with user_errors(trainer.recipe.model, f"step {step + 1} at rate {rates[step]:.3g}"):
                if batch == 0:
                    trainer.model.train()
                    drawn = trainer.epoch_batches(epoch + 1)
                    batches = replace(drawn, rates=steps[step : step + count])
                trainer.backend.train(batches, batch, batch + 1)
            loss = float(trainer.losses[batch])
            # A mean without the bias towards its start (Kingma and Ba, 2015).
            mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
            unbiased = mean / (1 - _SMOOTHING ** (step + 1))
            # A loss of the user's own may be negative.
            diverged = not unbiased <= lowest + (_DIVERGED - 1) * abs(lowest)
            if diverged and not math.isfinite(loss):
                break
            losses.append(loss)
            if diverged:
                break
            lowest = min(lowest, unbiased)
    return judge(rates[: len(losses)], np.array(losses), diverged=diverged)


def judge(rates: NDArray[np.float64], losses: NDArray[np.float64], *, diverged: bool) -> RangeTest:
    """Smooth the losses at some rates, and suggest one of these.

    Raises:
        TrainingError: too few are finite, or the loss does not fall.
    """
    if len(losses) < _FEWEST:
        raise TrainingError(
            f"the loss grows beyond bounds within {len(losses)} steps, from a learning rate of"
            f" {rates[0] if len(rates) else 0:g}; start from a lower one with `start=`"
        )
    # One batch that has diverged must not raise the mean of those before it.
    smoothed = smooth(np.minimum(losses, losses[0] + abs(losses[0])))
    return RangeTest(rates, losses, smoothed, suggest(rates, smoothed), diverged)


def smooth(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each loss and its neighbours, weighted by a Gaussian.

    Unlike a running mean it does not lag behind, which would move a suggestion to higher rates.

    Args:
        losses: float64, ``(steps,)``; the width is a twentieth of the steps.
    """
    width = max(1.0, len(losses) / 40)
    place = np.arange(len(losses))
    weights = np.exp(-0.5 * ((place[:, None] - place[None, :]) / width) ** 2)
    return np.asarray(weights @ losses / weights.sum(axis=1))


def suggest(rates: NDArray[np.float64], smoothed: NDArray[np.float64]) -> float:
    """Return the rate at which the loss falls most steeply, before its lowest point.

    The slope is against the logarithm of the rate, as in Gugger (2018) and fastai's
    ``steep`` (``fastai.callback.schedule``). fastai's default, ``valley``, supposes losses that lag
    behind their rates; of losses that do not, it suggests rates about ten times too low.

    Args:
        rates: float64, ``(steps,)``, ascending.
        smoothed: float64, ``(steps,)``: the losses at them.

    Raises:
        TrainingError: the loss does not fall at any rate.
    """
    lowest = int(smoothed.argmin())
    if lowest < 2 or smoothed[0] - smoothed[lowest] < _FALL * abs(smoothed[0]):
        raise TrainingError(
            f"the loss does not fall at any learning rate from {rates[0]:.3g} to {rates[-1]:.3g};"
            " try others with `start=` and `stop=`"
        )
    slopes = np.gradient(smoothed[: lowest + 1], np.log(rates[: lowest + 1]))
    return float(rates[int(slopes.argmin())])
