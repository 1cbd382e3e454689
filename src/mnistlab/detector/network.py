"""The detector: a small fully convolutional network.

Of each cell of 4x4 pixels it says whether a character's middle lies in it, how large the character
is and which, and whether there are rulings or other ink. Inverted bottlenecks are those of
MobileNetV2 (Sandler et al., 2018), pixel shuffling that of Shi et al. (2016), middles and sizes
those of CenterNet (Zhou, Wang and Krähenbühl, 2019).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.characters import OTHER

CELL = 4
"""Pixels of a picture to a side of a cell."""
MIDDLE, OFFSET, SIZE, RULINGS, SCRAP, CLASSES = 0, 1, 3, 5, 7, 8
"""First of the channels that tell: a character's middle lies here (a logit); where to, right and
down, in units of :data:`REACH` pixels; the logarithms of its width and height in units of
:data:`UNIT` pixels; level and upright rulings (logits); other ink (a logit); the logits of the
classes."""
CHANNELS = CLASSES + OTHER + 1
REACH, UNIT = 8.0, 16.0
_STEM, _WIDTH, _WIDE, _BLOCKS, _KERNEL = (12, 24), 56, 84, 3, 5
_RARE = -4.0
"""Logit at the start: few cells hold a character's middle."""


def prepare(images: Tensor) -> Tensor:
    """Return the network's input, float32, of grey values, uint8."""
    return (images.float() - 128) * (1 / 64)


def find_peaks(heat: Tensor) -> Tensor:
    """Return which cells, ``(n, rows, columns)``, have no larger one beside them."""
    return functional.max_pool2d(heat[:, None], 3, 1, 1)[:, 0] == heat


def decode_boxes(places: Tensor, box: Tensor) -> Tensor:
    """Return left, top, right and bottom, ``(n, 4)``, of what is said of cells, ``(n, 3)``: image,
    row and column.
    """
    image, row, column = places.T
    right, down, width, height = box[image, :4, row, column].T
    x, y = (column + 0.5) * CELL + REACH * right, (row + 0.5) * CELL + REACH * down
    width, height = (UNIT * side.clamp(-3, 1.5).exp() / 2 for side in (width, height))
    return torch.stack([x - width, y - height, x + width, y + height], 1)


class Bottleneck(nn.Module):
    """An inverted bottleneck: widen, look around channel by channel, narrow, add."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _unit(_WIDTH, _WIDE, 1),
            _unit(_WIDE, _WIDE, _KERNEL, groups=_WIDE),
            nn.Conv2d(_WIDE, _WIDTH, 1, bias=False),
            nn.BatchNorm2d(_WIDTH),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return as many channels as ``x`` has, ``(n, channels, height, width)``."""
        out: Tensor = x + self.body(x)
        return out


class Detector(nn.Module):
    """The network.

    Example:
        >>> import torch
        >>> Detector()(torch.zeros(1, 1, 64, 96)).shape
        torch.Size([1, 28, 16, 24])
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _unit(1, _STEM[0], 3, stride=2),
            _unit(_STEM[0], _STEM[1], 3, stride=2),
            _unit(_STEM[1], _WIDTH, 3, stride=2),
        )
        self.body = nn.Sequential(*(Bottleneck() for _ in range(_BLOCKS)))
        self.neck = _unit(_WIDTH, _WIDE, 1)
        self.head = nn.Conv2d(_WIDE, 4 * CHANNELS, 1)
        self.shuffle = nn.PixelShuffle(2)
        nn.init.normal_(self.head.weight, 0, 0.01)
        bias = torch.zeros(4 * CHANNELS)
        bias[: 4 * (MIDDLE + 1)] = _RARE
        self.head.bias = nn.Parameter(bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return what it says of each cell, ``(n, CHANNELS, height / 4, width / 4)``.

        Args:
            images: ``(n, 1, height, width)``, sides multiples of 8, see :func:`prepare`.
        """
        out: Tensor = self.shuffle(self.head(self.neck(self.body(self.stem(images)))))
        return out


def _unit(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
