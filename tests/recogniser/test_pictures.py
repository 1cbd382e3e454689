"""Recogniser: whatever holds the pixels, and whatever does not."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistlab.errors import PictureError, PictureSizeError
from mnistlab.recogniser import Reading, Recogniser
from mnistlab.recogniser.annotation import annotate
from mnistlab.recogniser.recogniser import LONGEST, open_pixels
from tests.recogniser.drawing import cover, drawn, encode, paint, pixels

COVER = cover("5", size=(220, 180))
COLOUR = Image.fromarray(pixels(paint(COVER, (30, 40, 120))))
GREY = COLOUR.convert("L")
WORDS = np.asarray(GREY, np.uint16) * 257
SHARE = Image.fromarray(pixels(255 * COVER))
OTHER = Image.fromarray(drawn("8", size=(220, 180)))


def strokes(ink):
    """Nothing but strokes: transparent where there are none."""
    image = Image.new("RGBA", SHARE.size, ink)
    image.putalpha(SHARE)
    return image


def palette(transparent):
    image = GREY.quantize(16)
    return encode(image, transparency=image.getpixel((0, 0))) if transparent else encode(image)


FILES = {
    **{
        f"PNG {mode}": encode(COLOUR.convert(mode)) for mode in ("1", "L", "LA", "RGB", "RGBA", "P")
    },
    "PNG 16 bit": encode(WORDS),
    "PNG 16 bit, dim": encode(WORDS // 40),
    "PNG P, transparent paper": palette(transparent=True),
    "PNG P, no transparency": palette(transparent=False),
    "PNG L, one grey transparent": encode(GREY, transparency=240),
    "PNG LA, strokes alone": encode(Image.merge("LA", [Image.new("L", SHARE.size, 0), SHARE])),
    "PNG RGBA, dark strokes alone": encode(strokes("navy")),
    "PNG RGBA, light strokes alone": encode(strokes("lightyellow")),
    **{f"JPEG {mode}": encode(COLOUR.convert(mode), "JPEG") for mode in ("L", "RGB", "CMYK")},
    "JPEG progressive": encode(COLOUR, "JPEG", progressive=True, quality=40),
    "JPEG of a telephone": encode(COLOUR, "MPO", save_all=True, append_images=[OTHER.copy()]),
    "WebP lossless": encode(COLOUR, "WEBP", lossless=True),
    "WebP lossy": encode(COLOUR, "WEBP", quality=30),
    "WebP alpha": encode(strokes("navy"), "WEBP"),
    "WebP animated": encode(COLOUR, "WEBP", save_all=True, append_images=[OTHER]),
    **{
        f"BMP {mode}": encode(COLOUR.convert(mode), "BMP")
        for mode in ("1", "L", "P", "RGB", "RGBA")
    },
    "GIF": encode(COLOUR, "GIF"),
    "GIF transparent": encode(strokes("black"), "GIF"),
    "GIF animated": encode(
        COLOUR, "GIF", save_all=True, append_images=[OTHER, COLOUR], duration=50
    ),
    **{
        f"TIFF {mode}": encode(COLOUR.convert(mode), "TIFF")
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK")
    },
    **{
        f"TIFF {way}": encode(COLOUR, "TIFF", compression=way)
        for way in ("tiff_lzw", "tiff_deflate", "jpeg")
    },
    "TIFF group4": encode(COLOUR.convert("1"), "TIFF", compression="group4"),
    "TIFF 16 bit": encode(WORDS, "TIFF"),
    "TIFF 16 bit, high byte first": encode(Image.fromarray(WORDS.astype(">u2")), "TIFF"),
    "TIFF 32 bit": encode(WORDS.astype(np.int32) - 9000, "TIFF"),
    "TIFF float": encode((WORDS / 65535).astype(np.float32), "TIFF"),
    "TIFF float, far from 0 to 1": encode((WORDS / 7.0 - 3000).astype(np.float32), "TIFF"),
    "TIFF pages": encode(COLOUR, "TIFF", save_all=True, append_images=[OTHER]),
    **{f"PPM {mode}": encode(COLOUR.convert(mode), "PPM") for mode in ("1", "L", "RGB")},
    "PPM 16 bit": encode(Image.fromarray(WORDS), "PPM"),
}
TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture(scope="module")
def plain(reader):
    return reader.read(np.asarray(COLOUR))


@pytest.mark.parametrize("kind", FILES)
def test_every_container_and_mode_reads_the_same(reader, plain, kind):
    reading = reader.read(FILES[kind])
    assert (reading.text, reading.size) == ("5", (220, 180))
    np.testing.assert_allclose(reading.characters[0].box, plain.characters[0].box, atol=6)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_orientation_is_undone_and_boxes_are_upright(reader, plain, form, orientation):
    exif, way = Image.Exif(), TURNED[orientation]
    exif[0x0112] = orientation
    stored = COLOUR if way is None else COLOUR.transpose(way)
    reading = reader.read(encode(stored, form, exif=exif))
    assert (reading.text, reading.size) == ("5", (220, 180))
    np.testing.assert_allclose(
        reading.characters[0].box, plain.characters[0].box, atol=0 if form in ("PNG", "TIFF") else 2
    )


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"MM\0*\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x04up\0\0",
    ],
    ids=["empty", "leads nowhere", "ninth", "cut off", "in words"],
)
def test_an_orientation_that_makes_no_sense_is_none(reader, form, exif):
    content = encode(COLOUR, form, exif=b"Exif\0\0" + exif)
    reading = reader.read(content)
    assert reading.text == "5"
    assert annotate(content, reading).startswith(b"\x89PNG")


def chunk(kind, content):
    return (
        struct.pack("!I", len(content))
        + kind
        + content
        + struct.pack("!I", zlib.crc32(kind + content))
    )


def claiming(width, height):
    """A PNG file of a few bytes whose header claims a size."""
    header = struct.pack("!IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(1000))), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


REFUSED = {
    "huge.png": (claiming(60000, 60000), "pixels.*make it smaller"),
    "large.png": (
        claiming(15000, 14000),
        "15000x14000 is 210 megapixels.*make it smaller|pixels.*make it smaller",
    ),
    "wide.png": (claiming(2**31 - 1, 1), "pixels.*make it smaller"),
    "empty.png": (b"", "empty"),
    "note.txt": (b"Seven hundred and four\n", "not a picture that is read; PNG, JPEG, WebP, AVIF"),
    "page.pdf": (b"%PDF-1.7\n1 0 obj\n", "PDF; save its page as PNG"),
    "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawing; save it as PNG"),
    "drawn.svg": (b'<?xml version="1.0"?>\n<!-- 7 -->\n<svg/>', "SVG drawing; save it as PNG"),
    "IMG_1.heic": (
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "HEIC.*save it as JPEG or PNG.*pip install 'mnistlab",
    ),
    "IMG_2.avif": (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "damaged, cannot be decoded"),
    "burst.heic": (
        b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc",
        "HEIC.*save it as JPEG or PNG.*pip install 'mnistlab",
    ),
    "half.jpg": (FILES["JPEG RGB"][:700], "damaged, cannot be decoded"),
    "cut.png": (FILES["PNG RGB"][:20], "not a picture that is read|damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused_in_a_line_that_names_it(reader, tmp_path, name):
    content, message = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PictureError, match=message) as caught:
        reader.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    with pytest.raises(PictureError, match=f"^picture: .*({message})"):
        reader.read(content)


def test_a_lower_limit_is_kept_to_the_pixel():
    assert Recogniser(max_pixels=220 * 180).read(FILES["PNG L"]).size == (220, 180)
    strict = Recogniser(max_pixels=220 * 180 - 1)
    for kind in ("PNG L", "JPEG RGB", "GIF", "TIFF 1", "WebP lossy", "BMP RGB", "PPM L"):
        with pytest.raises(
            PictureSizeError, match=r"220x180 is 0 megapixels; at most 0\.0396 megapixels are read"
        ):
            strict.read(FILES[kind])


@pytest.mark.parametrize("source", ["absent.png", "."])
def test_a_path_that_cannot_be_read_is_named(reader, tmp_path, source):
    for path in (tmp_path / source, str(tmp_path / source)):
        with pytest.raises(PictureError, match="cannot be read") as caught:
            reader.read(path)
        assert str(caught.value).startswith(str(Path(path)))


def is_read_or_refused(reader, content):
    try:
        return isinstance(reader.read(content), Reading)
    except PictureError as error:
        return "\n" not in str(error)


@pytest.mark.parametrize("kind", ["PNG RGB", "JPEG RGB", "GIF", "TIFF tiff_lzw", "WebP lossy"])
def test_every_truncation_is_refused_or_read(reader, kind):
    content = FILES[kind]
    assert all(
        is_read_or_refused(reader, content[:n])
        for n in np.linspace(0, len(content) - 1, 40).astype(int)
    )


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), kind=st.sampled_from(["PNG P", "JPEG L", "GIF", "TIFF L", "WebP lossy"]))
def test_any_damage_is_refused_or_read(reader, data, kind):
    content = bytearray(FILES[kind])
    places = st.integers(0, min(len(content) - 1, data.draw(st.sampled_from([40, 400, 10**6]))))
    for place in data.draw(st.lists(places, min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    assert is_read_or_refused(reader, bytes(content))


@pytest.mark.parametrize(("size", "given"), [((4000, 3000), LONGEST), ((3000, 2000), 3000)])
def test_photographs_are_decoded_at_a_reduced_size_if_enough_is_left(size, given):
    """JPEG's decoder can halve, at no cost."""
    photograph = Image.new("RGB", size, "white")
    pixels, told, _ = open_pixels(encode(photograph, "JPEG"))
    assert (told, pixels.shape[1]) == (size, given)
    turned = Image.Exif()
    turned[0x0112] = 6
    pixels, told, _ = open_pixels(encode(photograph, "JPEG", exif=turned))
    assert (told, pixels.shape[0]) == (size[::-1], given)


