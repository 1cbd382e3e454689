"""Depth: pictures of more than eight bits, or of floating point, brought to eight by what the file
says or holds.
"""

import io
import math
import re
import sys
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Range = tuple[float, float]
"""The values that become 0 and 255."""

_FULL_SCALES = (255, 1023, 4095, 16383, 65535)
"""Highest values of 8, 10, 12, 14 and 16 bits."""
_FEW_LEVELS = 16
"""A highest value, of 255, up to which a picture is nearly black."""
_SIGNED = -0.5
"""What goes from here or lower up to 1 is taken for -1 to 1; above, for 0 to 1 that a filter has
overshot."""
_WORD = 65535
_PHOTOMETRIC, _BITS, _PLANAR, _SAMPLE_FORMAT, _LOWEST, _HIGHEST = 262, 258, 284, 339, 340, 341
"""TIFF's tags."""
_PLANES = 2
"""The value of TIFF's planar configuration for one plane after the other."""
_WIDE_COLOUR = re.compile("(LA|RGB[AX]?);16[BLN]")
"""Pillow's names for how 16-bit colours are packed; premultiplied ones are left to it."""
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_ROWS = 256
"""Scaled at a time."""


class Samples(NamedTuple):
    """A picture's values as the file has them.

    Attributes:
        values: numbers of any type, ``(height, width)`` or ``(height, width, 3)``.
        alpha: uint8, ``(height, width)``; ``None`` for a picture without transparency.
        stated: what the file says that black and white are; ``None`` if it does not.
        inverted: black is the highest value.
    """

    values: NDArray[Any]
    alpha: NDArray[np.uint8] | None = None
    stated: Range | None = None
    inverted: bool = False


def read_samples(image: Image.Image, content: bytes, tile: Any) -> Samples | None:
    """Load a picture, and return the values of one of more than eight bits, else ``None``.

    Args:
        image: not loaded yet.
        content: the file's bytes.
        tile: the image's first one, if it has any; loading takes it away.

    Raises:
        ValueError: the file ends before its pixels do, or some are no numbers.
    """
    if tile and image.format == "PPM" and image.mode != "F":
        samples = _of_netpbm(image, content, tile)
        if samples:
            return samples
    image.load()
    if image.mode.startswith(("I", "F")):
        return _of_one_channel(image)
    if tile and image.format in ("PNG", "TIFF"):
        _refuse_planes(image)
        rawmode = tile.args if isinstance(tile.args, str) else tile.args[0]
        if _WIDE_COLOUR.fullmatch(rawmode):
            return _of_colour(image, content, rawmode)
    return None


def _refuse_planes(image: Image.Image) -> None:
    """Refuse what Pillow would read wrongly."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(_PLANAR) == _PLANES and max(tags.get(_BITS, (8,))) > 8:
        raise ValueError("a TIFF of 16 bits, its colours in planes, is not read; save it as PNG")


def _of_netpbm(image: Image.Image, content: bytes, tile: Any) -> Samples | None:
    """Read the words themselves, of which Pillow would keep only the high byte if in colour."""
    highest = tile.args[-1] if isinstance(tile.args, tuple) else _WORD if image.mode == "I" else 0
    if highest <= 255:
        return None
    shape = (image.height, image.width, 3) if image.mode == "RGB" else (image.height, image.width)
    count = math.prod(shape)
    if tile.codec_name == "ppm_plain":
        text = re.sub(rb"#[^\r\n]*", b"", content[tile.offset :])
        # Told how many there are, NumPy would make up those that are missing.
        values = np.fromstring(text, np.int64, sep=" ")[:count]
        if len(values) < count or values.min() < 0 or values.max() > highest:
            raise ValueError(f"it holds other things than {count:,} numbers up to {highest}")
    else:
        values = np.frombuffer(content, ">u2", count, offset=tile.offset)
    return Samples(values.reshape(shape), None, (0, highest) if highest < _WORD else None)


def _of_one_channel(image: Image.Image) -> Samples:
    values = np.asarray(image)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("some of its pixels are no numbers (NaN or infinite); replace them")
    key = image.info.get("transparency")
    alpha = None if key is None else _opaque_unless(values == key)
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return Samples(values, alpha)
    if tags.get(_BITS) == (32,) and tags.get(_SAMPLE_FORMAT, (1,)) == (1,):
        values = values.view(np.uint32)
    stated = _stated(tags, values)
    # Pillow inverts only those of eight bits.
    return Samples(values, alpha, stated, inverted=tags.get(_PHOTOMETRIC) == 0)


def _stated(tags: Any, values: NDArray[Any]) -> Range | None:
    """Return what a TIFF says that its lowest and highest values are, if that can be."""
    lowest, highest = _number(tags.get(_LOWEST, 0)), _number(tags.get(_HIGHEST))
    if highest is None and (bits := _number(tags.get(_BITS))) and bits < 16:
        highest = 2**bits - 1
    if lowest is None or highest is None or not lowest < highest:
        return None
    return (lowest, highest) if lowest <= values.min() and values.max() <= highest else None


def _number(value: Any) -> float | None:
    if isinstance(value, tuple):
        value = value[0] if value else None
    return float(value) if isinstance(value, int | float) else None


def _of_colour(image: Image.Image, content: bytes, rawmode: str) -> Samples:
    """Join the high bytes, which are all that Pillow keeps of 16-bit colours, and the low ones."""
    if rawmode == "LA;16B":
        grey, alpha = np.moveaxis(_unpack(image, content, "RGBA").view(">u2"), 2, 0)
        return Samples(grey, _to_alpha(alpha))
    low = _unpack(image, content, rawmode[:-1] + _OTHER_ORDER[rawmode[-1]])
    words = np.asarray(image, np.uint16) * np.uint16(256) + low
    if image.mode == "RGBA":
        return Samples(words[..., :3], _to_alpha(words[..., 3]))
    key = image.info.get("transparency")
    return Samples(words, None if key is None else _opaque_unless((words == key).all(axis=2)))


def _unpack(image: Image.Image, content: bytes, rawmode: str) -> NDArray[np.uint8]:
    """Load a picture once more, its bytes unpacked in another way."""
    again = Image.open(io.BytesIO(content), formats=(str(image.format),))
    again.tile = [
        tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
        for tile in again.tile
    ]
    return np.asarray(again)


def _opaque_unless(transparent: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(transparent, np.uint8(0), np.uint8(255))


def _to_alpha(words: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return opacity, of 16 bits, in eight; whole files of 16 bits may hold values of eight."""
    return scale(words, (0, 255 if words.max() <= 255 else _WORD))


