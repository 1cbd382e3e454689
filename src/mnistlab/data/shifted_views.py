"""Views: an image read several times, each time moved a little, and the readings averaged."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mnistlab.elementary import exp, log, log_softmax

Read = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def read_views(read: Read, images: NDArray[np.uint8], pixels: int) -> NDArray[np.float32]:
    """Average a model's probabilities over all copies of each image moved by whole pixels, both
    ways and not at all.

    It costs (2 ``pixels`` + 1)² readings an image.

    Args:
        read: returns logits, float32 ``(n, classes)``, of images.
        images: uint8, ``(n, channels, height, width)``; what comes in from outside is black.
        pixels: the furthest move, along each axis; 0 reads each image once, as it is.

    Returns:
        The logarithms of the mean probabilities, float32 ``(n, classes)``.
    """
    views = [log_softmax(read(view)) for view in _moved(images, pixels)]
    most = np.max(views, axis=0)
    shares = [exp(view - most) for view in views]
    return np.asarray(log(sum(shares) / len(views)) + most, np.float32)


def _moved(images: NDArray[np.uint8], pixels: int) -> Iterator[NDArray[np.uint8]]:
    height, width = images.shape[-2:]
    around = [(0, 0)] * (images.ndim - 2) + [(pixels, pixels)] * 2
    framed = np.pad(images, around)
    for top in range(2 * pixels + 1):
        for left in range(2 * pixels + 1):
            yield np.ascontiguousarray(framed[..., top : top + height, left : left + width])
