"""Networks for phones: depthwise convolutions, gates, and shuffled channels."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class SeparableConv2d(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            in_channels, in_channels, 3, stride=stride, padding=1, groups=in_channels, bias=False
        )
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.depthwise(x)))
        return functional.relu(self.bn2(self.pointwise(x)))


def mobile_net(width=8):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        SeparableConv2d(width, 2 * width),
        SeparableConv2d(2 * width, 2 * width, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * width, 10),
    )


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al., 2018)."""

    def __init__(self, inp: int, oup: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = inp * expand
        self.use_shortcut = stride == 1 and inp == oup
        self.conv = nn.Sequential(
            nn.Conv2d(inp, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, oup, 1, bias=False),
            nn.BatchNorm2d(oup),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_shortcut else self.conv(x)


def mobile_net_v2():
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, 2, 1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU6(),
        InvertedResidual(6, 6, 1, 2),
        InvertedResidual(6, 8, 2, 3),
        nn.Conv2d(8, 16, 1),
        nn.Hardswish(),
        nn.AdaptiveAvgPool2d(output_size=1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(16, 10),
    )


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    batch, channels, height, width = x.data.size()
    x = x.view(batch, groups, channels // groups, height, width)
    x = torch.transpose(x, 1, 2).contiguous()
    return x.view(batch, -1, height, width)


class ShuffleUnit(nn.Module):
    """Half of the channels passes by (Ma et al., 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch = nn.Sequential(
            nn.Conv2d(half, half, 1), nn.BatchNorm2d(half), nn.ReLU(),
            nn.Conv2d(half, half, 3, padding=1, groups=half), nn.BatchNorm2d(half),
            nn.Conv2d(half, half, 1), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        passed, changed = x.chunk(2, dim=1)
        return channel_shuffle(torch.cat((passed, self.branch(changed)), dim=1), 2)


def shuffle_net():
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, 2, 1),
        nn.MaxPool2d(3, 2, 1),
        ShuffleUnit(12),
        ShuffleUnit(12),
        nn.ChannelShuffle(3),
        nn.Conv2d(12, 16, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


class SqueezeExcite(nn.Module):
    """Each channel multiplied by a gate (Hu et al., 2018)."""

    def __init__(self, channels, reduction=4):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // reduction, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channels // reduction, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x):
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)


def squeeze_excite(width=8):
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        SqueezeExcite(width),
        nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        SqueezeExcite(2 * width),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2 * width * 49, 10),
    )


class GatedByConvolutions(nn.Module):
    """Squeeze and excite written with 1x1 convolutions, hard gates, and a swish by hand."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.reduce, self.expand = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.spatial = nn.Conv2d(2, 1, 7, padding=3)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        x = self.stem(x)
        x = x * torch.sigmoid(x)
        squeezed = functional.adaptive_avg_pool2d(x, 1)
        gate = functional.hardsigmoid(self.expand(functional.relu(self.reduce(squeezed))))
        x = x.mul(gate)
        where = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        x = x * self.spatial(where).sigmoid()
        return self.fc(x.flatten(2).mean(-1))
