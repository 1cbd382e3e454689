"""mnistlab.data.decode: each kind of file against its pixels, and what cannot be read."""

import base64
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms

from mnistlab.data import encode_png
from mnistlab.data.decode import HEAD_BYTES, common_range, decode, is_picture
from mnistlab.data.source import load_dataset
from mnistlab.errors import DataError
from mnistlab.recogniser.recogniser import open_pixels
from tests.data.pictures import encode, pack_12_bits, png, tiff

RANDOM = np.random.default_rng(19)
GREY = RANDOM.permutation(256)[:48].astype(np.uint8).reshape(6, 8)
GREY[0, :2] = 0, 255
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=2)
RGB = COLOUR.transpose(2, 0, 1)
OPAQUE = np.full((6, 8), 255, np.uint8)
ALL_OF_16 = 257
"""What eight bits are multiplied with to be sixteen."""
WORDS, COLOUR_WORDS = GREY.astype("u2") * ALL_OF_16, COLOUR.astype("u2") * ALL_OF_16
SIZE = (8, 6)
RED = (200, 30, 40)
ORDERS = {"little-endian": "<", "big-endian": ">"}


def image(values):
    return Image.fromarray(np.ascontiguousarray(values))


def netpbm(kind, highest, values, kind_of_values=">u2"):
    return b"%s\n8 6\n%d\n" % (kind, highest) + values.astype(kind_of_values).tobytes()


def plain(kind, highest, values):
    numbers = "\n".join(" ".join(map(str, row.ravel())) for row in values)
    return f"{kind}\n# made by hand\n8 6\n{highest}\n{numbers}\n".encode()


def strip(values, kind, order="<", *, deflate=False, **tags):
    """A TIFF of these values."""
    bits = (8 * np.dtype(kind).itemsize,) * (values.shape[2] if values.ndim == 3 else 1)
    content = values.astype(np.dtype(kind).newbyteorder(order)).tobytes()
    if deflate:
        content, tags = zlib.compress(content), {"_259": 8} | tags
    return tiff(content, SIZE, bits, order=order, **tags)


def on(ground, values, alpha):
    """Values of red, green and blue laid on a ground, worked out by hand."""
    share = alpha / 255
    return np.rint(values * share + np.array(ground)[:, None, None] * (1 - share))


