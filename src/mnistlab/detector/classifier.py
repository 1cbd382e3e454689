"""The classifier: names one character in a cut-out around the place where the detector found it."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.characters import OTHER

SIDE = 32
"""Of a cut-out in pixels."""
NOTHING = OTHER + 1
"""The class of what the detector takes for a character and is none."""
CLASSES = NOTHING + 1
ROOM = 1.45
"""Side of a cut-out, in the larger side of the character's box, or in the height of its text."""
SHORT = 0.9
"""Of a text's digits: what counts as the height of its signs."""
_FLAT = 24.0
"""Grey values: less contrast is not stretched to the full range."""


class Classifier(nn.Sequential):
    """The network: ``(n, 1, 32, 32)`` to logits, ``(n, 21)``.

    Example:
        >>> import torch
        >>> Classifier()(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 21])
    """

    def __init__(self) -> None:
        super().__init__(
            *_unit(1, 16, 1),
            *_unit(16, 32, 2),
            *_unit(32, 64, 2),
            *_unit(64, 64, 1),
            *_unit(64, 96, 2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(96 * 4 * 4, CLASSES),
        )


def _unit(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def cut_out(images: Tensor, index: Tensor, boxes: Tensor, tall: Tensor) -> Tensor:
    """Cut characters out of pictures.

    Args:
        images: uint8, ``(n, 1, height, width)``.
        index: int64, ``(m,)``, the picture of each character.
        boxes: float32, ``(m, 4)``, left, top, right and bottom in pixels.
        tall: float32, ``(m,)``, height of the digits of its text.

    Returns:
        float32, ``(m, 1, 32, 32)``, grey values stretched from 0 to 255; squares around the boxes'
        middles, beyond a picture its edge.
    """
    height, width = images.shape[2:]
    sides = torch.stack([boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1], SHORT * tall])
    side = ROOM * sides.amax(0)
    steps = (torch.arange(SIDE) + 0.5) / SIDE - 0.5
    x = (boxes[:, 0] + boxes[:, 2])[:, None] / 2 + steps * side[:, None] - 0.5
    y = (boxes[:, 1] + boxes[:, 3])[:, None] / 2 + steps * side[:, None] - 0.5
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    left, top = x.floor().clamp(max=width - 2), y.floor().clamp(max=height - 2)
    fx, fy = (x - left)[:, None, :], (y - top)[:, :, None]
    place = (index[:, None, None] * height + top.long()[:, :, None]) * width + left.long()[:, None]
    flat = images.reshape(-1)
    upper = flat[place] * (1 - fx) + flat[place + 1] * fx
    lower = flat[place + width] * (1 - fx) + flat[place + width + 1] * fx
    grey = upper * (1 - fy) + lower * fy
    low, high = grey.amin((1, 2), keepdim=True), grey.amax((1, 2), keepdim=True)
    return ((grey - low) * (255 / (high - low).clamp(min=_FLAT)))[:, None]


def prepare(cut_outs: Tensor) -> Tensor:
    """Return the network's input of cut-outs."""
    return (cut_outs.round() - 128) * (1 / 64)


def loss(logits: Tensor, kinds: Tensor) -> Tensor:
    """Return the mean cross-entropy, labels smoothed a little."""
    return functional.cross_entropy(logits, kinds, label_smoothing=0.02)
