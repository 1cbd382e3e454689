"""LeNet and its relatives: convolutions, pooling, and then linear layers."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F


class TutorialNet(nn.Module):
    """The first network of many: log-probabilities at the end."""

    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 8, 3, 1)
        self.c2 = nn.Conv2d(8, 12, 3, 1)
        self.drop1 = nn.Dropout(0.25)
        self.drop2 = nn.Dropout(0.5)
        self.d1 = nn.Linear(12 * 12 * 12, 32)
        self.d2 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.relu(self.c1(x))
        x = F.relu(self.c2(x))
        x = self.drop1(F.max_pool2d(x, 2))
        x = torch.flatten(x, 1)
        x = self.drop2(F.relu(self.d1(x)))
        return F.log_softmax(self.d2(x), dim=1)


class SpatialDropoutNet(nn.Module):
    """Whole channels dropped, and a view with a size written out."""

    def __init__(self):
        super(SpatialDropoutNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 10, kernel_size=5)
        self.conv2_drop = nn.Dropout2d()
        self.fc1 = nn.Linear(160, 24)
        self.fc2 = nn.Linear(24, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = x.view(-1, 160)
        x = F.relu(self.fc1(x))
        x = F.dropout(x, training=self.training)
        x = self.fc2(x)
        return F.log_softmax(x, -1)


class ClassicLeNet(nn.Module):
    """As in 1998, nearly: tanh, average pooling as a function, and images of 32 pixels."""

    def __init__(self, num_classes=10):
        super().__init__()
        self.C1 = nn.Conv2d(1, 6, 5)
        self.C3 = nn.Conv2d(6, 16, 5)
        self.C5 = nn.Conv2d(16, 120, 5)
        self.F6 = nn.Linear(120, 84)
        self.OUT = nn.Linear(84, num_classes)

    def forward(self, input):
        h = F.avg_pool2d(F.tanh(self.C1(input)), kernel_size=2, stride=2)
        h = F.avg_pool2d(torch.tanh(self.C3(h)), 2)
        h = self.C5(h).tanh()
        h = h.view(h.size()[0], -1)
        return self.OUT(torch.tanh(self.F6(h)))


class CountsItsFeatures(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 12, 3)
        self.fc1 = nn.Linear(12 * 5 * 5, 40)
        self.fc2 = nn.Linear(40, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        return self.fc2(F.relu(self.fc1(x)))

    def num_flat_features(self, x):
        size = x.size()[1:]
        num_features = 1
        for s in size:
            num_features *= s
        return num_features


class SizesReadApart(nn.Module):
    """Every size read from the tensor."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 5, padding="same")
        self.fc = nn.Linear(6 * 14 * 14, 10)

    def forward(self, images):
        batch, channels, height, width = images.shape
        assert channels == 1
        x = self.conv(images).relu_()
        x = F.max_pool2d(x, kernel_size=height // 14)
        c, h, w = x.size(1), x.size(2), x.shape[-1]
        return self.fc(x.contiguous().view(batch, c * h * w))


class OddWindows(nn.Module):
    """Pooling windows that overlap, are padded, round up, or are not square."""

    def __init__(self):
        super().__init__()
        self.block1 = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2)
        )
        self.block2 = nn.Sequential(
            nn.Conv2d(8, 8, 3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1)
        )
        self.block3 = nn.Sequential(
            nn.Conv2d(8, 12, 1), nn.ReLU(inplace=True), nn.AvgPool2d(3, 2, ceil_mode=True)
        )
        self.fc = nn.Linear(12 * 3 * 2, 10)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(x)))
        x = F.avg_pool2d(x, (1, 2), stride=(1, 1))
        return self.fc(x.flatten(1))


class AdaptiveToFour(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv0=nn.Conv2d(3, 8, 3, padding=1),
                act0=nn.SiLU(),
                conv1=nn.Conv2d(8, 12, 3, stride=2),
                act1=nn.SiLU(),
                pool=nn.AdaptiveAvgPool2d((4, 4)),
            )
        )
        self.largest = nn.AdaptiveMaxPool2d(1)
        self.classifier = nn.Linear(12 * 4 * 4 + 12, 10)

    def forward(self, x):
        x = self.features(x)
        return self.classifier(torch.hstack([x.flatten(1), self.largest(x).flatten(1)]))


def vgg(cfg=(8, "M", 12, "M", 16, 16, "M"), classes=10):
    """From a list of widths, as VGG is often built."""
    layers, channels = [], 3
    for entry in cfg:
        if entry == "M":
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        else:
            layers += [
                nn.Conv2d(channels, entry, kernel_size=3, padding=1),
                nn.BatchNorm2d(entry),
                nn.ReLU(inplace=True),
            ]
            channels = entry
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * 4 * 4, classes))