GREY_KINDS = {
    **{
        f"{form} of grey": encode(image(GREY), form)
        for form in ("PNG", "TIFF", "BMP", "GIF", "PPM")
    },
    **{
        f"{form} of colours that are all grey": encode(image(GREY).convert("RGB"), form)
        for form in ("PNG", "TIFF", "BMP", "PPM")
    },
    "WebP without loss": encode(image(GREY).convert("RGB"), "WEBP", lossless=True),
    "PNG, palette of greys": encode(image(GREY).convert("P")),
    "PNG, opaque": encode(image(np.dstack([GREY, OPAQUE]))),
    "PNG, 16 bits": encode(image(WORDS)),
    "PNG, 16 bits that hold 8": encode(image(GREY.astype("u2"))),
    "PNG, 16 bits that hold 12": encode(image(WORDS >> 4)),
    "PNG, 16 bits that hold 14": encode(image(WORDS >> 2)),
    "PNG, 16 bits, opaque": png(np.dstack([WORDS, OPAQUE * np.uint16(ALL_OF_16)]), 4),
    "PNG, 16 bits that hold 8, opaque": png(np.dstack([GREY, OPAQUE.astype("u2") * ALL_OF_16]), 4),
    "PNG, 16 bits of opaque grey, interlaced": png(np.dstack([GREY, OPAQUE]), 4, interlace=True),
    "PGM of 255": netpbm(b"P5", 255, GREY, "u1"),
    "PGM of 4095": netpbm(b"P5", 4095, WORDS >> 4),
    "PGM of 65535": netpbm(b"P5", 65535, WORDS),
    "PGM of 65535 that holds 255": netpbm(b"P5", 65535, GREY),
    "PGM in words, of 1000 grey": plain("P2", 51000, GREY.astype(int) * 200),
    "PGM in words, of 65535, that holds 255": plain("P2", 65535, GREY),
    "PFM": encode(image(GREY.astype("f4") / 255), "PPM"),
    **{
        f"TIFF {name}, {kind}": content
        for name, order in ORDERS.items()
        for kind, content in {
            "16 bits": strip(WORDS, "u2", order),
            "16 bits that hold 8": strip(GREY, "u2", order),
            "16 bits, deflated": strip(WORDS, "u2", order, deflate=True),
            "floats from -1 to 1": strip(GREY / 127.5 - 1, "f4", order, _339=3),
            "floats from 0 to 1": strip(GREY / 255, "f4", order, _339=3),
            "floats from 0 to 1, white first": strip(1 - GREY / 255, "f4", order, _339=3, _262=0),
            "floats from 0 to 255": strip(GREY, "f4", order, _339=3),
            "floats from 0 to 65535": strip(WORDS, "f4", order, _339=3),
            "floats far from 0": strip(GREY * 40.0 - 9000, "f4", order, _339=3),
            "floats of the range it says": strip(
                GREY * 2.0 + 7, "f4", order, _339=3, _340=7.0, _341=517.0
            ),
            "signed 16 bits": strip(WORDS.astype(int) - 32768, "i2", order, _339=2),
            "signed 32 bits": strip(GREY * 8_000_000.0, "i4", order, _339=2),
        }.items()
    },
    "TIFF, 12 bits": tiff(pack_12_bits(WORDS >> 4), SIZE, (12,)),
    "TIFF, 16 bits, white first": strip(65535 - WORDS, "u2", _262=0),
    "TIFF, 32 bits": strip(GREY.astype("u4") * 16843009, "u4"),
    "TIFF, 32 bits that hold 8": strip(GREY, "u4"),
    "TIFF, two pages": encode(
        image(GREY), "TIFF", save_all=True, append_images=[image(255 - GREY)]
    ),
    "GIF, moving": encode(image(GREY), "GIF", save_all=True, append_images=[image(255 - GREY)]),
    "PNG, moving": encode(image(GREY), save_all=True, append_images=[image(255 - GREY)]),
}
COLOUR_KINDS = {
    **{f"{form} of colours": encode(image(COLOUR), form) for form in ("PNG", "TIFF", "BMP", "PPM")},
    "WebP without loss": encode(image(COLOUR), "WEBP", lossless=True),
    "PNG, palette": encode(image(COLOUR).quantize(48)),
    "PNG, opaque": encode(image(np.dstack([COLOUR, OPAQUE]))),
    "PNG, 16 bits": png(COLOUR_WORDS, 2),
    "PNG, 16 bits, interlaced": png(COLOUR_WORDS, 2, interlace=True),
    "PNG, 16 bits that hold 8": png(COLOUR, 2),
    "PNG, 16 bits that hold 12": png(COLOUR_WORDS >> 4, 2),
    "PNG, 16 bits that hold 8, opaque": png(
        np.dstack([COLOUR, OPAQUE.astype("u2") * ALL_OF_16]), 6
    ),
    "PPM of 4095": netpbm(b"P6", 4095, COLOUR_WORDS >> 4),
    "PPM of 65535 that holds 255": netpbm(b"P6", 65535, COLOUR),
    "PPM in words": plain("P3", 255, COLOUR),
    "PPM in words, of 65535, that holds 255": plain("P3", 65535, COLOUR),
    **{
        f"TIFF {name}, {kind}": content
        for name, order in ORDERS.items()
        for kind, content in {
            "16 bits": strip(COLOUR_WORDS, "u2", order, _262=2),
            "16 bits, deflated": strip(COLOUR_WORDS, "u2", order, deflate=True, _262=2),
            "16 bits that hold 8": strip(COLOUR, "u2", order, _262=2),
            "16 bits that hold 8, deflated": strip(COLOUR, "u2", order, deflate=True, _262=2),
            "16 bits, something else as fourth": strip(
                np.dstack([COLOUR, GREY]), "u2", order, _262=2, _338=0
            ),
        }.items()
    },
    "TIFF of CMYK": strip(np.dstack([255 - COLOUR, 255 - OPAQUE]), "u1", _262=5),
}


