"""Reading: what a reader process does with a picture where the models read digits."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistlab.server.answer import ModelReading, ReadAnswer
from mnistlab.server.thumbnail import thumbnail

if TYPE_CHECKING:
    from mnistlab.recogniser import Reading, Recogniser

_A_STROKE = np.pad(np.zeros((20, 3), np.uint8), ((20, 20), (28, 29)), constant_values=255)


class ReadingTask:
    """Reads with models that are loaded.

    Args:
        recognisers: by the names that requests call them.
    """

    def __init__(self, recognisers: "dict[str, Recogniser]") -> None:
        self._recognisers = recognisers
        # Loads what is loaded lazily, so that the first picture need not wait for it.
        for recogniser in recognisers.values():
            recogniser.read(thumbnail(_A_STROKE))

    def answer(self, picture: bytes, order: dict[str, Any]) -> ReadAnswer:
        """Read a picture's file.

        Raises:
            PictureError: it cannot be.
        """
        first, *others = (self._recognisers[name] for name in order["models"])
        seen = first.look(picture)
        # To find the characters is nearly all the work.
        readings = [first.name(seen)] + [
            one.name(seen) if one.looks_as(first) else one.read(picture) for one in others
        ]
        told, *also = (
            _describe(name, one, images=order["images"])
            for name, one in zip(order["models"], readings, strict=True)
        )
        return ReadAnswer(**told, also=[ModelReading(**one) for one in also])


def _describe(name: str, reading: "Reading", *, images: bool) -> dict[str, Any]:
    width, height = reading.size
    seen = {
        "images": [
            base64.b64encode(thumbnail(character.pixels)).decode()
            for character in reading.characters
        ]
    }
    return (
        {"model": name, "width": width, "height": height, "error": None}
        | reading.as_dict()
        | (seen if images else {})
    )
