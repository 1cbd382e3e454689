"""Decode: a picture's file, whatever its format and depth, as one sees it: upright, opaque, eight
bits, grey or RGB. Training and reading both use it, so that they see the same.
"""

import io
import math
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mnistlab.data import plain_jpeg
from mnistlab.data.depth import Range, read_samples, to_eight_bits
from mnistlab.errors import DataError, PictureError, PictureSizeError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

HEAD_BYTES = 64
"""Of a file's beginning, from which its format is told."""
MAX_PIXELS = 1 << 24
"""Of a picture to train on; a file that claims more is taken for a decompression bomb."""
MOST_PIXELS = 178_000_000
"""Of a picture to read: as many as Pillow opens."""
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "HEIF", "BMP", "GIF", "TIFF", "PPM")
"""What is read, by Pillow's name. Pillow would also read formats that start programs, such as
PostScript, whatever the file's name."""
# fmt: off
SUFFIXES = frozenset((
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".heic", ".heif",
    ".bmp", ".dib", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm",
))
# fmt: on
"""Of files that are called pictures, so that one of them that is none is not passed over in
silence. What a file is, its content decides."""
_SIGNATURES = re.compile(
    rb"(?P<PNG>\x89PNG)"
    rb"|(?P<JPEG>\xff\xd8\xff)"
    rb"|(?P<WEBP>RIFF.{4}WEBP)"
    rb"|(?P<AVIF>.{4}ftyp(?:avi[fs]|m[is]f1.{4}(?:.{4})*?avi[fs]))"
    rb"|(?P<HEIF>.{4}ftyp(?:he[iv][cmsx]|m[is]f1))"
    rb"|(?P<BMP>BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0)"
    rb"|(?P<GIF>GIF8)"
    rb"|(?P<TIFF>II[*+]\0|MM\0[*+])"
    rb"|(?P<PPM>P[1-6f]\s+(?:\#|\d+\s+(?:\#|\d)))",
    re.DOTALL,
)
_PLUGINS = {"WEBP": "WebP", "TIFF": "Tiff", "AVIF": "Avif"}
"""Of Pillow's, those that it does not import when it opens its first file."""
_FOREIGN = {
    b"%pdf": "a PDF; save its page as PNG",
    b"\0\0\0\x0cjxl ": "a JPEG XL picture; save it as JPEG or PNG",
    b"\xff\x0a": "a JPEG XL picture; save it as JPEG or PNG",
    b"\0\0\0\x0cjp  ": "a JPEG 2000 picture; save it as JPEG or PNG",
    b"8bps": "a Photoshop document; save it as PNG",
}
_HEIC = "a HEIC picture; save it as JPEG or PNG, or: pip install 'mnistlab[heic]'"
_READS, _BYTES_A_READ = 200_000, 256
"""Pieces in which any file is read at most, and one more for so many bytes of it; sound ones take a
hundredth."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112
"""EXIF's tag."""
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation."""
_FIRST_ON_ITS_SIDE = 5
_WITH_FRAMES = ("GIF", "WEBP", "AVIF", "TIFF", "PNG")
"""Of which files may have several; telephones keep other things than frames behind a JPEG."""
FIRST_OF_SEVERAL = "only the first of several frames or pages"
"""The note of a file with more than one."""
_GROUND_SIDE, _MID_GREY = 320, 128

CheckSize = Callable[[str, int, int], None]
"""Called with a picture's name, height and width."""


class DecodedPicture(NamedTuple):
    """A picture's pixels.

    Attributes:
        pixels: uint8, ``(channels, height, width)``, 1 channel or RGB.
        is_colour: in some pixel of the file red, green and blue differ.
        notes: what was left out, or decided for lack of better knowledge, each a phrase.
        value_range: the values that were black and white as far as the pixels alone tell; ``None``
            if the file says it, or has eight bits.
    """

    pixels: NDArray[np.uint8]
    is_colour: bool
    notes: tuple[str, ...] = ()
    value_range: Range | None = None


class LoadedPicture(NamedTuple):
    """A picture as an image of Pillow's.

    Attributes:
        image: of mode ``L`` or ``RGB``, upright.
        size: width and height of the whole picture, upright; ``image`` may be a reduction of it.
        notes: see :class:`DecodedPicture`.
        value_range: see :class:`DecodedPicture`.
    """

    image: Image.Image
    size: tuple[int, int]
    notes: tuple[str, ...]
    value_range: Range | None


