"""Classifier: a model of any classes, ready for pictures of any kind and size."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.arguments import probability
from mnistlab.data.array_images import one_to_bytes
from mnistlab.data.decode import MAX_PIXELS
from mnistlab.data.picture_inputs import as_array, open_picture
from mnistlab.data.preparation import Preparation
from mnistlab.errors import DataError, ModelError, PictureError
from mnistlab.prediction.prediction import Prediction, Predictions

THRESHOLD = 0.5
"""Probability below which a prediction is unsure, unless told otherwise: all other classes together
are then likelier than the one that is named."""
BATCH_SIZE = 256
_SEVERAL = 4
"""Dimensions of an array of several pictures."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """A model, and how pictures are prepared for it; :func:`mnistlab.open_classifier` makes one.

    Attributes:
        title: what people call the model.
        classes: their names, in the model's order.
        preparation: how a picture becomes what the model takes.
        read: returns the probabilities, float64 ``(n, classes)``, of images, uint8 ``(n, channels,
            height, width)``.
        temperature: by which the model's logits are divided.
        calibrated_on: what that was fitted on, in words; ``None`` if it was not, and it is 1.
        threshold: probability below which a prediction is unsure.
        brightness: mean of the training images' pixels, 0 to 1; ``None`` if it is not known.
        notes: what has to be said of the model.
    """

    title: str
    classes: tuple[str, ...]
    preparation: Preparation
    read: Callable[[NDArray[np.uint8]], NDArray[np.float64]]
    temperature: float = 1.0
    calibrated_on: str | None = None
    threshold: float = THRESHOLD
    brightness: float | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        probability("threshold", self.threshold, ModelError)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images that the model takes."""
        return self.preparation.channels, *self.preparation.image_size

    def predict(
        self,
        pictures: Any,
        *,
        batch_size: int = BATCH_SIZE,
        threshold: float | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> Any:
        """Classify one picture, or several.

        Each is prepared as the training images were: decoded, made grey or coloured as they are,
        and brought to their size as the recipe's ``fit`` says. Its brightness stays as it is: a
        model of light digits on black needs such pictures.

        Args:
            pictures: one, as :func:`mnistlab.data.picture_inputs.open_picture` takes it; or a list
                or another iterable of them; or an array or a tensor ``(n, 1 or 3, height, width)``
                or ``(n, height, width, 1, 3 or 4)``, all on one scale.
            batch_size: pictures that are held in memory and classified together.
            threshold: instead of the classifier's.
            max_pixels: files of more are refused, before they are decoded.

        Returns:
            A :class:`Prediction`; of several pictures :class:`Predictions`, a list of them.

        Raises:
            PictureError: something is no picture, or damaged; of several, the message says which.
            ModelError: ``batch_size`` is below 1, ``threshold`` is no probability, or a user model
                fails.
        """
        if batch_size < 1:
            raise ModelError(f"batch_size is {batch_size}; at least one picture is read at a time")
        one = self if threshold is None else replace(self, threshold=threshold)
        several = _several(pictures)
        if several is None:
            image = self.preparation.prepare(open_picture(pictures, max_pixels=max_pixels))
            return one.classify(image[np.newaxis], [_name(pictures)])[0]
        found = Predictions()
        prepared = self._prepared(several, max_pixels)
        while batch := list(islice(prepared, batch_size)):
            images = np.stack([image for _, image in batch])
            found += one.classify(images, [name for name, _ in batch])
        return found

    def classify(
        self, images: NDArray[np.uint8], names: Iterable[str] | None = None
    ) -> list[Prediction]:
        """Classify images that are prepared already.

        Args:
            images: uint8, ``(n, *input_shape)``.
            names: what each is called.
        """
        names = [""] * len(images) if names is None else names
        if not len(images):
            return []
        found: list[Prediction] = []
        for image, row, name in zip(images, self.read(images).tolist(), names, strict=True):
            best = max(row)
            label = self.classes[row.index(best)]
            shares = dict(zip(self.classes, row, strict=True))
            found.append(Prediction(label, best, best >= self.threshold, shares, image, name))
        return found

    def _prepared(
        self, pictures: Iterable[Any], max_pixels: int
    ) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        for number, picture in enumerate(pictures, 1):
            try:
                pixels = open_picture(picture, max_pixels=max_pixels)
                yield _name(picture), self.preparation.prepare(pixels)
            except PictureError as error:
                raise type(error)(f"picture {number} of the list: {error}") from error


def _several(pictures: Any) -> Iterable[Any] | None:
    """Return what yields several pictures; ``None`` if it is one."""
    array = as_array(pictures)
    if array is not None:
        if array.ndim < _SEVERAL:
            return None
        if array.ndim > _SEVERAL or not _has_channels(array):
            raise PictureError(
                f"array: {array.shape} are no pictures; (n, 1 or 3, height, width) and"
                " (n, height, width, 1, 3 or 4) are"
            )
        try:
            return list(one_to_bytes(array, "array")) if len(array) else []
        except DataError as error:
            raise PictureError(str(error)) from error
    if hasattr(pictures, "read") or isinstance(
        pictures, str | bytes | bytearray | memoryview | os.PathLike | Mapping
    ):
        return None
    return pictures if isinstance(pictures, Iterable) else None


def _has_channels(array: NDArray[Any]) -> bool:
    return array.shape[1] in (1, 3) or array.shape[3] in (1, 3, 4)


def _name(picture: Any) -> str:
    """Return a picture's file."""
    if isinstance(picture, os.PathLike):
        return os.fsdecode(picture)
    if isinstance(picture, str):
        return "" if picture.startswith("data:") else picture
    name = getattr(picture, "name", None) or getattr(picture, "filename", None)
    return name if isinstance(name, str) else ""
