"""Thumbnail: what a network saw, as a PNG."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES, _BITS = {1: 0, 3: 2}, 8


def thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """Return a PNG file (W3C, 2003).

    Args:
        pixels: uint8, ``(height, width)`` if grey, or ``(1 or 3, height, width)``.
    """
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    channels, height, width = planes.shape
    rows = b"".join(b"\0" + row.tobytes() for row in planes.transpose(1, 2, 0))
    header = struct.pack("!IIBBBBB", width, height, _BITS, _COLOUR_TYPES[channels], 0, 0, 0)
    return (
        _SIGNATURE
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 1))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack("!I", len(content))
        + kind
        + content
        + struct.pack("!I", zlib.crc32(kind + content))
    )