def test_the_core_is_given_no_more_than_16_megapixels():
    pixels, size, _ = open_pixels(np.full((5000, 4000), 200, np.uint8))
    assert (size, pixels.shape) == ((4000, 5000), (2500, 2000))
    assert np.array_equal(open_pixels(np.asarray(COLOUR))[0], np.asarray(COLOUR))


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 3000), (3000, 1), (2, 2), (1, 100_000), (3, 40_000), (9, 9, 3)]
)
@pytest.mark.parametrize("level", [0, 200])
def test_thin_and_tiny_pictures_without_ink_have_no_digit(reader, shape, level):
    reading = reader.read(np.full(shape, level, np.uint8))
    assert (reading.text, reading.size) == ("", shape[1::-1])


def test_a_thin_picture_of_anything_is_read_or_refused(reader):
    random = np.random.default_rng(3)
    for shape in ((1, 5000), (5000, 1), (2, 3), (1, 17), (5, 5)):
        assert is_read_or_refused(reader, random.integers(0, 256, shape, dtype=np.uint8))


def test_a_pillow_image_is_read(reader):
    assert reader.read(Image.fromarray(drawn("5"))).text == "5"


def test_a_file_that_ends_in_its_header_is_damaged_and_not_foreign(reader):
    with pytest.raises(PictureError, match="damaged"):
        reader.read(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("form", ["TIFF", "GIF"])
def test_that_further_pages_are_not_read_is_told(reader, form):
    pages = [Image.fromarray(drawn(text, size=(220, 180))) for text in ("5", "8")]
    reading = reader.read(encode(pages[0], form, save_all=True, append_images=pages[1:]))
    assert reading.text == "5"
    assert reading.notes == ("only the first of several frames or pages",)
    assert not reader.read(encode(pages[0], form)).notes
