"""Picture inputs: one picture as a program may hold it, as a file, an array or an image."""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnistlab.data.array_images import one_to_bytes
from mnistlab.data.decode import (
    MAX_PIXELS,
    LoadedPicture,
    load_image,
    load_picture,
    to_pixels,
)
from mnistlab.errors import DataError, PictureError
from mnistlab.files import MOST_BYTES, read_file
from mnistlab.text import listed, shorten

TAKEN = (
    "a path, bytes, a binary file object, an array, a tensor, a Pillow image or a drawing pad's"
    " dictionary"
)
_CHANNELS, _FIRST = (1, 3, 4), (1, 3)
"""Of an array, if they come last and if they come first."""
_WITH_CHANNELS = 3
_DATA_URL = re.compile(r"data:image/[\w.+-]+(?:;[\w=.-]+)*?;base64,", re.IGNORECASE)
_WEB = re.compile(r"https?://", re.IGNORECASE)
_PAD = ("composite", "background", "layers", "image", "mask", "path")
"""Keys of drawing pads' dictionaries: those of Gradio's ``ImageEditor`` and ``Sketchpad``, those of
its earlier versions, and that of a file which it has stored."""


def open_picture(what: Any, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Return one picture's pixels, as :func:`mnistlab.data.decode.decode` returns a file's.

    Args:
        what: the picture:

            - a path, as a string or ``Path``; or a ``data:`` URL with base64;
            - a file's content: ``bytes``, ``bytearray`` or ``memoryview``;
            - a binary file object, which is read from its position on;
            - an array, or what NumPy makes one of: ``(height, width)``, ``(height, width, 1, 3 or
              4)`` or ``(1 or 3, height, width)``, with values as
              :func:`mnistlab.data.array_images.one_to_bytes` reads them, like a data set's;
            - a tensor of PyTorch's, of the same shapes, on any device;
            - an image of Pillow's, of any mode;
            - a drawing pad's dictionary, as Gradio's ``ImageEditor`` and ``Sketchpad`` give it:
              ``composite`` or else ``background`` and ``layers``; or ``image`` and ``mask``, of
              which ``image`` counts unless it is blank.
        max_pixels: files of more are refused, before they are decoded.

    Returns:
        uint8, ``(channels, height, width)``: 1 channel, or RGB if some pixel has colour; upright,
        transparent parts laid on white.

    Raises:
        PictureError: not a picture, of a format not read, damaged, or too large.
    """
    return to_pixels(load(what, max_pixels=max_pixels).image)[0]


def load(
    what: Any,
    *,
    ground: str = "white",
    max_pixels: int = MAX_PIXELS,
    longest: int | None = None,
) -> LoadedPicture:
    """Return one picture as an image of Pillow's.

    Args:
        what: see :func:`open_picture`.
        ground: see :func:`mnistlab.data.decode.load_picture`.
        max_pixels: see there.
        longest: see there.

    Raises:
        PictureError: see :func:`open_picture`.
    """
    given = _resolve(what)
    try:
        if isinstance(given, Image.Image):
            return load_image(given, ground=ground, longest=longest)
        name, content = given
        return load_picture(content, name, ground=ground, max_pixels=max_pixels, longest=longest)
    except PictureError:
        raise
    except MemoryError:
        name = "picture" if isinstance(given, Image.Image) else given[0]
        raise PictureError(f"{name}: does not fit into memory; make it smaller") from None
    # Pillow opens files lazily, and its decoders raise errors of any kind.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"picture: {reason}") from error


def as_array(what: Any) -> NDArray[Any] | None:
    """Return an array, a tensor or the like as an array; ``None`` for anything else.

    Raises:
        PictureError: NumPy can make no array of it.
    """
    if isinstance(what, Image.Image | np.generic | memoryview):
        return None
    if isinstance(what, np.ndarray):
        return what.view(np.ndarray)
    if not any(hasattr(what, name) for name in ("__array__", "__array_interface__", "__dlpack__")):
        return None
    try:
        if hasattr(what, "detach"):
            # Of PyTorch, which NumPy takes no gradients, no devices and no bfloat16 from.
            what = what.detach().cpu()
            what = what.float() if "bfloat16" in str(what.dtype) else what
        return np.asarray(what)
    except Exception as error:
        kind = type(what).__name__
        raise PictureError(f"{kind}: no array can be made of it: {error}") from error


def _resolve(what: Any) -> Image.Image | tuple[str, bytes]:
    """Return an image, or what messages call a file, and its content."""
    if isinstance(what, Image.Image):
        return what
    if isinstance(what, bytes | bytearray | memoryview):
        if not len(what):
            raise PictureError("picture: empty; give a picture's file content")
        return "picture", bytes(what)
    if isinstance(what, str) and (found := _DATA_URL.match(what)):
        return "picture", _from_base64(what[found.end() :])
    if isinstance(what, str | os.PathLike):
        return str(what), _read_path(what)
    if isinstance(what, Mapping):
        return _of_pad(what)
    array = as_array(what)
    if array is not None:
        return Image.fromarray(_to_bytes(array))
    if hasattr(what, "read"):
        return _read_object(what)
    kind = "None" if what is None else f"{type(what).__name__} {shorten(repr(what), 40)}"
    raise PictureError(f"{kind}: is no picture; give {TAKEN}")


def _read_path(path: "str | os.PathLike[Any]") -> bytes:
    text = os.fspath(path)
    if not text:
        raise PictureError("the name of the picture is empty; name a file")
    if isinstance(text, str) and _WEB.match(text):
        raise PictureError(f"{shorten(text)}: is a web address; download it and name the file")
    try:
        return read_file(text if isinstance(text, str) else os.fsdecode(text))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{path}: cannot be read: {reason}") from error


def _read_object(file: Any) -> tuple[str, bytes]:
    name = getattr(file, "name", None)
    name = name if isinstance(name, str) and name else "file object"
    try:
        content = file.read(MOST_BYTES + 1)
    # Those of others may raise anything.
    except Exception as error:
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{name}: cannot be read: {reason}") from error
    if isinstance(content, str):
        raise PictureError(f"{name}: is open as text; open it as binary, with mode 'rb'")
    if not isinstance(content, bytes | bytearray | memoryview):
        raise PictureError(f"{name}: reading it gives {type(content).__name__}, not bytes")
    if not content:
        raise PictureError(f"{name}: holds nothing from its position on; seek(0) starts again")
    if len(content) > MOST_BYTES:
        raise PictureError(f"{name}: has more than {MOST_BYTES:,} bytes; make it smaller")
    return name, bytes(content)


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError(f"data: URL: is no base64: {error}") from error


def _of_pad(pad: Mapping[Any, Any]) -> Image.Image | tuple[str, bytes]:
    if pad.keys().isdisjoint(_PAD):
        held = listed([str(key) for key in pad]) or "nothing"
        raise PictureError(
            f"{type(pad).__name__}: holds {held}; of a drawing pad's dictionary composite,"
            " background and layers, or image and mask, are read"
        )
    if pad.get("composite") is not None:
        return _resolve(pad["composite"])
    if pad.get("path") is not None:
        return _resolve(pad["path"])
    layers = pad.get("layers")
    layers = list(layers) if isinstance(layers, list | tuple) else []
    stack = [layer for layer in (pad.get("background"), *layers) if layer is not None]
    if stack:
        return _laid(stack)
    image, mask = pad.get("image"), pad.get("mask")
    if image is not None and (mask is None or not _is_blank(image)):
        return _resolve(image)
    if mask is not None:
        return _resolve(mask)
    raise PictureError("drawing pad: nothing is drawn on it")


def _laid(stack: list[Any]) -> Image.Image:
    images = [_opened(layer).convert("RGBA") for layer in stack]
    if len({image.size for image in images}) > 1:
        raise PictureError("drawing pad: its background and layers differ in size")
    whole = images[0]
    for image in images[1:]:
        whole = Image.alpha_composite(whole, image)
    return whole


def _opened(what: Any) -> Image.Image:
    """Return an image with its transparency, if it has any."""
    found = _resolve(what)
    if isinstance(found, Image.Image):
        return found
    name, content = found
    return load_picture(content, name).image


def _is_blank(what: Any) -> bool:
    return all(len(set(band)) == 1 for band in _extrema(load(what).image))


def _extrema(image: Image.Image) -> list[tuple[Any, Any]]:
    return [band.getextrema() for band in image.split()]  # type: ignore[misc]


def _to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Return one picture, ``(height, width)`` or ``(height, width, 3 or 4)``."""
    if (
        array.ndim == _WITH_CHANNELS
        and array.shape[2] not in _CHANNELS
        and array.shape[0] in _FIRST
    ):
        array = array.transpose(1, 2, 0)
    if (
        array.ndim not in (2, _WITH_CHANNELS)
        or 0 in array.shape
        or (array.ndim == _WITH_CHANNELS and array.shape[2] not in _CHANNELS)
    ):
        raise PictureError(
            f"array: {array.shape} is not a picture; (height, width), (height, width, 1, 3 or 4)"
            " and (1 or 3, height, width) are"
        )
    values = array[..., 0] if array.ndim == _WITH_CHANNELS and array.shape[2] == 1 else array
    try:
        return one_to_bytes(values, "array")
    except DataError as error:
        raise PictureError(str(error)) from error
