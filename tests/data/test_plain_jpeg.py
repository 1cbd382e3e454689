"""mnistlab.data.plain_jpeg: as Pillow opens the same file, damaged or not."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistlab.data.decode import decode
from mnistlab.data.plain_jpeg import decode_plain, read_header
from mnistlab.errors import DataError
from tests.data.pictures import encode

RANDOM = np.random.default_rng(23)
HEADER_BYTES = 20


@st.composite
def plain_files(draw):
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    channels = draw(st.sampled_from([(), (3,)]))
    pixels = np.random.default_rng(draw(st.integers(0, 999))).integers(0, 256, shape + channels)
    options = {
        "quality": draw(st.integers(1, 100)),
        "progressive": draw(st.booleans()),
        "optimize": draw(st.booleans()),
        "subsampling": draw(st.integers(0, 2)),
        "restart_marker_blocks": draw(st.integers(0, 2)),
    }
    return encode(Image.fromarray(pixels.astype(np.uint8)), "JPEG", **options)


@settings(deadline=None)
@given(plain_files())
def test_a_sound_file_is_plain_and_its_pixels_are_those_of_pillow(content):
    header = read_header(content)
    opened = Image.open(io.BytesIO(content))
    assert header == (opened.mode, opened.size)
    assert decode_plain(content, *header).tobytes() == opened.tobytes()


@settings(deadline=None, max_examples=300)
@given(content=plain_files(), data=st.data())
def test_a_damaged_file_gives_pixels_only_where_pillow_does_and_the_same(content, data):
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(HEADER_BYTES, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    content = bytes(damaged[: data.draw(st.integers(HEADER_BYTES, len(damaged)))])
    if header := read_header(content):
        ours = decode_plain(content, *header)
        try:
            theirs = Image.open(io.BytesIO(content)).tobytes()
        except Exception:
            theirs = None
        assert (ours and ours.tobytes()) == theirs


PICTURE = Image.fromarray(RANDOM.integers(0, 256, (30, 20, 3)).astype(np.uint8))
ON_ITS_SIDE = Image.Exif()
ON_ITS_SIDE[0x0112] = 6


@pytest.mark.parametrize(
    "content",
    [
        encode(PICTURE, "PNG"),
        encode(PICTURE, "JPEG", exif=ON_ITS_SIDE),
        encode(PICTURE, "JPEG", comment=b"made by hand"),
        encode(PICTURE.convert("CMYK"), "JPEG"),
        encode(PICTURE, "JPEG", keep_rgb=True),
        encode(PICTURE.resize((1025, 1024)), "JPEG", quality=1),
        encode(PICTURE.resize((900, 900)), "JPEG", quality=100),
        encode(PICTURE, "JPEG")[:HEADER_BYTES],
        b"",
    ],
)
def test_any_other_file_is_not_plain(content):
    assert read_header(content) is None


def test_a_plain_file_that_is_cut_off_is_told_as_pillow_tells_it():
    content = encode(PICTURE, "JPEG")[:-300]
    assert read_header(content)
    with pytest.raises(DataError, match=r"^cat\.jpg: damaged, .*: image file is truncated"):
        decode(content, "cat.jpg")
