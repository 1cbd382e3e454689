"""Recogniser: arrays, of every type and shape that holds a picture, and of those
that do not."""

import numpy as np
import pytest
from PIL import Image

from mnistlab.data import Split
from mnistlab.errors import PictureError
from tests.recogniser.drawing import cover, paint, pixels

COLOUR = Image.fromarray(pixels(paint(cover("5", size=(220, 180)), (30, 40, 120))))
GREY = COLOUR.convert("L")


@pytest.mark.parametrize("channels", [None, 1, 3, 4])
@pytest.mark.parametrize(
    "dtype", [np.uint8, np.uint16, np.bool_, np.float16, np.float32, np.float64]
)
def test_arrays_of_every_type_read_the_same(reader, dtype, channels):
    light = np.asarray(GREY) / 255
    top = {np.uint8: 255, np.uint16: 65535}.get(dtype, 1)
    values = (light > 0.5) if dtype is np.bool_ else np.asarray(top * light, dtype)
    if channels:
        values = np.repeat(values[..., None], channels, axis=2)
    if channels == 4:
        values[..., 3] = top
    assert reader.read(values).text == "5"
    assert reader.read(values.astype(values.dtype.newbyteorder(">"))).text == "5"


@pytest.mark.parametrize("image", [GREY, COLOUR], ids=lambda image: image.mode)
def test_channels_may_come_first_as_in_a_data_set(reader, image):
    first = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)
    split = Split(np.stack([first] * 2), np.zeros(2, np.int64))
    assert split.images[0].shape[0] == len(image.getbands())
    expected = reader.read(image)
    for array in (first, split.images[0], first / 255):
        found = reader.read(array)
        assert (found.text, found.size) == ("5", expected.size)
        assert found.characters[0].box == expected.characters[0].box


def test_an_array_may_be_a_view_and_stays_as_it_was(reader):
    wide = np.repeat(np.asarray(COLOUR), 2, axis=1)
    wide.flags.writeable = False
    view = wide[:, ::2]
    reading = reader.read(view)
    assert reading.text == "5"
    assert np.array_equal(view, np.asarray(COLOUR))
    assert reader.read(np.asfortranarray(view)).characters[0].box == reading.characters[0].box


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3, 4, 4, 1)),
        np.zeros((5, 4, 2)),
        np.zeros((2, 5, 5)),
        np.zeros((0, 4)),
        np.zeros(9),
        np.zeros((2, 8, 8, 3)),
        np.full((8, 8), 1.5),
        np.full((8, 8), -0.1),
        np.full((8, 8), np.nan),
        np.full((8, 8), -7, np.int64),
        np.zeros((8, 8), complex),
        np.full((8, 8), "dark"),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_arrays_that_are_no_pictures_are_refused(reader, array):
    with pytest.raises(PictureError, match=r"^array: ") as caught:
        reader.read(array)
    assert "\n" not in str(caught.value)
