"""LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998) in its modern form: ReLU and max-pooling."""

from collections import OrderedDict

from torch import nn

from mnistlab.errors import ImageShapeError

_SMALLEST_SIDE = 32


def lenet5(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    batch_norm: bool = False,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Build LeNet-5.

    For images of ``(1, 32, 32)`` and ten classes it has 61,706 parameters, 62,158 with batch
    normalisation.

    Args:
        image_shape: ``(channels, height, width)`` of the input, at least 32x32.
        classes: number of outputs.
        batch_norm: batch normalisation after each convolution and after the hidden linear layer
            (Ioffe and Szegedy, 2015, arXiv:1502.03167).
        dropout: probability of dropping one of the 84 hidden units in training (Srivastava et al.,
            2014); 0 leaves the layer out.

    Returns:
        A network from float32 ``(n, *image_shape)`` to logits ``(n, classes)``.

    Raises:
        ImageShapeError: images too small for three 5x5 convolutions and two poolings.
    """
    channels, height, width = image_shape
    if min(height, width) < _SMALLEST_SIDE:
        raise ImageShapeError(
            f"lenet5: images of {height}x{width} pixels are too small, it needs at least 32x32; set"
            " size = 32 and fit = pad or resize in the recipe"
        )
    rows, columns = (((side - 4) // 2 - 4) // 2 - 4 for side in (height, width))
    # Shapes are those of a 32x32 image.
    layers: dict[str, nn.Module | None] = {
        "conv1": nn.Conv2d(channels, 6, 5),  # (n, 6, 28, 28)
        "norm1": nn.BatchNorm2d(6) if batch_norm else None,
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2),  # (n, 6, 14, 14)
        "conv2": nn.Conv2d(6, 16, 5),  # (n, 16, 10, 10)
        "norm2": nn.BatchNorm2d(16) if batch_norm else None,
        "relu2": nn.ReLU(),
        "pool2": nn.MaxPool2d(2),  # (n, 16, 5, 5)
        "conv3": nn.Conv2d(16, 120, 5),  # (n, 120, 1, 1)
        "norm3": nn.BatchNorm2d(120) if batch_norm else None,
        "flatten": nn.Flatten(),  # (n, 120)
        "linear": nn.Linear(120 * rows * columns, 84),
        "norm4": nn.BatchNorm1d(84) if batch_norm else None,
        "relu4": nn.ReLU(),
        "dropout": nn.Dropout(dropout) if dropout else None,
        "output": nn.Linear(84, classes),  # (n, classes)
    }
    return nn.Sequential(
        OrderedDict((name, layer) for name, layer in layers.items() if layer is not None)
    )
