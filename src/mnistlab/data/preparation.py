"""Preparation: a picture made an image of a data set's size and channels, as its loader does it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.colour import to_channels
from mnistlab.data.pictures import bring_to_size
from mnistlab.errors import PictureError
from mnistlab.fit import Fit


@dataclass(frozen=True)
class Preparation:
    """What images a model was trained on, and how others become such.

    Attributes:
        channels: 1 for grey, 3 for red, green and blue.
        image_size: height and width in pixels, as the data set holds its images; what the model
            itself does to them comes after that.
        fit: how pictures of other sizes are brought to this one, see :func:`mnistlab.fit.place`;
            ``none`` refuses them.
        invert: whether black and white are exchanged before anything else.
    """

    channels: int
    image_size: tuple[int, int]
    fit: Fit
    invert: bool = False

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return one picture as the model takes it.

        Grey ones get three channels where the data have colour, and coloured ones become grey where
        they have none.

        Args:
            pixels: uint8, ``(1 or 3, height, width)``.

        Returns:
            uint8, ``(channels, *image_size)``.

        Raises:
            PictureError: of another size, and ``fit`` is ``none``.
        """
        size: tuple[int, int] = pixels.shape[1:]
        if size != self.image_size and self.fit == "none":
            found, wanted = (f"{height}x{width}" for height, width in (size, self.image_size))
            raise PictureError(
                f"picture: of {found} pixels; the model takes {wanted} and, as it was trained with"
                " fit = none, no others"
            )
        pixels = 255 - pixels if self.invert else pixels
        if self.channels < len(pixels):
            pixels = to_channels(pixels[np.newaxis], self.channels)[0]
        if size != self.image_size:
            pixels = bring_to_size(pixels, self.image_size, self.fit)
        images = to_channels(pixels[np.newaxis], self.channels)
        return images.reshape(images.shape[1:])
