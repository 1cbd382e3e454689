"""The classifier: names one character in a cut-out around the place where the detector found it."""

from torch import Tensor, nn

from mnistlab.characters import OTHER

SIDE = 32
"""Of a cut-out in pixels."""
NOTHING = OTHER + 1
"""The class of what the detector takes for a character and is none."""
CLASSES = NOTHING + 1
EDGES = 4
"""Of a box: left, top, right, bottom."""
VIEWS = 3
"""Squares of the picture that it sees: around the character, and two wider ones."""


class Residual(nn.Module):
    """Two convolutions and their input (He et al., 2016), without the last ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_unit(channels, channels, 1),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return as many channels as ``x`` has, ``(n, channels, height, width)``."""
        out: Tensor = x + self.body(x)
        return out


class Classifier(nn.Sequential):
    """The network: ``(n, 3, 32, 32)`` to ``(n, 25)``, 21 logits, and how far the edges of the
    character's box are off, in its larger sides (Girshick et al., *Rich Feature Hierarchies*, 2014,
    arXiv:1311.2524).

    Example:
        >>> import torch
        >>> Classifier()(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 25])
    """

    def __init__(self) -> None:
        super().__init__(
            *_unit(VIEWS, 16, 1),
            *_unit(16, 32, 2),
            *_unit(32, 64, 2),
            Residual(64),
            nn.ReLU(),
            *_unit(64, 96, 2),
            Residual(96),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(96 * 4 * 4, CLASSES + EDGES),
        )


def _unit(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
