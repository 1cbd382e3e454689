"""Obstacles: what in a model's forward pass has no native kernel, and what would."""

from collections.abc import Sequence
from dataclasses import dataclass

from mnistlab.errors import KernelError


@dataclass(frozen=True)
class Obstacle:
    """Why a call of a model's forward pass cannot be planned.

    Attributes:
        what: the layer or function: ``features.0 (Conv3d)``, ``fft2()``.
        reason: continues it: ``has no native kernel``.
        where: the line of the user's file: ``net.py:23: x = torch.fft.fft2(x)``; empty if a layer
            of PyTorch's makes the call.
        remedy: what would work; empty if nothing is known.
    """

    what: str
    reason: str
    where: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.what}: {self.reason}"
        return f"{text} ({self.where})" if self.where else text


class ObstacleError(KernelError):
    """A model cannot be planned.

    Args:
        obstacles: all of them, at least one; the message names the first.
    """

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        others = len(obstacles) - 1
        more = f", and {others} more, which mnistlab doctor lists" if others else ""
        super().__init__(f"{obstacles[0]}{more}")
        self.obstacles = tuple(obstacles)
