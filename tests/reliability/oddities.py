"""Pictures that are odd, damaged or malicious, each made by a few lines of code."""

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image, PngImagePlugin

from tests.recogniser.drawing import cover, encode, paint, pixels

SIZE = (220, 180)
COLOUR = Image.fromarray(pixels(paint(cover("5", size=SIZE), (30, 40, 120))))
GREY = COLOUR.convert("L")
OTHER = Image.new("RGB", SIZE, "white")
SHARE = Image.fromarray(pixels(255 * cover("5", size=SIZE)))
WORDS = np.asarray(GREY, np.uint16) * 257
FLOATS = np.asarray(GREY, np.float32) / 255
SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG, JPEG = encode(COLOUR), encode(COLOUR, "JPEG", quality=90)
_BYTE, _SHORT, _LONG = 1, 3, 4


def chunk(kind, content, crc=None):
    """One chunk of a PNG file."""
    check = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack("!I", len(content)) + kind + content + struct.pack("!I", check)


def chunks(content):
    """The chunks of a sound PNG file: kind and content of each."""
    place, found = len(SIGNATURE), []
    while place < len(content):
        (length,) = struct.unpack_from("!I", content, place)
        found.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def png(*parts):
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


def header(width, height, depth=8, colour=0, interlace=0):
    return b"IHDR", struct.pack("!IIBBBBB", width, height, depth, colour, 0, 0, interlace)


def blank_png(width, height, depth=8, colour=0, interlace=0):
    """A PNG file of nothing but zeros, which packs a thousand to one."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    packer, row = zlib.compressobj(9), bytes(1 + (width * depth * channels + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png(header(width, height, depth, colour, interlace), (b"IDAT", packed), (b"IEND", b""))


def inserted(*parts, before=b"IDAT"):
    """The good picture with chunks put in before one of a kind."""
    found = chunks(PNG)
    place = [kind for kind, _ in found].index(before)
    return png(*found[:place], *parts, *found[place:])


def segment(marker, content):
    """One segment of a JPEG file."""
    return b"\xff" + bytes([marker]) + struct.pack("!H", len(content) + 2) + content


def with_segment(marker, content, times=1):
    return JPEG[:2] + times * segment(marker, content) + JPEG[2:]


def lying_jpeg(width, height):
    start = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:start] + struct.pack("!HH", height, width) + JPEG[start + 4 :]


def oriented(orientation, form):
    """The picture stored turned, with the EXIF orientation that undoes it."""
    ways = (
        None,
        "FLIP_LEFT_RIGHT",
        "ROTATE_180",
        "FLIP_TOP_BOTTOM",
        "TRANSPOSE",
        "ROTATE_90",
        "TRANSVERSE",
    )
    way, exif = (*ways, "ROTATE_270")[orientation - 1], Image.Exif()
    exif[0x0112] = orientation
    return encode(COLOUR.transpose(Image.Transpose[way]) if way else COLOUR, form, exif=exif)


def tiff(entries, data=b"", following=0):
    """A TIFF file of one directory: tag, type, count and value of each entry; ``data`` starts at
    byte 8."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    end = struct.pack("<I", following)
    return (
        b"II*\0"
        + struct.pack("<I", 8 + len(data))
        + data
        + struct.pack("<H", len(entries))
        + packed
        + end
    )


def plain_tiff(width, height, data=b"", extra=(), strip=(8, None), **how):
    """An uncompressed grey one, whose strip lies where ``strip`` says."""
    start, length = strip
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: start, 277: 1, 278: height}
    entries[279] = len(data) if length is None else length
    return tiff(
        sorted([*((tag, _LONG, 1, value) for tag, value in entries.items()), *extra]), data, **how
    )


def bmp(width, height, compression=0, bits=24, pixels=b""):
    head = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 0, 0, 0, 0
    )
    return (
        b"BM"
        + struct.pack("<IHHI", 14 + len(head) + len(pixels), 0, 0, 14 + len(head))
        + head
        + pixels
    )


def upside_down_bmp():
    """Rows from the top, as a negative height says."""
    width, height = SIZE
    rows = np.asarray(COLOUR)[..., ::-1].tobytes()
    return bmp(width, -height, pixels=rows)


def gif(width, height, *blocks):
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0x80, 0, 0)
        + b"\0\0\0\xff\xff\xff"
        + b"".join(blocks)
        + b";"
    )


def gif_frame(left, top, width, height, content=b"\x02\x02\x44\x01\x00"):
    return b"," + struct.pack("<HHHHB", left, top, width, height, 0) + content


def riff(*parts):
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(c)) + c + bytes(len(c) % 2) for kind, c in parts
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def zipped():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("5.png", PNG)
    return content.getvalue()


def with_text(compressed):
    about = PngImagePlugin.PngInfo()
    about.add_itxt("title", "5 " * 100, zip=compressed)
    return encode(COLOUR, pnginfo=about)


def wide_tags(count, size):
    """A TIFF file whose ``count`` entries each claim all of the same ``size`` bytes as theirs."""
    data = bytes(size)
    extra = [(tag, _BYTE, size, 8) for tag in range(40_000, 40_000 + count)]
    return plain_tiff(100, 100, data, extra, strip=(8, 10_000))
