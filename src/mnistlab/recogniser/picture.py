"""Picture: a file of pixels, or an array, as colours one can look at: upright, opaque, eight
bits.
"""

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from mnistlab.errors import PictureError, PictureSizeError
from mnistlab.files import read_file

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
MAX_PIXELS = 178_000_000
"""As many as Pillow opens; a picture of more is taken for a decompression bomb."""
WORKING_SIDE, SMALLEST_SIDE = 1280, 112
"""Pixels of the longer side above which a picture is reduced, and of the shorter below which it is
enlarged."""
_HIGHEST_ENLARGEMENT = 8
_MID_GREY = 128
_READS, _BYTES_A_READ = 200_000, 256
"""Pieces in which any file is read at most, and one more for so many bytes of it; sound ones take a
hundredth."""
_BEGINNINGS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")
_FOREIGN = {b"%PDF": "a PDF; save its page as PNG", b"<svg": "an SVG drawing; save it as PNG"}


@dataclass(frozen=True, eq=False)
class Picture:
    """Colours to read.

    Attributes:
        colours: uint8, ``(height, width, 3)``, RGB.
        size: width and height of the picture itself.
        scale: pixels of ``colours`` for one pixel of the picture.
    """

    colours: NDArray[np.uint8]
    size: tuple[int, int]
    scale: float


def open_picture(
    source: bytes | Path | Image.Image | NDArray[np.generic], max_pixels: int = MAX_PIXELS
) -> Picture:
    """Decode a picture and bring it to a size to work with.

    Args:
        source: a file's content, its path, a Pillow image, or an array: ``(height, width)`` or
            ``(height, width, 1, 3 or 4)``, uint8 or uint16, or bool, or floating point from 0 to 1.
        max_pixels: files of more are refused, before they are decoded.

    Returns:
        Upright by its EXIF orientation; transparency laid on what the ink stands out from; 16 bits
        stretched from the darkest to the lightest pixel; the first frame of several.

    Raises:
        PictureError: not a picture, of a format not read, damaged, or too large.
    """
    if isinstance(source, Image.Image):
        upright = turn_upright(source)
        return _bring_to_size(_flatten(upright), upright.size)
    if isinstance(source, np.ndarray):
        given = Image.fromarray(_as_bytes(source))
        return _bring_to_size(_flatten(given), given.size)
    name, content = (
        ("picture", source) if isinstance(source, bytes) else (str(source), _read(source))
    )
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and of odd metadata; what is too large is refused
            # below.
            warnings.simplefilter("ignore")
            return _decode(content, name, max_pixels)
    except UnidentifiedImageError:
        raise PictureError(f"{name}: {_what_it_is(content)}") from None
    except Image.DecompressionBombError:
        limit = f"at most {max_pixels / 1e6:g} megapixels are read"
        raise PictureSizeError(f"{name}: far too many pixels; {limit}; make it smaller") from None
    except PictureError:
        raise
    # On damaged files Pillow's decoders raise errors of any kind, SyntaxError and struct.error
    # among them.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"{name}: damaged, cannot be decoded: {reason}") from error


