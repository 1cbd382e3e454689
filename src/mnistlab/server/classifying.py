"""Classifying: what a reader process does with a picture where the models know other classes."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistlab.server.answer import ClassifyAnswer, ClassShare
from mnistlab.server.thumbnail import thumbnail

if TYPE_CHECKING:
    from mnistlab.prediction import Classifier

_DECIMALS = 6


class ClassifyingTask:
    """Classifies with models that are loaded.

    Args:
        classifiers: by the names that requests call them.
        max_pixels: of a picture.
    """

    def __init__(self, classifiers: "dict[str, Classifier]", max_pixels: int) -> None:
        self._classifiers, self._max_pixels = classifiers, max_pixels
        # Loads what is loaded lazily, so that the first picture need not wait for it.
        for name, classifier in classifiers.items():
            nothing = thumbnail(np.zeros(classifier.input_shape, np.uint8))
            self.answer(nothing, {"models": [name], "top": 1, "image": True})

    def answer(self, picture: bytes, order: dict[str, Any]) -> ClassifyAnswer:
        """Classify a picture's file.

        Raises:
            PictureError: it cannot be.
        """
        from mnistlab.data.picture_inputs import open_picture

        (name,) = order["models"]
        classifier = self._classifiers[name]
        pixels = open_picture(picture, max_pixels=self._max_pixels)
        image = classifier.preparation.prepare(pixels)
        (found,) = classifier.classify(image[np.newaxis])
        seen = {"image": base64.b64encode(thumbnail(image)).decode()} if order["image"] else {}
        return ClassifyAnswer(
            model=name,
            width=pixels.shape[2],
            height=pixels.shape[1],
            error=None,
            label=found.label,
            probability=round(found.probability, _DECIMALS),
            sure=found.sure,
            threshold=classifier.threshold,
            calibrated=classifier.calibrated_on is not None,
            temperature=classifier.temperature,
            top=[
                ClassShare(label=label, probability=round(share, _DECIMALS))
                for label, share in found.top(order["top"])
            ],
            **seen,
        )
