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
        first, *others = order["models"]
        reading = self._recognisers[first].read(picture)
        answers = {first: reading} | {
            name: _read_again(reading, self._recognisers[name]) for name in others
        }
        told, *also = (
            _describe(name, one, images=order["images"]) for name, one in answers.items()
        )
        return ReadAnswer(**told, also=[ModelReading(**one) for one in also])


def _read_again(reading: "Reading", recogniser: "Recogniser") -> "Reading":
    """Return what another model reads in the digits already found; finding them is nearly all the
    work.
    """
    from mnistlab.recogniser import Group
    from mnistlab.recogniser.assembly import digit_probabilities

    if not reading.characters:
        return reading
    seen = np.stack([character.pixels for character in reading.characters])
    rows = iter(digit_probabilities(recogniser.network.named(seen)))
    return reading.changed(
        lambda group: Group(tuple(character.seen_as(next(rows)) for character in group.characters))
    )


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