def is_picture(head: bytes) -> bool:
    """Tell whether a file is of a format that is read.

    Args:
        head: its first :data:`HEAD_BYTES` bytes, or more.
    """
    return _format_of(head) is not None


def _format_of(head: bytes) -> str | None:
    match = _SIGNATURES.match(head, 0, HEAD_BYTES)
    return match.lastgroup if match else None


def decode(
    content: bytes,
    name: str,
    *,
    colour: Literal["auto", "grey", "rgb"] = "auto",
    ground: str = "white",
    value_range: Range | None = None,
    check_size: CheckSize | None = None,
) -> DecodedPicture:
    """Decode one picture.

    More than eight bits are scaled by what the file says: the highest value of a PGM or PPM, if it
    is not 65535; the 12 bits of a TIFF, or its ``SMinSampleValue`` and ``SMaxSampleValue``. Where a
    file says nothing, its own values decide, by :func:`mnistlab.data.depth.range_held`; but one
    file cannot tell a dark picture from one of fewer bits. Whoever reads pictures that belong
    together should therefore unite their ``value_range`` (:func:`common_range`), and decode once
    more, with that as ``value_range``, those that have another one.

    Args:
        content: the file's bytes, which decide the format, not its name.
        name: for messages.
        colour: ``auto`` returns RGB only if the picture has colour; ``grey`` is ITU-R 601 luma.
        ground: the colour on which transparency is laid, by name or as ``#rrggbb``; ``contrast`` is
            white or black, whichever the picture stands out from.
        value_range: the values of black and white, for a file that does not say them.
        check_size: called with the name and the upright height and width before the pixels are
            decoded (those of a PNG may be already); may raise a :class:`DataError`.

    Returns:
        The first frame or page, upright by its EXIF orientation.

    Raises:
        DataError: not a picture, damaged, absurdly large, or with pixels that are no numbers; or
            ``ground`` is no colour.
    """
    try:
        loaded = load_picture(
            content, name, ground=ground, value_range=value_range, check_size=check_size
        )
    except PictureError as error:
        raise DataError(str(error)) from error
    pixels, is_colour = to_pixels(loaded.image, colour)
    return DecodedPicture(pixels, is_colour, loaded.notes, loaded.value_range)


def common_range(first: Range | None, second: Range | None) -> Range | None:
    """Return the range of values that holds two others, of which ``None`` says nothing."""
    if first is None or second is None:
        return first or second
    return min(first[0], second[0]), max(first[1], second[1])


def to_pixels(image: Image.Image, colour: str = "auto") -> tuple[NDArray[np.uint8], bool]:
    """Return the pixels of an image, and whether it has colour, as :func:`decode` does.

    Args:
        image: of mode ``L`` or ``RGB``.
        colour: see :func:`decode`.
    """
    if image.mode == "L":
        grey = np.asarray(image)[None]
        return (np.repeat(grey, 3, axis=0) if colour == "rgb" else grey), False
    # In half the time that NumPy takes to find out what it is given.
    pixels = np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width, 3)
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    red = planes[0].tobytes()
    is_colour = red != planes[1].tobytes() or red != planes[2].tobytes()
    if colour == "rgb" or (colour == "auto" and is_colour):
        return planes, is_colour
    # The luma of red, green and blue that are one is the same again.
    return (np.asarray(image.convert("L"))[None] if is_colour else planes[:1].copy()), is_colour


def load_picture(
    content: bytes,
    name: str,
    *,
    ground: str = "white",
    value_range: Range | None = None,
    check_size: CheckSize | None = None,
    max_pixels: int = MAX_PIXELS,
    longest: int | None = None,
) -> LoadedPicture:
    """Decode one picture to an image of Pillow's.

    Args:
        content: see :func:`decode`.
        name: see :func:`decode`.
        ground: see :func:`decode`.
        value_range: see :func:`decode`.
        check_size: see :func:`decode`.
        max_pixels: files of more are refused, before they are decoded.
        longest: pixels of the longer side down to which a larger picture may be reduced where that
            saves time or memory.

    Raises:
        PictureError: not a picture, damaged, or with pixels that are no numbers.
        PictureSizeError: of too many pixels.
    """
    plain = _load_plain(content, name, check_size, max_pixels, longest)
    if plain:
        return plain
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and of odd metadata; what is too large is refused.
            warnings.simplefilter("ignore")
            image = _open(content, name)
            _refuse_size(image, name, max_pixels)
            return _load(image, content, name, ground, value_range, check_size, longest)
    # A lack of memory is not this picture's fault, but that of all before it.
    except (PictureError, DataError, MemoryError):
        raise
    except Image.DecompressionBombError:
        limit = _limit(max_pixels)
        raise PictureSizeError(f"{name}: far too many pixels; {limit}; make it smaller") from None
    # On damaged files Pillow's decoders raise errors of any kind, SyntaxError and struct.error
    # among them.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"{name}: damaged, cannot be decoded: {reason}") from error


