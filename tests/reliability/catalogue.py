"""The odd pictures by name: how each is made, and what is expected of it."""

import struct
from functools import cache

import numpy as np
from PIL import Image

from tests.reliability import oddities as odd
from tests.reliability.oddities import (
    COLOUR,
    GREY,
    JPEG,
    OTHER,
    PNG,
    SHARE,
    SIZE,
    WORDS,
    chunks,
    encode,
    png,
)
from tests.zeros import zlib_zeros

FIVE, NOTHING, REFUSED, HANDLED = "reads 5", "has no digit", "is refused", "is either"
_STROKES = Image.merge("LA", [Image.new("L", SIZE, 0), SHARE])
_SEVERAL = {"save_all": True, "append_images": [OTHER], "duration": 50}
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
_EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\n(x) run\nshowpage\n%%EOF\n"
)
_BOMB = zlib_zeros(100_000_000)
_PIXELS = b"".join(content for kind, content in chunks(PNG) if kind == b"IDAT")
_HEADER, _END = chunks(PNG)[0], (b"IEND", b"")
_FLOATS = np.where(np.random.default_rng(0).random(odd.FLOATS.shape) < 0.001, np.nan, odd.FLOATS)
_FITS = b"SIMPLE  =                    T".ljust(80) + b"BITPIX  =                    8".ljust(80)
_WIDE = {"fill": np.random.default_rng(1).integers(0, 256, (20, 10_000), np.uint8)}