def channels_last():
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 10),
    )  # fmt: skip
    return net.to(memory_format=torch.channels_last)


class Discriminator(nn.Module):
    """A GAN's, which a class each makes a classifier: strides, leaky slopes, no pooling."""

    def __init__(self, ndf=6):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, 10, 7, 1, 0),
        )

    def forward(self, x):
        return self.main(x).squeeze(-1).squeeze(-1)


class AllConvolutional(nn.Module):
    """Strides instead of pooling (Springenberg et al., 2015)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.down1 = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(8, 12, 3, padding=1)
        self.down2 = nn.Conv2d(12, 12, 3, stride=(2, 2), padding=(1, 1))
        self.class_conv = nn.Conv2d(12, 10, 1)

    def forward(self, x):
        for layer in (self.conv1, self.down1, self.conv2, self.down2, self.class_conv):
            x = F.relu(layer(x))
        return x.mean([2, 3])


class SizeBranch(nn.Module):
    """One network for 28 and for 32 pixels: the branch follows from the size."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 14 * 14, 10)

    def forward(self, x):
        if x.dim() == 3:
            x = x.unsqueeze(1)
        if x.shape[-1] == 28:
            x = F.pad(x, (2, 2, 2, 2))
        if x.size(-1) > 30 and x.size(-2) > 30:
            x = x[:, :, 2:-2, 2:-2]
        x = F.max_pool2d(F.elu(self.conv(x)), 2)
        return self.fc(torch.flatten(x, 1))


class DictOfLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict(
            {
                "conv": nn.Conv2d(1, 8, 5),
                "pool": nn.MaxPool2d(4),
                "act": nn.Hardtanh(),
                "fc": nn.Linear(8 * 6 * 6, 10),
            }
        )

    def forward(self, x):
        for name, layer in self.layers.items():
            x = layer(x.flatten(1) if name == "fc" else x)
        return x


class ConcatenatedReLU(nn.Module):
    """Positive and negative parts side by side (Shang et al., 2016)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 5, bias=False)
        self.conv2 = nn.Conv2d(12, 10, 5)

    @staticmethod
    def crelu(x):
        return torch.cat([F.relu(x), F.relu(-x)], 1)

    def forward(self, x):
        x = F.max_pool2d(self.crelu(self.conv(x)), 2)
        return F.adaptive_avg_pool2d(self.conv2(x), (1, 1)).view(x.size(0), -1)


class Rescales(nn.Module):
    """Arithmetic with numbers around the network."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.1]).view(1, 1, 1))
        self.conv = nn.Conv2d(1, 8, 5, stride=2)
        self.temperature = 2.0
        self.scale = nn.Parameter(torch.ones(8, 1, 1))
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        x = (x - self.mean) / 0.5
        x = 2 * x - 1
        x = self.conv(x) * self.scale
        x = torch.abs(x) + 0.1 * x.pow(2)
        return self.fc(x.mean(dim=(-2, -1))) / self.temperature


class FunctionalOnly(nn.Module):
    """Kernels as parameters, everything else functions."""

    def __init__(self):
        super().__init__()
        self.k1 = nn.Parameter(torch.randn(6, 1, 5, 5) * 0.2)
        self.k2 = nn.Parameter(torch.randn(12, 6, 5, 5) * 0.1)
        self.weight = nn.Parameter(torch.randn(10, 12 * 16) * 0.1)
        self.bias = nn.Parameter(torch.zeros(10))

    def forward(self, x):
        x = F.max_pool2d(F.relu(F.conv2d(x, self.k1)), 2)
        x = F.max_pool2d(F.relu(torch.conv2d(x, self.k2)), 2)
        return F.linear(x.view(x.shape[0], -1), self.weight, self.bias)


class ResponseNormalised(nn.Module):
    """Local response normalisation, as AlexNet had it."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2)
        )
        self.fc = nn.Linear(8 * 5 * 5, 10)

    def forward(self, x):
        return self.fc(self.net(x).flatten(1))


def reflected_borders():
    return nn.Sequential(
        nn.ReflectionPad2d(2),
        nn.Conv2d(1, 8, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular"),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


def weight_normalised():
    wrap = nn.utils.parametrizations.weight_norm
    return nn.Sequential(
        wrap(nn.Conv2d(1, 8, 5, stride=2)), nn.ReLU(), nn.Flatten(), wrap(nn.Linear(8 * 144, 10))
    )