@pytest.mark.parametrize("kind", GREY_KINDS)
def test_grey_is_read_to_the_bit_and_has_one_channel(kind):
    picture = decode(GREY_KINDS[kind], kind)
    assert picture.pixels.dtype == np.uint8
    assert np.array_equal(picture.pixels, GREY[None])
    assert not picture.is_colour
    assert np.array_equal(decode(GREY_KINDS[kind], kind, colour="rgb").pixels, [GREY] * 3)
    assert np.array_equal(decode(GREY_KINDS[kind], kind, colour="grey").pixels, [GREY])


@pytest.mark.parametrize("kind", COLOUR_KINDS)
def test_colour_is_read_to_the_bit(kind):
    # A palette is reduced to what Pillow makes of it.
    tolerance = 30 if kind == "PNG, palette" else 0
    picture = decode(COLOUR_KINDS[kind], kind)
    assert np.abs(picture.pixels - RGB.astype(int)).max() <= tolerance
    assert picture.is_colour
    luma = (picture.pixels * np.array([299, 587, 114])[:, None, None]).sum(0) / 1000
    grey = decode(COLOUR_KINDS[kind], kind, colour="grey")
    assert np.abs(grey.pixels[0] - luma).max() <= 0.51
    assert grey.is_colour


@pytest.mark.parametrize("kind", GREY_KINDS | COLOUR_KINDS)
def test_the_recogniser_sees_what_is_trained_on(kind):
    content = (GREY_KINDS | COLOUR_KINDS)[kind]
    trained = decode(content, kind, colour="rgb").pixels
    given, *_ = open_pixels(content)
    seen = np.asarray(Image.fromarray(given).convert("RGB"))
    assert np.array_equal(seen, trained.transpose(1, 2, 0))


