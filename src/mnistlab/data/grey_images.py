"""GreyImages: arrays of one channel, of which Pillow takes each image as it is."""

from collections.abc import Callable
from typing import Any

import numpy as np

_ONE_IMAGE = 3
"""Dimensions of ``(1, height, width)``."""


class GreyImages(np.ndarray[Any, np.dtype[np.uint8]]):
    """Images uint8 ``(n, 1, height, width)``, and parts of such an array.

    It is an ordinary array, but that an image of it, ``(1, height, width)``, can be given to
    Pillow, which knows grey pictures as ``(height, width)`` alone.

    Example:
        >>> from PIL import Image
        >>> images = np.zeros((5, 1, 28, 28), np.uint8).view(GreyImages)
        >>> Image.fromarray(images[0]).size
        (28, 28)
    """

    __array_priority__ = 1.0
    """Above a plain array's, so that what is put together of both is one of these."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        plain = self.view(np.ndarray)
        if plain.ndim == _ONE_IMAGE and len(plain) == 1:
            plain = plain[0]
        return plain.__array_interface__

    # NumPy would give a sum of all pixels as an array of no dimensions, not as a number.
    def __array_wrap__(
        self,
        array: Any,
        context: Any = None,
        return_scalar: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        return array[()] if return_scalar else super().__array_wrap__(array, context)

    # As a plain array, since NumPy shares the memory of no other between processes.
    def __reduce_ex__(self, _: Any) -> tuple[Callable[..., "GreyImages"], tuple[Any]]:
        return _as_grey, (self.view(np.ndarray),)


def _as_grey(images: Any) -> GreyImages:
    grey: GreyImages = images.view(GreyImages)
    return grey
