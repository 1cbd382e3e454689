"""Networks of modules: branches that join, and blocks within blocks."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class DenseLayer(nn.Sequential):
    def __init__(self, channels, growth):
        super().__init__()
        self.add_module("norm", nn.BatchNorm2d(channels))
        self.add_module("relu", nn.ReLU(inplace=True))
        self.add_module("conv", nn.Conv2d(channels, growth, 3, padding=1, bias=False))

    def forward(self, x):
        return torch.cat([x, super().forward(x)], dim=1)


def dense_net(growth=4):
    """Every layer sees all before it (Huang et al., 2017)."""
    layers, channels = [nn.Conv2d(3, 8, 3, padding=1, bias=False)], 8
    for block in range(2):
        for _ in range(2):
            layers.append(DenseLayer(channels, growth))
            channels += growth
        if block == 0:
            layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 8, 1)]
            layers.append(nn.AvgPool2d(2))
            channels = 8
    layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(channels, 10))


class Inception(nn.Module):
    def __init__(self, inp):
        super().__init__()
        self.b1 = nn.Conv2d(inp, 4, 1)
        self.b2 = nn.Sequential(nn.Conv2d(inp, 4, 1), nn.ReLU(True), nn.Conv2d(4, 6, 3, padding=1))
        self.b3 = nn.Sequential(
            nn.Conv2d(inp, 4, 1), nn.ReLU(True), nn.Conv2d(4, 4, (1, 5), padding=(0, 2)),
            nn.Conv2d(4, 4, (5, 1), padding=(2, 0)),
        )  # fmt: skip
        self.b4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(inp, 4, 1))

    def forward(self, x):
        return F.relu(torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1))


class GoogLeNetLike(nn.Module):
    def __init__(self):
        super().__init__()
        self.pre = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.a3 = Inception(8)
        self.b3 = Inception(18)
        self.linear = nn.Linear(18, 10)

    def forward(self, x):
        out = self.b3(F.max_pool2d(self.a3(F.relu(self.pre(x))), 2))
        out = F.avg_pool2d(out, out.size()[2:])
        return self.linear(out.view(out.size(0), -1))


class Fire(nn.Module):
    def __init__(self, inplanes, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(inplanes, squeeze, kernel_size=1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, kernel_size=1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, kernel_size=3, padding=1)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.activation(self.squeeze(x))
        return torch.cat(
            (self.activation(self.expand1x1(x)), self.activation(self.expand3x3(x))), 1
        )


def squeeze_net():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(inplace=True),
        nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
        Fire(8, 4, 8), Fire(16, 4, 8), nn.Dropout(p=0.5),
        nn.Conv2d(16, 10, kernel_size=1), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(),
    )  # fmt: skip


class UNetLike(nn.Module):
    """Down and up again, with a skip connection; the mean of the map is classified."""

    def __init__(self):
        super().__init__()
        self.enc1 = self.twice(1, 4)
        self.enc2 = self.twice(4, 8)
        self.mid = self.twice(8, 8)
        self.up = nn.ConvTranspose2d(8, 8, kernel_size=2, stride=2)
        self.dec = self.twice(16, 8)
        self.last = nn.Conv2d(12, 10, 1)

    @staticmethod
    def twice(a, b):
        return nn.Sequential(
            nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.Conv2d(b, b, 3, padding=1)
        )

    def forward(self, x):
        e1 = torch.relu(self.enc1(x))
        e2 = torch.relu(self.enc2(F.max_pool2d(e1, 2)))
        m = torch.relu(self.mid(F.max_pool2d(e2, 2)))
        d = torch.relu(self.dec(torch.cat([self.up(m), e2], dim=1)))
        d = F.interpolate(d, scale_factor=2, mode="nearest")
        return self.last(torch.cat([d, e1], 1)).mean((2, 3))


class TwoScales(nn.Module):
    """The same filters on the image and on half of it."""

    def __init__(self):
        super().__init__()
        self.filters = nn.Conv2d(1, 8, 5, padding=2)
        self.fuse = nn.Conv2d(8, 8, 3, stride=2)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        small = self.filters(F.avg_pool2d(x, 2))
        large = F.max_pool2d(self.filters(x), 2)
        x = torch.stack([F.relu(small), F.relu(large)]).mean(0)
        return self.fc(F.relu(self.fuse(x)).amax(dim=(2, 3)))


class Conv2dSame(nn.Conv2d):
    """A convolution that pads itself."""

    def forward(self, x):
        k = self.kernel_size[0]
        return super().forward(F.pad(x, [k // 2, (k - 1) // 2, k // 2, (k - 1) // 2]))


class ConvBNReLU(nn.Sequential):
    def __init__(self, a, b, k=3, s=1):
        super().__init__(
            nn.Conv2d(a, b, k, s, k // 2, bias=False), nn.BatchNorm2d(b), nn.ReLU6(inplace=True)
        )


class ScaledLinear(nn.Linear):
    def forward(self, input):
        return F.linear(input, self.weight * 0.5, self.bias)


def of_subclasses():
    return nn.Sequential(
        Conv2dSame(1, 6, 4), nn.ReLU(), nn.MaxPool2d(2), ConvBNReLU(6, 8),
        nn.AvgPool2d(7), nn.Flatten(), ScaledLinear(8 * 4, 10),
    )  # fmt: skip


class Nested(nn.Module):
    """Modules within modules, and loops over lists of them."""

    class Stage(nn.Module):
        def __init__(self, width, depth):
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
            self.acts = [nn.ReLU() for _ in range(depth)]

        def forward(self, x):
            for i in range(len(self.convs)):
                x = self.acts[i](self.convs[i](x))
            return F.max_pool2d(x, 2)

    class Head(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.fc = nn.Linear(width, 10)

        def forward(self, x):
            return self.fc(x.reshape(x.shape[0], -1))

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 1)
        self.stages = nn.ModuleList([self.Stage(6, 1), self.Stage(6, 2)])
        self.head = self.Head(6 * 49)

    def forward(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(x)


class GroupNormed(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1)
        self.gn1 = nn.GroupNorm(4, 8)
        self.conv2 = nn.Conv2d(8, 12, 3, 2, 1)
        self.gn2 = nn.GroupNorm(num_groups=1, num_channels=12)
        self.conv3 = nn.Conv2d(12, 12, 3)
        self.inorm = nn.InstanceNorm2d(12, affine=True)
        self.fc = nn.Linear(12, 10)

    def forward(self, x):
        x = F.leaky_relu(self.gn1(self.conv1(x)), 0.1)
        x = F.silu(self.gn2(self.conv2(x)))
        x = F.mish(self.inorm(self.conv3(x)))
        return self.fc(x.mean(3).mean(2))


class Dilated(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(),
            nn.Conv2d(6, 6, 3, padding=2, dilation=2), nn.ReLU(),
            nn.Conv2d(6, 6, 3, dilation=4, stride=2), nn.ReLU(),
        )  # fmt: skip
        self.cumulative = nn.BatchNorm2d(6, momentum=None)
        self.fc = nn.LazyLinear(10)
        self(torch.zeros(2, 1, 28, 28))

    def forward(self, x):
        return self.fc(torch.flatten(self.cumulative(self.net(x)), 1))


class RowsOfPixels(nn.Module):
    """Rows as the channels of a convolution over columns."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(28, 16, 3, padding=1)
        self.conv2 = nn.Conv1d(16, 16, 3, stride=2)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = x.squeeze(1)
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.fc(F.adaptive_avg_pool1d(x, 1).squeeze(2))
