"""Tutorial: the usual way to read handwriting with a network trained on MNIST.

Otsu's threshold, each connected region a digit, its longer side brought to 20 pixels, its centre of
mass put in the middle of 28x28.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage

from mnistlab.evaluation.transcript import TranscribedCharacter, Transcript
from mnistlab.glyphs.glyph import place, shrink
from mnistlab.recogniser.network import Network

_LONGEST = 1280
_SMALLEST, _SMALLEST_HEIGHT = 20, 0.25
"""Pixels of a region, and share of the highest region's height: what is smaller is dirt."""
_THRESHOLD = 0.5
"""Probability below which a digit is unsure."""


class Tutorial:
    """Reads pictures of single digits and of numbers in lines.

    Args:
        network: that names 28x28 images.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def __call__(self, content: bytes) -> Transcript:
        """Read a picture's file."""
        grey, scale = _open(content)
        labels, _ = ndimage.label(_ink(grey), np.ones((3, 3)))
        found = [
            (part, labels[part] == number)
            for number, part in enumerate(ndimage.find_objects(labels), 1)
        ]
        found = [(part, region) for part, region in found if region.sum() >= _SMALLEST]
        tallest = max((region.shape[0] for _, region in found), default=0)
        found = [one for one in found if one[1].shape[0] >= _SMALLEST_HEIGHT * tallest]
        if not found:
            return Transcript("", "")
        found = _in_reading_order(found)
        images = np.stack([place(shrink(np.asarray(ink, np.float32))) for _, ink in found])
        characters = []
        for (part, _), row in zip(found, self._network.named(images), strict=True):
            down, across = part
            box = (across.start, down.start, across.stop, down.stop)
            characters.append(
                TranscribedCharacter(
                    str(row.argmax()),
                    float(row.max()),
                    bool(row.max() >= _THRESHOLD),
                    tuple(side / scale for side in box),
                )
            )
        text = "".join(one.text for one in characters)
        confidence = float(np.prod([one.confidence for one in characters]))
        return Transcript(
            text, text, all(one.sure for one in characters), confidence, tuple(characters)
        )


Region = tuple[tuple[slice, slice], NDArray[np.bool_]]


def _open(content: bytes) -> tuple[NDArray[np.uint8], float]:
    """Return grey pixels, and how many of them one pixel of the picture is."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    grey = image.convert("RGBA") if image.mode in ("P", "LA", "RGBA") else image
    if grey.mode == "RGBA":
        grey = Image.alpha_composite(Image.new("RGBA", grey.size, "white"), grey)
    grey = grey.convert("L")
    width = grey.width
    grey.thumbnail((_LONGEST, _LONGEST))
    return np.asarray(grey), grey.width / width


def _ink(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Split a picture by Otsu's threshold (1979); the rarer side is the ink."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(float)
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * np.arange(256))
    with np.errstate(all="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    dark = grey <= int(np.nan_to_num(between).argmax())
    return dark if dark.mean() < 0.5 else ~dark


def _in_reading_order(found: list[Region]) -> list[Region]:
    """Sort regions into rows, and each row from left to right."""
    rows: list[list[Region]] = []
    for one in sorted(found, key=lambda one: one[0][0].start):
        middle = (one[0][0].start + one[0][0].stop) / 2
        if not rows or middle > rows[-1][0][0][0].stop:
            rows.append([])
        rows[-1].append(one)
    return [one for row in rows for one in sorted(row, key=lambda one: one[0][1].start)]
