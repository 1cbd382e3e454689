"""mnistlab.data.picture_inputs: one picture in every way in which a program may hold it."""

import base64
import io
import re
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from mnistlab.data.decode import decode
from mnistlab.data.picture_inputs import open_picture
from mnistlab.errors import MnistlabError, PictureError

WAYS = (
    "path",
    "string",
    "bytes",
    "bytearray",
    "memoryview",
    "BytesIO",
    "file",
    "data URL",
    "Pillow",
    "array",
    "channels first",
    "fractions",
    "16 bits",
    "tensor",
    "tensor with gradient",
    "pad",
    "old pad",
    "stored file",
)


def given_as(way, pixels, folder):
    """Return a picture, uint8 ``(h, w)`` or ``(h, w, 3)``, in one of the ways."""
    image = Image.fromarray(pixels)
    path = folder / "picture.png"
    image.save(path)
    content = path.read_bytes()
    first = np.atleast_3d(pixels).transpose(2, 0, 1).copy()
    return {
        "path": lambda: path,
        "string": lambda: str(path),
        "bytes": lambda: content,
        "bytearray": lambda: bytearray(content),
        "memoryview": lambda: memoryview(content),
        "BytesIO": lambda: io.BytesIO(content),
        "file": lambda: path.open("rb"),
        "data URL": lambda: "data:image/png;base64," + base64.b64encode(content).decode(),
        "Pillow": lambda: Image.open(path),
        "array": lambda: pixels,
        "channels first": lambda: first,
        "fractions": lambda: (pixels / 255).astype(np.float32),
        "16 bits": lambda: pixels.astype(np.uint16) * 257,
        "tensor": lambda: torch.from_numpy(first),
        "tensor with gradient": lambda: (torch.from_numpy(first) / 255).requires_grad_(),
        "pad": lambda: {"background": None, "layers": [], "composite": pixels},
        "old pad": lambda: {"image": pixels, "mask": np.zeros_like(pixels)},
        "stored file": lambda: {"path": str(path), "orig_name": "mine.png"},
    }[way]()


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_every_way_gives_the_same_pixels(way, data, tmp_path_factory):
    sides = st.integers(5, 20)
    shape = data.draw(st.tuples(sides, sides) | st.tuples(sides, sides, st.just(3)))
    pixels = data.draw(arrays(np.uint8, shape))
    # So that the brightest shows the scale, and colours are colours.
    pixels.flat[0], pixels.flat[1], pixels.flat[-1] = 255, 0, 3
    folder = tmp_path_factory.mktemp("pictures")
    what = given_as(way, pixels, folder)
    found = open_picture(what)
    getattr(what, "close", lambda: None)()
    expected = decode((folder / "picture.png").read_bytes(), "picture").pixels
    assert found.dtype == np.uint8
    assert np.array_equal(found, expected)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_file_object_is_read_from_its_position_on():
    content = png(np.full((6, 5), 7, np.uint8))
    file = io.BytesIO(b"header" + content)
    file.seek(6)
    assert open_picture(file).shape == (1, 6, 5)
    with pytest.raises(PictureError, match=r"nothing from its position on; seek\(0\)"):
        open_picture(file)


def test_layers_are_laid_on_the_background_where_there_is_no_composite():
    background = np.full((4, 4, 3), 255, np.uint8)
    stroke = np.zeros((4, 4, 4), np.uint8)
    stroke[0, :, 3] = 255
    found = open_picture({"background": background, "layers": [stroke], "composite": None})
    assert np.array_equal(found, np.repeat([[0], [255], [255], [255]], 4, axis=1)[None])


def test_of_a_blank_image_with_strokes_in_a_mask_the_mask_counts():
    mask = np.zeros((4, 4), np.uint8)
    mask[1] = 255
    found = open_picture({"image": np.full((4, 4, 3), 255, np.uint8), "mask": mask})
    assert np.array_equal(found, mask[None])


def test_transparent_parts_become_white_as_in_training():
    clear = np.zeros((4, 4, 4), np.uint8)
    assert (open_picture(clear) == 255).all()
    assert (open_picture(png(clear)) == 255).all()


@pytest.mark.parametrize(
    ("array", "brightest"),
    [
        (np.array([[0.0, 0.5, 1.0]] * 3), 255),
        (np.array([[0.0, 12.5, 200.0]] * 3), 200),
        (np.array([[-1.0, 0.0, 1.0]] * 3), 255),
        (np.array([[False, True]] * 2), 255),
        (np.array([[0, 1]] * 2, np.uint8), 1),
        (np.array([[0, 200]] * 2, np.int64), 200),
        (np.array([[0, 4095]] * 2, np.uint16), 255),
    ],
    ids=lambda value: str(value.dtype) if hasattr(value, "dtype") else None,
)
def test_values_are_scaled_as_those_of_data_sets_are(array, brightest):
    assert open_picture(array).max() == brightest


@pytest.mark.parametrize(
    "what",
    [
        None,
        7,
        1.5,
        True,
        object(),
        threading.Lock(),
        b"",
        b"text",
        "",
        "no/such/file.png",
        "https://example.org/cat.png",
        "data:image/png;base64,!!",
        io.StringIO("text"),
        io.BytesIO(),
        np.zeros(9),
        np.zeros((0, 4)),
        np.zeros((2, 5, 5)),
        np.array([[np.nan, 1.0]]),
        np.full((4, 4), 1.5),
        np.full((4, 4), -0.1),
        np.full((4, 4), "dark"),
        np.float64(3),
        torch.zeros(5),
        {},
        {"colour": 1},
        {"composite": None, "background": None, "layers": []},
        {"image": None, "mask": None},
        [np.zeros((4, 4), np.uint8)],
    ],
    ids=lambda what: f"{type(what).__name__} {re.sub(r' at 0x.*', '', str(what))[:30]}",
)
def test_what_is_no_picture_gets_one_clear_line(what):
    with pytest.raises(MnistlabError) as caught:
        open_picture(what)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) > 20


@pytest.mark.parametrize("what", [None, 7])
def test_the_refusal_says_what_is_taken(what):
    with pytest.raises(PictureError, match="a path, bytes, a binary file object, an array"):
        open_picture(what)


def test_a_file_opened_as_text_is_told_how_to_open_it(tmp_path):
    (tmp_path / "a.png").write_text("text")
    with (tmp_path / "a.png").open() as file, pytest.raises(PictureError, match="mode 'rb'"):
        open_picture(file)