def _rings(apart):
    y, x = np.mgrid[:1280, :1280]
    return encode(((np.hypot(x - 640, y - 640) // apart % 2) * 255).astype(np.uint8))


def _dots(size, share):
    rough = np.random.default_rng(size).random((1280 // size,) * 2) > share
    return encode(np.kron(rough, np.ones((size, size))).astype(np.uint8) * 255)


def _corrupt_check(kind):
    parts = [odd.chunk(k, c, crc=0 if k == kind else None) for k, c in chunks(PNG)]
    return odd.SIGNATURE + b"".join(parts)


def _rle_bmp(pixels):
    palette = bytes(range(256)) * 4
    head = struct.pack("<IiiHHIIiiII", 40, 64, 64, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(pixels), 0, 0, 1078) + head + palette + pixels


def _exif(content):
    return encode(COLOUR, "JPEG", exif=b"Exif\0\0" + content)


def _large(form, **how):
    return encode(Image.new("RGB", (3900, 4000), "white"), form, **how)


GOOD = {
    **{
        f"EXIF orientation {turn}": (lambda turn=turn: odd.oriented(turn, "JPEG"), FIVE)
        for turn in range(1, 9)
    },
    **{
        f"PNG {mode}": (lambda mode=mode: encode(COLOUR.convert(mode)), FIVE)
        for mode in ("1", "L", "LA", "P", "RGBA")
    },
    "PNG, 16 bits": (lambda: encode(WORDS), FIVE),
    "PNG, a colour of the palette transparent": (
        lambda: encode(GREY.quantize(16), transparency=GREY.quantize(16).getpixel((0, 0))),
        FIVE,
    ),
    "PNG, strokes on nothing": (lambda: encode(_STROKES), FIVE),
    "JPEG, CMYK": (lambda: encode(COLOUR.convert("CMYK"), "JPEG"), FIVE),
    "JPEG, progressive": (lambda: encode(COLOUR, "JPEG", progressive=True), FIVE),
    "JPEG, broken ICC profile": (lambda: encode(COLOUR, "JPEG", icc_profile=b"\0" * 200), FIVE),
    "PNG, broken ICC profile": (lambda: odd.inserted((b"iCCP", b"x\0\0" + b"no zlib")), FIVE),
    "PNG, much text": (lambda: odd.with_text(compressed=True), FIVE),
    "PNG, a foreign chunk": (lambda: odd.inserted((b"teSt", b"\xff" * 999)), FIVE),
    "PNG, one byte of pixels a chunk": (
        lambda: png(_HEADER, *((b"IDAT", _PIXELS[i : i + 1]) for i in range(len(_PIXELS))), _END),
        FIVE,
    ),
    "PNG, with a ZIP behind it": (lambda: PNG + odd.zipped(), FIVE),
    "JPEG, with a web page behind it": (lambda: JPEG + b"<script>alert(1)</script>", FIVE),
    "GIF, moving": (lambda: encode(COLOUR, "GIF", **_SEVERAL), FIVE),
    "PNG, moving": (lambda: encode(COLOUR, "PNG", **_SEVERAL), FIVE),
    "WebP, moving": (lambda: encode(COLOUR, "WEBP", **_SEVERAL), FIVE),
    "BMP, rows from the top": (odd.upside_down_bmp, FIVE),
    "TIFF, some pixels no numbers": (lambda: encode(_FLOATS.astype(np.float32), "TIFF"), HANDLED),
    "TIFF, no pixel a number": (
        lambda: encode(np.full((90, 90), np.nan, np.float32), "TIFF"),
        REFUSED,
    ),
    "EXIF that leads nowhere": (lambda: _exif(b"MM\0*\xff\xff\xff\xff"), FIVE),
    "EXIF, orientation 9": (
        lambda: _exif(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0"),
        FIVE,
    ),
    "EXIF that leads to itself": (
        lambda: _exif(b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08"),
        FIVE,
    ),
    "a single pixel": (lambda: encode(Image.new("L", (1, 1))), NOTHING),
    "one column of 10,000": (lambda: encode(Image.new("L", (1, 10_000), 255)), NOTHING),
    "one row of 10,000": (lambda: encode(Image.new("L", (10_000, 1), 255)), NOTHING),
    "a band of noise": (lambda: encode(_WIDE["fill"]), HANDLED),
}
LARGE = {
    "PNG, 16 million pixels in 20 kB": (lambda: odd.blank_png(4000, 4000), NOTHING),
    "PNG, the same of 16 bits": (lambda: odd.blank_png(4000, 4000, 16), NOTHING),
    "PNG, the same with transparency": (lambda: odd.blank_png(4000, 4000, 8, 6), NOTHING),
    "PNG, the same interlaced, cut": (
        lambda: odd.blank_png(4000, 4000, 8, 6, interlace=1),
        REFUSED,
    ),
    "TIFF, 16 million pixels in one strip": (
        lambda: _large("TIFF", compression="tiff_deflate"),
        NOTHING,
    ),
    "WebP, 16 million pixels": (lambda: _large("WEBP", quality=1, method=0), NOTHING),
}
TEXTURES = {
    "rings, 8 apart": (lambda: _rings(8), HANDLED),
    "rings, 16 apart": (lambda: _rings(16), HANDLED),
    "dots of 12": (lambda: _dots(12, 0.3), HANDLED),
    "dots of 8": (lambda: _dots(8, 0.02), HANDLED),
    "dots of 1": (lambda: _dots(1, 0.02), HANDLED),
}
BOMBS = {
    "PNG, zTXt of 100 MB": (lambda: odd.inserted((b"zTXt", b"comment\0\0" + _BOMB)), REFUSED),
    "PNG, iTXt of 100 MB": (lambda: odd.inserted((b"iTXt", b"comment\0\1\0\0\0" + _BOMB)), REFUSED),
    "PNG, ICC profile of 100 MB": (lambda: odd.inserted((b"iCCP", b"x\0\0" + _BOMB)), HANDLED),
    "PNG, more pixels than it says": (
        lambda: png(odd.header(8, 8), (b"IDAT", _BOMB), _END),
        HANDLED,
    ),
    "PNG, 3.6 billion pixels claimed": (
        lambda: png(odd.header(60_000, 60_000), (b"IDAT", _PIXELS), _END),
        REFUSED,
    ),
    "PNG, the widest claim": (
        lambda: png(odd.header(2**31 - 1, 2**31 - 1), (b"IDAT", _PIXELS), _END),
        REFUSED,
    ),
    "PNG, negative claim": (
        lambda: png(odd.header(2**32 - 1, 2**32 - 1), (b"IDAT", _PIXELS), _END),
        REFUSED,
    ),
    "PNG, 100,000 texts": (lambda: odd.inserted(*[(b"tEXt", b"a\0b")] * 100_000), REFUSED),
    "JPEG, 300,000 comments": (lambda: odd.with_segment(0xFE, b"", times=300_000), REFUSED),
    "JPEG, 100,000 EXIF blocks": (
        lambda: odd.with_segment(0xE1, b"Exif\0\0", times=100_000),
        HANDLED,
    ),
    "JPEG, lies of 65,500": (lambda: odd.lying_jpeg(65_500, 65_500), REFUSED),
    "JPEG, lies of 4000": (lambda: odd.lying_jpeg(4000, 3000), HANDLED),
    "GIF, 65,535 each way": (
        lambda: odd.gif(65_535, 65_535, odd.gif_frame(0, 0, 65_535, 65_535)),
        REFUSED,
    ),
    "GIF, frame outside": (
        lambda: odd.gif(8, 8, odd.gif_frame(60_000, 60_000, 5000, 5000)),
        REFUSED,
    ),
    "GIF, 300,000 comments": (lambda: odd.gif(8, 8, *[b"!\xfe\0"] * 300_000), REFUSED),
    "WebP, 268 million pixels claimed": (
        lambda: odd.riff((b"VP8X", b"\0\0\0\0" + (16_382).to_bytes(3, "little") * 2)),
        REFUSED,
    ),
    "TIFF, huge strip": (
        lambda: odd.plain_tiff(10_000, 10_000, bytes(100), strip=(8, 2**31)),
        REFUSED,
    ),
    "TIFF, strip behind the end": (
        lambda: odd.plain_tiff(100, 100, strip=(2**31, 10_000)),
        REFUSED,
    ),
    "TIFF, 4 billion each way": (lambda: odd.plain_tiff(2**32 - 1, 2**32 - 1, bytes(100)), REFUSED),
    "TIFF, directories in a ring": (
        lambda: odd.plain_tiff(10, 10, bytes(100), following=108),
        HANDLED,
    ),
    "TIFF, 20,000 tags of the same bytes": (lambda: odd.wide_tags(20_000, 10_000), HANDLED),
    "TIFF, 100 tags of the same megabyte": (lambda: odd.wide_tags(100, 1_000_000), HANDLED),
    "PPM, 4 MB of header": (lambda: b"P6 " + b" " * 4_000_000 + b"1 1 255 abc", REFUSED),
    "PPM, 4 MB of comments": (lambda: b"P6 " + b"#\n" * 2_000_000 + b"1 1 255 abc", REFUSED),
    "PPM, a number of a thousand digits": (lambda: b"P6 " + b"9" * 1000 + b" 1 255 abc", REFUSED),
}
DAMAGED = {
    "nothing": (lambda: b"", REFUSED),
    **{
        f"{form}, {share:.0%} of it": (
            lambda form=form, share=share: _cut(encode(COLOUR, form), share),
            HANDLED,
        )
        for form in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
        for share in (0.01, 0.1, 0.5, 0.99)
    },
    "PNG, no width": (lambda: png(odd.header(0, 7), (b"IDAT", _PIXELS), _END), REFUSED),
    "PNG, no header": (lambda: png((b"IDAT", _PIXELS), _END), REFUSED),
    "PNG, header last": (lambda: png((b"IDAT", _PIXELS), _HEADER, _END), REFUSED),
    "PNG, no pixels": (lambda: png(_HEADER, _END), REFUSED),
    "PNG, two headers": (lambda: png(_HEADER, odd.header(9, 9), (b"IDAT", _PIXELS), _END), HANDLED),
    "PNG, wrong checksum of the header": (lambda: _corrupt_check(b"IHDR"), REFUSED),
    "PNG, wrong checksum of pixels": (lambda: _corrupt_check(b"IDAT"), HANDLED),
    "PNG, depth of 3": (lambda: png(odd.header(*SIZE, depth=3), (b"IDAT", _PIXELS), _END), REFUSED),
    "PNG, palette missing": (
        lambda: png(odd.header(*SIZE, colour=3), (b"IDAT", _PIXELS), _END),
        HANDLED,
    ),
    "JPEG, no tables": (lambda: JPEG[:2] + JPEG[JPEG.index(b"\xff\xc0") :], REFUSED),
    "BMP, no height": (lambda: odd.bmp(9, 0), HANDLED),
    "BMP, 2 billion high": (lambda: odd.bmp(9, -(2**31)), REFUSED),
    "BMP, runs past the end": (lambda: _rle_bmp(b"\xff\x01" * 9999), HANDLED),
    "BMP, jumps past the end": (lambda: _rle_bmp(b"\0\x02\xff\xff" * 99), HANDLED),
    "TIFF, no strips": (lambda: odd.tiff([(256, 3, 1, 9), (257, 3, 1, 9)]), REFUSED),
    "TIFF, unknown compression": (
        lambda: odd.tiff([(256, 3, 1, 9), (257, 3, 1, 9), (259, 3, 1, 60_000)], b"\0" * 81),
        REFUSED,
    ),
}


def _cut(content, share):
    return content[: int(share * len(content))]


FOREIGN = {
    "SVG": (lambda: _SVG, REFUSED),
    "PDF": (lambda: b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", REFUSED),
    "HTML": (lambda: b"<!doctype html><title>5</title><img src=x onerror=alert(1)>", REFUSED),
    "ZIP": (odd.zipped, REFUSED),
    "EPS": (lambda: _EPS, REFUSED),
    "EPS behind a binary header": (
        lambda: b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 30, 99) + bytes(18) + _EPS,
        REFUSED,
    ),
    "FITS": (lambda: _FITS.ljust(2880), REFUSED),
    **{
        form: (lambda form=form, mode=mode: encode(COLOUR.convert(mode), form), REFUSED)
        for form, mode in {
            "ICO": "RGB",
            "ICNS": "RGB",
            "MSP": "1",
            "TGA": "RGB",
            "PCX": "RGB",
            "SGI": "RGB",
            "XBM": "1",
            "DDS": "RGB",
            "PDF": "RGB",
            "SPIDER": "F",
        }.items()
    },
    "HEIC": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", REFUSED),
    "a program": (lambda: b"\x7fELF\2\1\1" + bytes(99), REFUSED),
}
ODD = GOOD | LARGE | TEXTURES | BOMBS | DAMAGED | FOREIGN
"""Name -> how it is made, and what is expected."""


@cache
def made(name):
    return ODD[name][0]()
