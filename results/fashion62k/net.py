"""Small padded networks for pictures of clothes, of five kinds of blocks.

The kinds were searched over within one budget of parameters:

- ``plain``: 3x3 convolutions, with max-pooling between groups.
- ``basic``: two 3x3 convolutions with a skip connection (He et al., *Deep Residual Learning*, 2015,
  arXiv:1512.03385).
- ``inverted``: pointwise to more channels, depthwise, pointwise back (Sandler et al., *MobileNetV2*,
  2018, arXiv:1801.04381).
- ``hybrid``: ``basic`` in the first group, ``inverted`` in the others.

With ``squeeze``, a block weighs its channels by what it saw (Hu et al., *Squeeze-and-Excitation
Networks*, 2017, arXiv:1709.01507).
"""

from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}


def build(
    image_shape: tuple[int, int, int],
    classes: int,
    kind: str,
    stem: int,
    groups: list[list[int]],
    first: int = 3,
    kernel: int = 3,
    expansion: float = 3.0,
    act: str = "relu",
    se: int = 0,
) -> nn.Sequential:
    """Build a convolution to ``stem`` channels, blocks, global average pooling and one linear layer.

    Each number in ``groups`` is a block's output channels; each group after the first has half the
    height and width. ``first`` is the side of the first convolution, ``kernel`` that of depthwise ones,
    ``expansion`` the factor of the channels inside an ``inverted`` block, ``act`` the activation, ``se``
    the factor by which squeeze-and-excitation reduces the channels; 0 is none of it.
    """
    layers: list[nn.Module] = [convolution(image_shape[0], stem, first, act=act)]
    width = stem
    for number, group in enumerate(groups):
        if number and kind == "plain":
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        for index, outputs in enumerate(group):
            stride = 2 if number and not index else 1
            if kind == "plain":
                layers.append(convolution(width, outputs, 3, act=act))
            elif kind == "basic" or (kind == "hybrid" and not number):
                layers.append(Basic(width, outputs, stride, act, se))
            else:
                layers.append(Inverted(width, outputs, stride, kernel, expansion, act, se))
            width = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


class Basic(nn.Module):
    """Two 3x3 convolutions beside a skip connection, which has a pointwise one where shapes differ."""

    def __init__(self, width: int, outputs: int, stride: int, act: str, se: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(width, outputs, 3, stride, act=act),
            convolution(outputs, outputs, 3, act=""),
            *squeeze(outputs, se),
        )
        self.skip: nn.Module = nn.Identity()
        if width != outputs or stride > 1:
            pool = [nn.AvgPool2d(stride, ceil_mode=True)] if stride > 1 else []
            self.skip = nn.Sequential(*pool, convolution(width, outputs, act=""))
        self.act = ACTIVATIONS[act]()

    def forward(self, images: Tensor) -> Tensor:
        return self.act(self.skip(images) + self.layers(images))


class Inverted(nn.Module):
    """A block of MobileNetV2, with a skip connection around it where it changes no shape."""

    def __init__(
        self,
        width: int,
        outputs: int,
        stride: int,
        kernel: int,
        expansion: float,
        act: str,
        se: int,
    ) -> None:
        super().__init__()
        inner = int(width * expansion)
        self.layers = nn.Sequential(
            convolution(width, inner, act=act),
            convolution(inner, inner, kernel, stride, groups=inner, act=act),
            *squeeze(inner, se),
            convolution(inner, outputs, act=""),
        )
        self.skips = width == outputs and stride == 1

    def forward(self, images: Tensor) -> Tensor:
        return images + self.layers(images) if self.skips else self.layers(images)


class Weigh(nn.Module):
    """Multiplies each channel by a factor that is computed from all channels' means."""

    def __init__(self, width: int, ratio: int) -> None:
        super().__init__()
        inner = max(4, width // ratio)
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, width, 1),
            nn.Sigmoid(),
        )

    def forward(self, images: Tensor) -> Tensor:
        return images * self.layers(images)


def squeeze(width: int, ratio: int) -> list[nn.Module]:
    """Return squeeze-and-excitation, or nothing if ``ratio`` is 0."""
    return [Weigh(width, ratio)] if ratio else []


def convolution(
    width: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, *, act: str
) -> nn.Sequential:
    """Build a padded convolution with batch normalisation and an activation; "" is none."""
    layers: list[nn.Module] = [
        nn.Conv2d(width, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([ACTIVATIONS[act]()] if act else []))