def range_held(values: NDArray[Any]) -> Range:
    """Return what black and white probably are in a picture that does not say it.

    From 0 up to 1 that is 0 and 1; up to 16, 0 and the highest value; up to 255, 1023, 4095, 16383
    or 65535, 0 and that. From -0.5 or lower up to 1 it is -1 and 1. Anything else is from the
    lowest to the highest value.
    """
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > _FULL_SCALES[-1]:
        return (-1.0, 1.0) if -1 <= low <= _SIGNED and high <= 1 else (low, high)
    if high <= _FEW_LEVELS:
        return 0.0, max(1.0, high)
    return 0.0, float(min(scale for scale in _FULL_SCALES if high <= scale))


def scale(values: NDArray[Any], black_and_white: Range) -> NDArray[np.uint8]:
    """Scale values to 0 to 255, rounded; those outside of the range are clipped.

    Args:
        values: numbers of any type and shape.
        black_and_white: what becomes 0, and what becomes 255.
    """
    low, high = black_and_white
    factor = 255 / (high - low) if high > low else 0.0
    scaled = np.empty(values.shape, np.uint8)
    # In parts, since numbers of 64 bits take eight times the memory.
    for row in range(0, len(values), _ROWS):
        part = (values[row : row + _ROWS].astype(np.float64) - low) * factor
        scaled[row : row + _ROWS] = np.rint(part.clip(0, 255))
    return scaled


def to_eight_bits(samples: Samples, given: Range | None) -> tuple[Image.Image, Range | None, str]:
    """Bring a picture's values to eight bits.

    Args:
        samples: the picture.
        given: black and white, where the file does not say them; ``None`` to tell them from the
            values.

    Returns:
        An image of mode ``L``, ``RGB``, ``LA`` or ``RGBA``; the range told from the values, if the
        file says none; and what is to be said of it, if anything.
    """
    low, high = float(samples.values.min()), float(samples.values.max())
    held = None if samples.stated else range_held(samples.values)
    black, white = chosen = samples.stated or given or held or (0.0, 1.0)
    pixels = scale(samples.values, chosen)
    # Without the picture's own values, so that a folder's pictures have few notes.
    note = ""
    if given and held and not black <= low <= high <= white:
        note = f"values beyond {black:g} (black) and {white:g} (white) clipped"
    elif held and chosen not in ((0, 1), (0, _WORD)):
        note = f"{black:g} was taken as black, {white:g} as white"
    elif high > black and pixels.max() <= _FEW_LEVELS:
        note = f"nearly black: no value above a sixteenth of white, {white:g}"
    if samples.inverted:
        pixels = 255 - pixels
    if samples.alpha is not None:
        pixels = np.dstack([pixels, samples.alpha])
    return Image.fromarray(pixels), held, note
