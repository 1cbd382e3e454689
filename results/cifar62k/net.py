"""Small networks for photographs, of depthwise and pointwise convolutions.

The three kinds of block were searched over within one budget of parameters:

- ``bottleneck``: pointwise to more channels, depthwise, pointwise back (Sandler et al., *MobileNetV2*,
  2018, arXiv:1801.04381).
- ``separable``: depthwise, pointwise (Chollet, *Xception*, 2017, arXiv:1610.02357).
- ``next``: depthwise, pointwise to more channels and back (Liu et al., *A ConvNet for the 2020s*, 2022,
  arXiv:2201.03545), with batch normalisation and ReLU.
- ``mixer``: depthwise around a skip connection, then pointwise (Trockman and Kolter, *Patches Are All
  You Need?*, 2022, arXiv:2201.09792).
"""

from torch import Tensor, nn


def build(
    image_shape: tuple[int, int, int],
    classes: int,
    kind: str,
    stem: int,
    groups: list[list[int]],
    kernel: int,
    expansion: float = 1.0,
) -> nn.Sequential:
    """Build a 3x3 convolution to ``stem`` channels, blocks, global average pooling and one linear layer.

    Each number in ``groups`` is a block's output channels; each group after the first begins with a stride
    of 2. ``kernel`` is the side of the depthwise convolutions, ``expansion`` the factor of the channels
    inside a ``bottleneck`` or ``next`` block.
    """
    layers: list[nn.Module] = [convolution(image_shape[0], stem, 3)]
    width = stem
    for number, group in enumerate(groups):
        for index, outputs in enumerate(group):
            stride = 2 if number and not index else 1
            if kind == "mixer":
                layers.append(Mixer(width, outputs, stride, kernel))
            else:
                layers.append(Residual(kind, width, outputs, stride, kernel, expansion))
            width = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


class Residual(nn.Module):
    """A block with a skip connection around it where it changes no shape."""

    def __init__(
        self, kind: str, width: int, outputs: int, stride: int, kernel: int, expansion: float
    ) -> None:
        super().__init__()
        inner = int(width * expansion)
        self.layers = nn.Sequential(
            *{
                "bottleneck": lambda: (
                    convolution(width, inner),
                    convolution(inner, inner, kernel, stride, groups=inner),
                    convolution(inner, outputs, relu=False),
                ),
                "separable": lambda: (
                    convolution(width, width, kernel, stride, groups=width),
                    convolution(width, outputs, relu=False),
                ),
                "next": lambda: (
                    convolution(width, width, kernel, stride, groups=width, relu=False),
                    convolution(width, inner),
                    convolution(inner, outputs, relu=False),
                ),
            }[kind]()
        )
        self.skips = width == outputs and stride == 1

    def forward(self, images: Tensor) -> Tensor:
        return images + self.layers(images) if self.skips else self.layers(images)


class Mixer(nn.Module):
    """A depthwise convolution with a skip connection around it, then a pointwise one."""

    def __init__(self, width: int, outputs: int, stride: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = convolution(width, width, kernel, stride, groups=width)
        self.pointwise = convolution(width, outputs)
        self.skips = stride == 1

    def forward(self, images: Tensor) -> Tensor:
        mixed = self.depthwise(images)
        return self.pointwise(images + mixed if self.skips else mixed)


def convolution(
    width: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, *, relu: bool = True
) -> nn.Sequential:
    """Build a padded convolution with batch normalisation and, if asked for, ReLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(width, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)
