"""Plain convolutional networks: small kernels, max-pooling and global average pooling."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from mnistlab.errors import ImageShapeError, ModelError

_KERNEL, _POOL = 3, 2


def convnet(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    batch_norm: bool = False,
    dropout: float = 0.0,
    channels: Sequence[Sequence[int]] = ((16, 16), (32, 32, 40, 64)),
    stem: int = _KERNEL,
) -> nn.Sequential:
    """Build unpadded convolutions with ReLU, global average pooling and one linear layer.

    No hidden layer is fully connected (Lin, Chen and Yan, *Network In Network*, 2014,
    arXiv:1312.4400), so nearly all parameters are those of convolutions.

    Args:
        image_shape: ``(channels, height, width)`` of the input, large enough for all the
            convolutions.
        classes: number of outputs.
        batch_norm: batch normalisation after each convolution, which then has no bias (Ioffe and
            Szegedy, 2015, arXiv:1502.03167).
        dropout: probability of dropping an average in training; 0 leaves the layer out.
        channels: output channels of each convolution, in groups; 2x2 max-pooling between groups.
        stem: side in pixels of the first convolution's kernel; all others are 3x3.

    Returns:
        A network from float32 ``(n, *image_shape)`` to logits ``(n, classes)``.

    Raises:
        ModelError: no channels, or an image that is too small for the convolutions.
    """
    if not channels or not all(channels):
        raise ModelError(
            "convnet: channels must be groups such as [[16, 16], [32, 32]], none of them empty"
        )
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width, sides, number = image_shape[0], [*image_shape[1:]], 0
    for group, outputs in enumerate(channels):
        if group:
            layers[f"pool{group}"] = nn.MaxPool2d(_POOL)
            sides = [side // _POOL for side in sides]
        for channel in outputs:
            number += 1
            kernel = stem if number == 1 else _KERNEL
            sides = [side - kernel + 1 for side in sides]
            if min(sides) < 1:
                raise ImageShapeError(
                    f"convnet: images of {image_shape[1]}x{image_shape[2]} pixels are too small for"
                    f" convolution {number}; use fewer convolutions, or set fit = resize or pad and"
                    " a larger size in the recipe"
                )
            layers[f"conv{number}"] = nn.Conv2d(
                width, channel, kernel, bias=not batch_norm
            )  # (n, channel, *sides)
            if batch_norm:
                layers[f"norm{number}"] = nn.BatchNorm2d(channel)
            layers[f"relu{number}"] = nn.ReLU()
            width = channel
    layers["average"] = nn.AdaptiveAvgPool2d(1)  # (n, width, 1, 1)
    layers["flatten"] = nn.Flatten()  # (n, width)
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    layers["output"] = nn.Linear(width, classes)  # (n, classes)
    return nn.Sequential(layers)
