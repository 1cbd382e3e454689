"""Pictures' files written byte by byte, of kinds that Pillow does not write."""

import io
import struct
import zlib

import numpy as np

BITS, PHOTOMETRIC, ORIENTATION, SAMPLE_FORMAT = 258, 262, 274, 339
COMPRESSION, PLANAR, EXTRA, LOWEST, HIGHEST = 259, 284, 338, 340, 341
_SHORT, _LONG, _FLOAT = 3, 4, 11


def encode(image, form="PNG", **how):
    buffer = io.BytesIO()
    image.save(buffer, form, **how)
    return buffer.getvalue()


def chunk(kind, content):
    check = struct.pack("!I", zlib.crc32(kind + content))
    return struct.pack("!I", len(content)) + kind + content + check


def png(values, colour_type, *chunks, interlace=False):
    """A PNG of 16 bits of ``(height, width)`` or ``(height, width, channels)``."""
    height, width = values.shape[:2]
    header = struct.pack("!IIBBBBB", width, height, 16, colour_type, 0, 0, interlace)
    passes = [values]
    if interlace:
        starts = (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)
        starts += (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)
        passes = [values[y::down, x::right] for y, x, down, right in starts]
    words = (row.astype(">u2").tobytes() for part in passes if part.size for row in part)
    pixels = zlib.compress(b"".join(b"\0" + row for row in words))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def tiff(pixels, size, bits, *, order="<", **tags):
    """A TIFF of one strip.

    Args:
        pixels: the strip's bytes.
        size: width and height.
        bits: of each sample of a pixel, in a tuple.
        order: ``<`` or ``>``, of bytes.
        tags: by number, after an ``_``.
    """
    width, height = size
    fields = {256: width, 257: height, BITS: bits, COMPRESSION: 1, PHOTOMETRIC: 1}
    fields |= {273: 8, 277: len(bits), 278: height, 279: len(pixels)}
    fields |= {int(name[1:]): value for name, value in tags.items()}
    directory = 8 + len(pixels) + len(pixels) % 2
    after, entries = directory + 2 + 12 * len(fields) + 4, b""
    extra = b""
    for tag, value in sorted(fields.items()):
        several = value if isinstance(value, tuple) else (value,)
        kind = (
            _FLOAT if isinstance(several[0], float) else _LONG if max(several) > 65535 else _SHORT
        )
        packed = struct.pack(
            f"{order}{len(several)}{'HIf'[(_SHORT, _LONG, _FLOAT).index(kind)]}", *several
        )
        if len(packed) > 4:
            packed, extra = struct.pack(order + "I", after + len(extra)), extra + packed
        entries += struct.pack(order + "HHI", tag, kind, len(several)) + packed.ljust(4, b"\0")
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", directory)
    body = start + pixels.ljust(directory - 8, b"\0") + struct.pack(order + "H", len(fields))
    return body + entries + bytes(4) + extra


def pack_12_bits(values):
    """Pairs of 12 bits in three bytes, high bits first; rows are of an even width."""
    first, second = values.reshape(-1, 2).T.astype(np.uint16)
    return (
        np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1)
        .astype(np.uint8)
        .tobytes()
    )
