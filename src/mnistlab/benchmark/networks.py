"""Ten small networks of ten classes, in the usual ways of writing them."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.models import build_model
from mnistlab.recipe import Recipe

CLASSES = 10


@dataclass(frozen=True)
class Network:
    """A network, and how much of it is measured.

    Attributes:
        build: makes it, with random weights.
        shape: of one image.
        steps: in one turn; fewer for slower ones.
    """

    build: Callable[[], nn.Module]
    shape: tuple[int, int, int]
    steps: int


def _built(recipe: Recipe) -> nn.Module:
    return build_model(recipe, (1, 32, 32), CLASSES)


def _tanh_lenet() -> nn.Module:
    """LeNet-5 nearly as in LeCun et al. (1998)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten()),
        *(nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, CLASSES)),
    )


class _TwoConvolutions(nn.Module):
    """As in many tutorials: 32 and 64 channels, pooled once."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.hidden, self.last = nn.Linear(64 * 12 * 12, 128), nn.Linear(128, CLASSES)

    def forward(self, images: Tensor) -> Any:
        values = functional.relu(self.second(functional.relu(self.first(images))))
        values = torch.flatten(functional.max_pool2d(values, 2), 1)
        values = functional.dropout(values, 0.25, self.training)
        values = functional.dropout(functional.relu(self.hidden(values)), 0.5, self.training)
        return functional.log_softmax(self.last(values), dim=1)


class _ResidualBlock(nn.Module):
    """He et al. (2016), with option A: the shortcut takes every other pixel, and zeros as further
    channels.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.stride, self.more = (2 if width > channels else 1), width - channels
        self.one = nn.Conv2d(channels, width, 3, self.stride, padding=1, bias=False)
        self.two = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm_one, self.norm_two = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, values: Tensor) -> Any:
        inner = functional.relu(self.norm_one(self.one(values)))
        inner = self.norm_two(self.two(inner))
        if self.more:
            values = values[:, :, ::2, ::2]
            values = functional.pad(values, (0, 0, 0, 0, self.more // 2, self.more // 2))
        return functional.relu(inner + values)


def _resnet(blocks: int) -> nn.Module:
    """``6 * blocks + 2`` layers for CIFAR-10."""
    widths = [16] * (blocks + 1) + [32] * blocks + [64] * blocks
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
        *(_ResidualBlock(*pair) for pair in pairwise(widths)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES)),
    )


def _depthwise() -> nn.Module:
    """Depthwise and pointwise convolutions in turn (Howard et al., 2017)."""
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()]
    for channels, width, stride in ((16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)):
        layers += [
            nn.Conv2d(channels, channels, 3, stride, padding=1, groups=channels, bias=False),
            *(nn.BatchNorm2d(channels), nn.ReLU()),
            *(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


class _Gated(nn.Module):
    """Channels multiplied by gates (Hu et al., 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(channels, channels // 4), nn.Linear(channels // 4, channels)

    def forward(self, values: Tensor) -> Any:
        gates = torch.sigmoid(self.two(functional.relu(self.one(values.mean((2, 3))))))
        return values * gates[:, :, None, None]


def _squeeze_excite() -> nn.Module:
    layers: list[nn.Module] = []
    for channels, width in ((1, 16), (16, 32), (32, 64)):
        layers += [
            *(nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)),
            *(nn.ReLU(), _Gated(width), nn.MaxPool2d(2)),
        ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 3 * 3, CLASSES))


class _Attention(nn.Module):
    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.last = nn.Linear(size, 3 * size), nn.Linear(size, size)

    def forward(self, tokens: Tensor) -> Any:
        count, length, size = tokens.shape
        qkv = self.qkv(tokens).reshape(count, length, 3, self.heads, size // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(-2, -1) * (size // self.heads) ** -0.5
        mixed = scores.softmax(-1) @ value
        return self.last(mixed.transpose(1, 2).reshape(count, length, size))


class _TransformerBlock(nn.Module):
    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(size), _Attention(size, heads))
        self.inner = nn.Sequential(
            nn.LayerNorm(size), nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size)
        )

    def forward(self, tokens: Tensor) -> Any:
        tokens = tokens + self.attention(tokens)
        return tokens + self.inner(tokens)


class _VisionTransformer(nn.Module):
    """Dosovitskiy et al. (2021), small: 49 patches of 4x4 and a class token."""

    def __init__(self, size: int = 32, heads: int = 4, depth: int = 2) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, size, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, size))
        self.positions = nn.Parameter(torch.randn(1, 50, size) * 0.02)
        self.blocks = nn.Sequential(*(_TransformerBlock(size, heads) for _ in range(depth)))
        self.norm, self.last = nn.LayerNorm(size), nn.Linear(size, CLASSES)

    def forward(self, images: Tensor) -> Any:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), tokens], 1) + self.positions
        return self.last(self.norm(self.blocks(tokens))[:, 0])


class _ConvNeXtBlock(nn.Module):
    """Liu et al. (2022): channels last for LayerNorm and the linear layers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.one, self.two = (
            nn.Linear(channels, 4 * channels),
            nn.Linear(4 * channels, channels),
        )

    def forward(self, values: Tensor) -> Any:
        inner = self.norm(self.depthwise(values).permute(0, 2, 3, 1))
        inner = self.two(functional.gelu(self.one(inner)))
        return values + inner.permute(0, 3, 1, 2)


def _convnext() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 24, 4, 4), _ConvNeXtBlock(24), nn.Conv2d(24, 48, 2, 2), _ConvNeXtBlock(48)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(48), nn.Linear(48, CLASSES)),
    )


_GREY, _PADDED, _COLOUR = (1, 28, 28), (1, 32, 32), (3, 32, 32)
_CONVNET = Recipe(model="convnet", channels=((64, 64), (128, 128)))

NETWORKS = {
    "lenet5": Network(lambda: _built(Recipe()), _PADDED, 16),
    "LeNet, tanh": Network(_tanh_lenet, _PADDED, 16),
    "32-64 channels": Network(_TwoConvolutions, _GREY, 3),
    "ResNet-8": Network(lambda: _resnet(1), _COLOUR, 3),
    "ResNet-20": Network(lambda: _resnet(3), _COLOUR, 1),
    "depthwise": Network(_depthwise, _COLOUR, 4),
    "squeeze-excite": Network(_squeeze_excite, _GREY, 6),
    "transformer": Network(_VisionTransformer, _GREY, 4),
    "ConvNeXt": Network(_convnext, _COLOUR, 6),
    "convnet": Network(lambda: _built(_CONVNET), _PADDED, 1),
}
"""By the name that the table has."""