def _load_plain(
    content: bytes, name: str, check_size: CheckSize | None, max_pixels: int, longest: int | None
) -> LoadedPicture | None:
    """Load a plain JPEG; ``None`` if it is none, too large, or damaged."""
    header = plain_jpeg.read_header(content)
    if header is None:
        return None
    mode, (width, height) = header
    if width * height > max_pixels or (longest and max(width, height) > longest):
        return None
    if check_size:
        check_size(name, height, width)
    image = plain_jpeg.decode_plain(content, mode, (width, height))
    return LoadedPicture(image, image.size, (), None) if image else None


def _open(content: bytes, name: str) -> "ImageFile":
    kind = _format_of(content)
    if kind is None:
        raise PictureError(f"{name}: {_what_it_is(content)}")
    if kind == "PNG":
        _check_chunks(content)
    if kind not in Image.OPEN:
        _import_plugin(kind, name)
    try:
        # A short file cannot be in too many pieces, and counting them takes time.
        file = _File(content) if len(content) > _READS else io.BytesIO(content)
        return Image.open(file, formats=(kind,))
    except UnidentifiedImageError:
        fault = "damaged, cannot be decoded: its header makes no sense"
        if kind == "TIFF":
            fault += ", or is of a kind of TIFF that is not read; save it as PNG"
        raise PictureError(f"{name}: {fault}") from None


def _import_plugin(kind: str, name: str) -> None:
    if kind == "HEIF":
        try:
            import_module("pillow_heif").register_heif_opener()
        except ImportError:
            raise PictureError(f"{name}: {_HEIC}") from None
    elif kind in _PLUGINS:
        try:
            import_module(f"PIL.{_PLUGINS[kind]}ImagePlugin")
        except ImportError:
            raise PictureError(
                f"{name}: this version of Pillow cannot read {kind}; save it as JPEG or PNG, or:"
                " pip install -U pillow"
            ) from None


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


def _check_chunks(content: bytes) -> None:
    """Compare a PNG's chunks with their checksums, since Pillow does not check those of pixels.

    Raises:
        ValueError: one is damaged.
    """
    at, chunk = len(_PNG_SIGNATURE), b""
    while chunk != b"IEND":
        end = at + 8 + int.from_bytes(content[at : at + 4])
        chunk = content[at + 4 : at + 8]
        if len(content) < end + 4 or zlib.crc32(content[at + 4 : end]) != int.from_bytes(
            content[end : end + 4]
        ):
            raise ValueError("truncated, or a checksum is wrong")
        at = end + 4


def _what_it_is(content: bytes) -> str:
    if not content:
        return "empty"
    start = content[:1000].lstrip().lower()
    if b"<svg" in start:
        return "an SVG drawing; save it as PNG"
    for mark, remedy in _FOREIGN.items():
        if start.startswith(mark):
            return remedy
    return "not a picture that is read; PNG, JPEG, WebP, AVIF, HEIC, BMP, GIF, TIFF and PPM are"