@pytest.mark.parametrize("kind", ["PNG, 16 bits that hold 8", "TIFF little-endian, 16 bits"])
def test_data_are_loaded_as_they_are_decoded(kind, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number in range(7):
            ending = kind[:4].strip(",").lower()
            (tmp_path / name / f"{number}.{ending}").write_bytes(GREY_KINDS[kind])
    images = load_dataset(str(tmp_path)).train.images
    assert (images.reshape(-1, 6, 8) == GREY).all()


LOSSY = {
    "JPEG": encode(Image.new("RGB", (16, 16), RED), "JPEG", quality=100),
    "JPEG of CMYK, as Adobe writes it": encode(
        Image.new("RGB", (16, 16), RED).convert("CMYK"), "JPEG", quality=100
    ),
    "WebP": encode(Image.new("RGB", (16, 16), RED), "WEBP", quality=100),
    "AVIF": encode(Image.new("RGB", (16, 16), RED), "AVIF", quality=100),
    "TIFF of Lab": encode(
        ImageCms.profileToProfile(
            Image.new("RGB", (16, 16), RED),
            ImageCms.createProfile("sRGB"),
            ImageCms.createProfile("LAB"),
            outputMode="LAB",
        ),
        "TIFF",
    ),
    "TIFF of YCbCr": encode(Image.new("RGB", (16, 16), RED).convert("YCbCr"), "TIFF"),
}


@pytest.mark.parametrize("kind", LOSSY)
def test_colours_come_out_right_where_some_loss_is_usual(kind):
    pixels = decode(LOSSY[kind], kind).pixels
    assert pixels.shape == (3, 16, 16)
    assert np.abs(pixels - np.array(RED)[:, None, None]).max() <= 3


HALF = np.where(np.arange(8) < 4, 128, 255).astype(np.uint8) * np.ones((6, 1), np.uint8)
TRANSPARENT = {
    "PNG of colours": (encode(image(np.dstack([COLOUR, HALF]))), RGB, HALF),
    "PNG of grey": (encode(image(np.dstack([GREY, HALF]))), GREY[None], HALF),
    "PNG, 16 bits of colours": (
        png(np.dstack([COLOUR, HALF]).astype("u2") * ALL_OF_16, 6),
        RGB,
        HALF,
    ),
    "PNG, 16 bits of grey": (png(np.dstack([GREY, HALF]).astype("u2") * 257, 4), GREY[None], HALF),
    "PNG, one grey transparent": (
        encode(image(GREY), transparency=0),
        GREY[None],
        np.where(GREY == 0, 0, 255),
    ),
    "PNG, one grey of 16 bits transparent": (
        encode(image(WORDS), transparency=0),
        GREY[None],
        np.where(GREY == 0, 0, 255),
    ),
    "PNG, one colour of 16 bits transparent": (
        png(COLOUR_WORDS, 2, (b"tRNS", COLOUR_WORDS[1, 1].astype(">u2").tobytes())),
        RGB,
        np.where((COLOUR[1, 1] == COLOUR).all(axis=2), 0, 255),
    ),
    "WebP": (encode(image(np.dstack([COLOUR, HALF])), "WEBP", lossless=True), RGB, HALF),
    "TIFF": (strip(np.dstack([COLOUR, HALF]), "u1", _262=2, _338=2), RGB, HALF),
    "TIFF, grey multiplied by its share": (
        strip(np.dstack([GREY // 2, np.full_like(GREY, 128)]), "u1", _338=1),
        GREY[None],
        np.full_like(GREY, 128),
    ),
}


@pytest.mark.parametrize("kind", TRANSPARENT)
@pytest.mark.parametrize("ground", ["white", "black", "#0040ff"])
def test_transparency_is_laid_on_the_ground_and_said(kind, ground):
    content, values, alpha = TRANSPARENT[kind]
    colour = {"white": (255, 255, 255), "black": (0, 0, 0), "#0040ff": (0, 64, 255)}[ground]
    picture = decode(content, kind, ground=ground, colour="rgb")
    assert np.abs(picture.pixels - on(colour, values, alpha)).max() <= 2
    assert f"transparent parts became {ground}" in picture.notes


def test_grey_with_transparency_stays_grey_on_a_grey_ground():
    content = TRANSPARENT["PNG of grey"][0]
    assert decode(content, "a").pixels.shape == (1, 6, 8)
    assert decode(content, "a", ground="red").pixels.shape == (3, 6, 8)


def test_a_ground_that_is_no_colour_is_named():
    with pytest.raises(DataError, match=r"^ground: whit is not a colour"):
        decode(TRANSPARENT["TIFF"][0], "a", ground="whit")


def test_a_transparent_colour_of_a_palette_shows_the_ground():
    few = Image.new("P", (8, 6), 1)
    few.putpalette([9, 9, 9, *RED])
    few.putpixel((0, 0), 0)
    for content in (encode(few, transparency=0), encode(few, "GIF", transparency=0)):
        pixels = decode(content, "a").pixels
        assert pixels[:, 0, 0].tolist() == [255] * 3
        assert pixels[:, 1, 1].tolist() == list(RED)


@pytest.mark.parametrize(("strokes", "ground"), [("black", "white"), ("lightyellow", "black")])
def test_contrast_is_what_strokes_stand_out_from(strokes, ground):
    drawn = Image.new("RGBA", (20, 20))
    drawn.paste(strokes, (8, 2, 12, 18))
    assert (
        f"transparent parts became {ground}" in decode(encode(drawn), "a", ground="contrast").notes
    )


def test_a_bit_a_pixel_is_black_and_white():
    for form in ("PNG", "TIFF", "BMP", "PPM"):
        picture = decode(encode(image(GREY > 99), form), "a")
        assert np.array_equal(picture.pixels[0], np.where(GREY > 99, 255, 0))


STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}
"""Rows and columns as a camera stores them for each orientation, by EXIF 2.3, 4.6.4 A."""


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "PNG of 16 bits"])
def test_each_orientation_is_undone(form, orientation):
    upright = np.kron(GREY > 128, np.ones((16, 16))).astype(np.uint8) * 255
    stored = np.ascontiguousarray(STORED[orientation](upright))
    exif = Image.Exif()
    exif[0x0112] = orientation
    asked = []
    if form == "PNG of 16 bits":
        content = encode(image(stored.astype("u2") * ALL_OF_16), exif=exif)
    else:
        content = encode(image(stored), form, exif=exif)
    seen = decode(content, "a", check_size=lambda *of: asked.append(of)).pixels[0]
    assert np.abs(seen - upright.astype(int)).max() < 128
    assert asked == [("a", *upright.shape)]


@given(st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_exif_block_loses_the_picture(block):
    for form in ("PNG", "JPEG", "WEBP"):
        content = encode(Image.new("RGB", (16, 16), RED), form, exif=b"Exif\0\0" + block)
        pixels = decode(content, "a").pixels
        assert np.abs(pixels - np.array(RED)[:, None, None]).max() <= 8


def test_a_damaged_directory_of_exif_does_not_lose_a_tiff():
    assert np.array_equal(decode(strip(GREY, "u1", _34665=99_999), "a").pixels[0], GREY)


SHAPES = st.tuples(st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9))


@settings(max_examples=40, deadline=None)
@given(SHAPES.flatmap(lambda shape: arrays(np.uint8, shape)))
def test_what_is_encoded_is_decoded(pixels):
    colour = "rgb" if len(pixels) == 3 else "grey"
    assert np.array_equal(decode(encode_png(pixels), "a", colour=colour).pixels, pixels)
    assert np.array_equal(decode(encode_png(pixels[0]), "a").pixels, pixels[:1])


@settings(max_examples=40, deadline=None)
@given(arrays(np.float32, (3, 4), elements=st.floats(-1e6, 1e6, width=32)))
def test_no_picture_of_floats_comes_out_black_in_silence(values):
    picture = decode(tiff(values.tobytes(), (4, 3), (32,), _339=3), "a")
    assert values.max() <= 0 or picture.pixels.max() > 16 or picture.notes


def test_a_folder_s_pictures_are_scaled_alike():
    """One that holds no more than 10 bits is dark beside one of 16, and alone is not."""
    dark, light = encode(image(WORDS // 64)), encode(image(WORDS))
    alone = decode(dark, "a")
    assert alone.pixels.max() == 255
    assert alone.notes == ("0 was taken as black, 1023 as white",)
    together = common_range(alone.value_range, decode(light, "b").value_range)
    assert together == (0, 65535)
    assert np.array_equal(
        decode(dark, "a", value_range=together).pixels[0], np.rint(WORDS // 64 / 257)
    )
    assert decode(light, "b", value_range=(0, 1023)).notes == (
        "values beyond 0 (black) and 1023 (white) clipped",
    )


def test_ranges_that_say_nothing_change_none():
    assert common_range(None, (0, 1)) == common_range((0, 1), None) == (0, 1)
    assert common_range((-1, 1), (0, 255)) == (-1, 255)


def test_a_file_that_says_its_range_is_not_guessed_but_said_to_be_dark():
    picture = decode(netpbm(b"P5", 4095, GREY), "a")
    assert picture.value_range is None
    assert picture.pixels.max() == 16
    assert picture.notes == ("nearly black: no value above a sixteenth of white, 4095",)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_the_first_of_several_pictures_is_read_and_said(form):
    how = {} if form in ("GIF", "TIFF") else {"lossless": True}
    red, white = Image.new("RGB", (16, 16), RED), Image.new("RGB", (16, 16), "white")
    picture = decode(encode(red, form, save_all=True, append_images=[white], **how), "a")
    assert np.abs(picture.pixels - np.array(RED)[:, None, None]).max() <= 3
    assert picture.notes == ("only the first of several frames or pages",)


HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAA"
    "AAAAAAAAAAAAADRpbG9jAAAAAERAAAIAAQAAAAAB7AABAAAAAAAAAKMAAgAAAAACjwABAAAAAAAAACQAAAA4aWlu"
    "ZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAB"
    "B2lwcnAAAADmaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkA"
    "AAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAACAAAAABAAAAQAAAAAH////g"
    "AAAAAgAAAAAAAAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEAAQaBAgMFhIYAAAAa"
    "aXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAM9tZGF0AAAAnygBrwY4ifLD2r/qy0jZAL2y/8T7Lf//OQ30P9IeOQcl"
    "LSpbN/8aCSV8I946sC1OVQ3QK2nukmovXpcJhxC/wCMtQH4UyMT6vMkzcA1UvIpRkqUTRHIVULeANdBwPft4LD0P"
    "LQv7vxLkdimVA4s8TeiayW45yb67Vs3G1r+wpVFRdZ8vhCuM3ANVLyAUm4DKPATK8KqdUN1k/04E5mVsfwAAAAZF"
    "eGlmAABNTQAqAAAACAABARIAAwAAAAEABgAAAAAAAAA="
)
"""32 rows of 64 pixels, left half red, right half white, stored on their side as telephones do."""


def test_heic_is_read_with_the_extra():
    pytest.importorskip("pillow_heif")
    pixels = decode(HEIC, "a").pixels.astype(int)
    assert pixels.shape == (3, 32, 64)
    assert np.abs(pixels[:, :, :28] - np.array(RED)[:, None, None]).max() <= 6
    assert pixels[:, :, 36:].min() >= 249


def test_heic_without_the_extra_says_what_to_install():
    """In a process in which it cannot be imported."""
    code = "import sys; sys.modules['pillow_heif'] = None; import mnistlab.data.decode as d\n"
    code += f"try: d.decode({HEIC!r}, 'a.heic')\nexcept d.DataError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "a.heic: a HEIC picture; save it as JPEG or PNG, or: pip install 'mnistlab[heic]'\n"
    )


WRONG = {
    "nothing": (b"", "empty"),
    "words": (b"P1 is a road", "not a picture that is read; PNG, JPEG"),
    "drawing": (b"<?xml version='1.0'?><svg/>", "an SVG drawing"),
    "half a PNG": (encode(image(GREY))[:60], "damaged, cannot be decoded"),
    "half a JPEG": (LOSSY["JPEG"][:300], "damaged, cannot be decoded"),
    "half a PGM": (GREY_KINDS["PGM of 65535"][:-1], "damaged, cannot be decoded"),
    "PGM in words, one too few": (b"P2\n2 1\n999\n7 ", "damaged, cannot be decoded"),
    "PGM in words, one too high": (b"P2\n2 1\n999\n7 1000", "numbers up to 999"),
    "floats that are none": (
        strip(np.full((6, 8), np.nan), "f4", _339=3),
        "no numbers",
    ),
    "endless floats": (strip(np.full((6, 8), np.inf), "f4", _339=3), "no numbers"),
    "planes of 16 bits": (
        tiff(
            COLOUR_WORDS.transpose(2, 0, 1).tobytes(),
            SIZE,
            (16,) * 3,
            _262=2,
            _284=2,
            _273=(8, 104, 200),
            _279=(96, 96, 96),
        ),
        "in planes, is not read; save it as PNG",
    ),
    "floats of 64 bits": (strip(GREY / 255, "f8", _339=3), "a kind of TIFF that is not read"),
    "bomb": (
        encode(Image.new("1", (9000, 9000))),
        "9000x9000 is 81 megapixels; at most 16.78 megapixels are read; make it smaller",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.filterwarnings("error")
def test_what_is_wrong_is_said_in_a_line_that_names_it(kind):
    content, message = WRONG[kind]
    with pytest.raises(DataError) as caught:
        decode(content, "folder/a.png")
    assert message in str(caught.value)
    assert str(caught.value).startswith("folder/a.png: ")
    assert "\n" not in str(caught.value)


def test_a_wrong_checksum_is_damage():
    good = encode(image(GREY))
    place = good.index(b"IDAT") + 6
    with pytest.raises(DataError, match="checksum"):
        decode(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :], "a")


def test_content_decides_what_is_a_picture():
    for content in (*GREY_KINDS.values(), *COLOUR_KINDS.values(), *LOSSY.values()):
        assert is_picture(content[:HEAD_BYTES])
    assert is_picture(HEIC[:HEAD_BYTES])
    for content in (b"", b"P1 is a road", b"BMW and Audi, and other makes of cars", b"a,b\n1,2\n"):
        assert not is_picture(content)
    assert not is_picture(b"\0\0\0\x18ftypisom\0\0\0\0mp42avc1")


def test_neither_torch_nor_scipy_is_imported():
    heavy = "{'torch', 'scipy', 'pandas', 'matplotlib', 'pooch', 'requests'}"
    code = f"import sys, mnistlab.data.decode; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
