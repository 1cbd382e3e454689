"""Predictions: how a run's final weights classify each test image, in a form for its record."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mnistlab.arguments import whole_number

MAX_SEED, MAX_LOSS = 10**18, 1e39
"""The largest seed and the largest loss of a record."""
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Size = Annotated[int, Field(ge=1, le=10**9)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Quantity = Annotated[float, Field(ge=0, le=1e9)]
"""Seconds, or another quantity that is at least 0."""
Loss = Annotated[float, Field(ge=-1e-6, le=MAX_LOSS)]
"""A mean cross-entropy: at least 0, apart from rounding."""
BINS = 15
"""Of equal width, over confidences from 0 to 1 (Guo et al., 2017)."""
DECIMALS = 6
"""Of sums of confidences."""
_ROUNDING = 1e-5
"""Tolerance of sums of confidences."""


def refuse_seed(seed: object) -> None:
    """Refuse what is no seed.

    Raises:
        RunError: no whole number, or out of range.
    """
    whole_number("seed", seed, 0, MAX_SEED)


class Predictions(BaseModel):
    """How the final weights classify every image, without augmentation or dropout.

    Attributes:
        train_loss: mean cross-entropy in nats over the training images as they are.
        train_accuracy: share of them classified correctly, 0 to 1.
        test_labels: number of test images per class.
        mistakes: a row ``(image, label, prediction)`` for each misclassified test image, in
            ascending order; all other images are classified correctly.
        reliability: a row ``(images, sum of their confidences, correct)`` for each of :data:`BINS`
            bins of confidence, the probability of the predicted class.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    train_loss: Loss
    train_accuracy: Share
    test_labels: tuple[Count, ...]
    mistakes: tuple[tuple[Count, Count, Count], ...]
    reliability: tuple[tuple[Count, Quantity, Count], ...]

    def check(self, images: int, classes: int) -> None:
        """Check that the parts fit each other and the number of test images and classes.

        Raises:
            ValueError: they do not fit together.
        """
        if len(self.test_labels) != classes or sum(self.test_labels) != images:
            raise ValueError(f"predictions.test_labels: not {images:,} images of {classes} classes")
        for image, label, prediction in self.mistakes:
            if not (image < images and label < classes and prediction < classes):
                raise ValueError(
                    f"predictions.mistakes: {[image, label, prediction]} is out of range"
                )
        if len(self.reliability) != BINS or sum(row[0] for row in self.reliability) != images:
            raise ValueError(f"predictions.reliability: not {images:,} images in {BINS} bins")

    def refuse_contradictions(self) -> None:
        """Check more closely than :meth:`check` that what a file says is possible.

        Raises:
            ValueError: no run can have made these predictions.
        """
        last, misclassified = -1, [0] * len(self.test_labels)
        for image, label, prediction in self.mistakes:
            if label == prediction:
                raise ValueError(f"predictions.mistakes: image {image} is classified correctly")
            if image <= last:
                raise ValueError(
                    f"predictions.mistakes: image {image} is listed twice, or after a later one"
                )
            last = image
            misclassified[label] += 1
        for label, (wrong, there) in enumerate(zip(misclassified, self.test_labels, strict=True)):
            if wrong > there:
                raise ValueError(
                    f"predictions.mistakes: {wrong:,} of class {label}, which has only"
                    f" {there:,} images"
                )
        correct = sum(self.test_labels) - len(self.mistakes)
        if sum(row[2] for row in self.reliability) != correct:
            raise ValueError(
                f"predictions.reliability: not {correct:,} correct images, as follows from the"
                " mistakes"
            )
        for number, (held, confidence, right) in enumerate(self.reliability):
            low, high = (end * held / BINS for end in (number, number + 1))
            if right > held or not low - _ROUNDING <= confidence <= high + _ROUNDING:
                raise ValueError(
                    f"predictions.reliability: {[held, confidence, right]} is impossible in bin"
                    f" {number}"
                )


def summarise_predictions(
    train_loss: float,
    train_accuracy: float,
    test_logits: NDArray[np.float32],
    test_labels: NDArray[np.int64],
) -> Predictions:
    """Summarise the final logits.

    Args:
        train_loss: see :class:`Predictions`.
        train_accuracy: see :class:`Predictions`.
        test_logits: float32, ``(n, classes)``.
        test_labels: int64, ``(n,)``.
    """
    predictions = test_logits.argmax(axis=1)
    wrong = np.flatnonzero(predictions != test_labels)
    scaled = test_logits.astype(np.float64)
    scaled -= scaled.max(axis=1, keepdims=True)
    confidences = 1 / np.exp(scaled).sum(axis=1)
    bins = bin_confidences(confidences, predictions == test_labels).tolist()
    return Predictions(
        train_loss=train_loss,
        train_accuracy=train_accuracy,
        test_labels=tuple(np.bincount(test_labels, minlength=test_logits.shape[1]).tolist()),
        mistakes=tuple((int(i), int(test_labels[i]), int(predictions[i])) for i in wrong),
        reliability=tuple(
            (int(images), round(total, DECIMALS), int(right)) for images, total, right in bins
        ),
    )


def bin_confidences(
    confidences: NDArray[np.float64], correct: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Sort predictions into :data:`BINS` bins of confidence, of equal width and closed above (Guo
    et al., 2017).

    Args:
        confidences: probabilities of the predicted classes, 0 to 1, ``(n,)``.
        correct: which predictions are, ``(n,)``.

    Returns:
        float64, ``(BINS, 3)``: a row ``(images, sum of their confidences, correct)`` per bin.
    """
    bins = np.clip(np.ceil(confidences * BINS).astype(int) - 1, 0, BINS - 1)
    return np.stack(
        [np.bincount(bins, weights, BINS) for weights in (None, confidences, correct)], axis=1
    )