def _refuse_size(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise PictureSizeError(
            f"{name}: {width}x{height} is {width * height / 1e6:,.0f} megapixels; "
            f"{_limit(max_pixels)}; make it smaller"
        )


def _limit(max_pixels: int) -> str:
    return f"at most {max_pixels / 1e6:.4g} megapixels are read"


def _load(
    file: "ImageFile",
    content: bytes,
    name: str,
    ground: str,
    value_range: Range | None,
    check_size: CheckSize | None,
    longest: int | None,
) -> LoadedPicture:
    # Loading empties it, and to ask a PNG for its orientation loads it.
    tile = file.tile[0] if file.tile else None
    orientation = _orientation(file)
    width, height = file.size
    if orientation >= _FIRST_ON_ITS_SIDE:
        width, height = height, width
    if check_size:
        check_size(name, height, width)
    if longest:
        share = longest / max(file.size)
        file.draft("RGB", (math.ceil(share * file.width), math.ceil(share * file.height)))
    loaded = _flatten(file, content, tile, ground, value_range, longest)
    image, notes = loaded.image, loaded.notes
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    if file.format in _WITH_FRAMES and _has_several(file):
        notes = (*notes, FIRST_OF_SEVERAL)
    return LoadedPicture(image, (width, height), notes, loaded.value_range)


def load_image(
    image: Image.Image, *, ground: str = "white", longest: int | None = None
) -> LoadedPicture:
    """Bring an image of Pillow's, of any mode, to what :func:`load_picture` returns of a file.

    Args:
        image: of any mode.
        ground: see :func:`decode`.
        longest: see :func:`load_picture`.

    Raises:
        ValueError: some of its pixels are no numbers.
    """
    orientation = _orientation(image)
    size = image.size[::-1] if orientation >= _FIRST_ON_ITS_SIDE else image.size
    loaded = _flatten(image, b"", None, ground, None, longest)
    upright = loaded.image
    if orientation in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[orientation])
    return loaded._replace(image=upright, size=size)


def _orientation(file: Image.Image) -> int:
    """Return EXIF's orientation, 1 if there is none, or none that makes sense."""
    # Pillow turns TIFFs upright itself.
    if file.format == "TIFF":
        return 1
    try:
        orientation = file.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error, ZeroDivisionError):
        return 1
    return orientation if orientation in _UPRIGHT else 1


def _has_several(file: "ImageFile") -> bool:
    try:
        return bool(getattr(file, "is_animated", False))
    # The second one may be damaged.
    except Exception:
        return True


def _flatten(
    file: Image.Image,
    content: bytes,
    tile: Any,
    ground: str,
    value_range: Range | None,
    longest: int | None,
) -> LoadedPicture:
    """Make it opaque and of eight bits, of mode ``L`` or ``RGB``."""
    samples = read_samples(file, content, tile)
    if samples:
        image, held, note = to_eight_bits(samples, value_range)
        notes = (note,) if note else ()
    else:
        # Asking a GIF for its frames takes away the first.
        image, held, notes = (file.copy() if file.format == "GIF" else file), None, ()
    if image.has_transparency_data:
        image, laid = _lay_on_ground(image, ground, longest)
        notes = (*notes, *laid)
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return LoadedPicture(image, file.size, notes, held)


def _lay_on_ground(
    image: Image.Image, ground: str, longest: int | None = None
) -> tuple[Image.Image, tuple[str, ...]]:
    """Return a picture with transparency as RGB, and a note if any of it shows.

    Args:
        image: with transparency.
        ground: see :func:`decode`.
        longest: pixels of the longer side to which a larger picture is reduced, to save memory.
    """
    # There is no other way from premultiplied grey.
    overlay = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    if overlay.getchannel("A").getextrema() == (255, 255):
        return overlay.convert("RGB"), ()
    if longest and max(overlay.size) > longest:
        overlay.thumbnail((longest, longest), Image.Resampling.BOX, reducing_gap=None)
    if ground == "contrast":
        ground = _contrast(overlay)
    try:
        under = Image.new("RGBA", overlay.size, ground)
    except ValueError:
        raise DataError(f"ground: {ground} is not a colour; give a name or #rrggbb") from None
    note = f"transparent parts became {ground}"
    return Image.alpha_composite(under, overlay).convert("RGB"), (note,)


def _contrast(overlay: Image.Image) -> str:
    """Return the ground that a picture stands out from: light strokes on nothing were drawn on
    something dark.
    """
    small = overlay.copy()
    small.thumbnail((_GROUND_SIDE, _GROUND_SIDE), Image.Resampling.BOX, reducing_gap=None)
    pixels = np.asarray(small, np.float64)
    alpha = pixels[..., 3].sum()
    seen = (pixels[..., :3].mean(axis=2) * pixels[..., 3]).sum() / alpha if alpha else 0.0
    return "black" if seen > _MID_GREY and pixels[..., 3].mean() < _MID_GREY else "white"
