"""Pictures to send: good ones, and every way to be bad."""

import io
import struct
import zlib

from PIL import Image, ImageDraw

from tests.server.handwriting import write
from tests.zeros import zlib_zeros


def number(text, height=160):
    """A PNG file of a number written in black on white."""
    image = Image.new("L", (int(height * (len(text) + 0.4)), int(1.6 * height)), 255)
    draw = ImageDraw.Draw(image)
    for stroke in write(text, 0.3 * height, 0.3 * height, height):
        draw.line(stroke, fill=0, width=height // 12, joint="curve")
    return file(image)


def file(image, form="PNG"):
    content = io.BytesIO()
    image.save(content, form)
    return content.getvalue()


def claiming(width, height):
    """A PNG file of a few bytes whose header claims a size."""
    return _png(width, height, zlib.compress(b"\0" * 1000))


def text_bomb():
    """A PNG file with a comment that unpacks to 100 MB."""
    content = b"comment\0\0" + zlib_zeros(100_000_000)
    return _png(8, 8, zlib.compress(b"\0" * 72), (b"zTXt", content))


def _png(width, height, pixels, *chunks):
    header = struct.pack("!IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    packed = (
        struct.pack("!I", len(c)) + k + c + struct.pack("!I", zlib.crc32(k + c)) for k, c in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)
