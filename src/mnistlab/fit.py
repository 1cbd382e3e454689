"""Fit: how images of any size are brought to another."""

from dataclasses import dataclass
from typing import Literal

Fit = Literal["pad", "resize", "crop", "none"]


@dataclass(frozen=True)
class Placement:
    """How an image is brought to a size: scaled first, then framed with black or cut.

    Attributes:
        scaled: height and width in pixels after scaling.
        top: rows of black above the scaled image; negative rows are cut off.
        bottom: the same below.
        left: the same for columns on the left.
        right: the same for columns on the right.
    """

    scaled: tuple[int, int]
    top: int
    bottom: int
    left: int
    right: int


def place(image: tuple[int, int], target: tuple[int, int], fit: Fit) -> Placement:
    """Work out how an image is brought to the target size.

    ``pad`` puts a black border around it, the same on both sides (an odd pixel goes right and
    below); an image that is larger than the target is scaled down first, keeping its proportions.
    ``resize`` scales it to the target, whatever its proportions. ``crop`` scales it until it covers
    the target, keeping its proportions, and cuts off what is over, the same on both sides.

    Args:
        image: height and width in pixels.
        target: height and width in pixels.
        fit: see above; ``none`` leaves the image as it is.

    Example:
        >>> place((28, 28), (32, 32), "pad")
        Placement(scaled=(28, 28), top=2, bottom=2, left=2, right=2)
        >>> place((60, 40), (32, 32), "crop")
        Placement(scaled=(48, 32), top=-8, bottom=-8, left=0, right=0)
    """
    (height, width), (rows, columns) = image, target
    scaled = image
    if fit == "resize":
        scaled = target
    elif fit != "none":
        ratios = rows / height, columns / width
        factor = max(ratios) if fit == "crop" else min(1.0, *ratios)
        if factor != 1:
            scaled = max(1, round(height * factor)), max(1, round(width * factor))
    if fit == "none":
        return Placement(scaled, 0, 0, 0, 0)
    down, across = rows - scaled[0], columns - scaled[1]
    top, left = int(down / 2), int(across / 2)
    return Placement(scaled, top, down - top, left, across - left)