def _read(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise PictureError(f"{path}: cannot be read: {error.strerror or error}") from error


def _decode(content: bytes, name: str, max_pixels: int) -> Picture:
    with Image.open(_File(content), formats=FORMATS) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise PictureSizeError(
                f"{name}: {width}x{height} is {width * height / 1e6:,.0f} megapixels; "
                f"at most {max_pixels / 1e6:g} are read; make it smaller"
            )
        image.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
        image.load()
        upright = turn_upright(image)
        turned = upright.size != image.size
        return _bring_to_size(_flatten(upright), (height, width) if turned else (width, height))


class _File(io.BytesIO):
    """A file's content; one made to be read byte by byte, for as long as it lasts, is damaged."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = _READS + len(content) // _BYTES_A_READ

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError("it is in too many pieces")
        return super().read(size)


def turn_upright(image: Image.Image) -> Image.Image:
    """Turn a picture upright by its EXIF orientation; one that makes no sense is none."""
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error, ZeroDivisionError):
        return image


def _what_it_is(content: bytes) -> str:
    if not content:
        return "empty"
    if content[4:12] in (
        b"ftypheic",
        b"ftypheix",
        b"ftyphevc",
        b"ftypmif1",
        b"ftypmsf1",
        b"ftypavif",
    ):
        return "a HEIC or AVIF picture; save it as JPEG or PNG"
    if content.startswith(_BEGINNINGS):
        return "damaged, cannot be decoded: it ends inside its header"
    start = content[:1000].lstrip().lower()
    for mark, remedy in _FOREIGN.items():
        if start.startswith(mark.lower()) or (mark == b"<svg" and b"<svg" in start):
            return remedy
    return "not a picture that is read; PNG, JPEG, WebP, BMP, GIF, TIFF and PPM are"


def _as_bytes(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if (
        array.ndim not in (2, 3)
        or 0 in array.shape
        or (array.ndim == 3 and array.shape[2] not in (1, 3, 4))
    ):
        raise PictureError(
            f"array: {array.shape} is not a picture; (height, width) or (height, width, 1, 3 or"
            " 4) is"
        )
    values = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    if values.dtype == np.uint8:
        return values.view(np.uint8)
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return (values.astype(np.uint32) >> 8).astype(np.uint8)
    if values.dtype == np.bool_ or np.issubdtype(values.dtype, np.floating):
        numbers = values.astype(np.float64)
        if not np.isfinite(numbers).all() or numbers.min() < 0 or numbers.max() > 1:
            raise PictureError("array: floating point pixels go from 0 to 1")
        return np.round(255 * numbers).astype(np.uint8)
    raise PictureError(
        f"array: pixels of type {values.dtype}; uint8, uint16, bool or floating point are read"
    )


def _flatten(image: Image.Image) -> Image.Image:
    """Return it as RGB."""
    if image.mode.startswith("I") or image.mode == "F":
        return stretch(image, WORKING_SIDE).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    overlay = image.convert("RGBA")
    overlay.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX, reducing_gap=None)
    pixels = np.asarray(overlay, np.float64)
    alpha = pixels[..., 3].sum()
    seen = (pixels[..., :3].mean(axis=2) * pixels[..., 3]).sum() / alpha if alpha else 0.0
    # Light strokes on nothing were drawn on something dark.
    light = seen > _MID_GREY and pixels[..., 3].mean() < _MID_GREY
    ground = Image.new("RGBA", overlay.size, "black" if light else "white")
    return Image.alpha_composite(ground, overlay).convert("RGB")


def stretch(image: Image.Image, longest: int) -> Image.Image:
    """Return a picture of 16 or 32 bits, or of floating point, in eight, from its darkest to its
    lightest pixel.

    Args:
        image: of mode ``I``, ``I;16`` or ``F``.
        longest: pixels of the longer side up to which it is not reduced.
    """
    # What is far too fine takes half a gigabyte for each 16 million pixels.
    reduction = max(image.size) // longest
    if reduction > 1:
        image = image.convert("F").reduce(reduction)
    values = np.asarray(image).astype(np.float64)
    values = np.nan_to_num(values, posinf=0, neginf=0)
    low, high = values.min(), values.max()
    return Image.fromarray(
        np.asarray(np.round((values - low) * (255 / max(high - low, 1e-12))), np.uint8)
    )


def _bring_to_size(image: Image.Image, size: tuple[int, int]) -> Picture:
    width, height = size
    factor = min(1.0, WORKING_SIDE / max(image.size))
    if factor == 1 and min(image.size) < SMALLEST_SIDE:
        factor = min(
            SMALLEST_SIDE / min(image.size), _HIGHEST_ENLARGEMENT, WORKING_SIDE / max(image.size)
        )
    new = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    if new != image.size:
        way = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
        image = image.resize(new, way)
    return Picture(np.asarray(image), (width, height), image.width / width)
