"""Confusion matrix: how often each class is predicted as each class, and what follows from it."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from mnistlab.runs.predictions import Count, Predictions, Share

Matrix = NDArray[np.int64]
UNEQUAL = 1.5
"""Times the smallest class's images from which on classes count as unequal in size."""


class ClassScore(BaseModel):
    """How well one class is classified.

    Attributes:
        name: the class's.
        images: that belong to it; scikit-learn's ``support``.
        predictions: images classified as it, correctly or not.
        precision: share of the predictions that are correct, 0 to 1; ``None`` without predictions.
        recall: share of the images that are classified correctly, 0 to 1; ``None`` without images.
        f1: harmonic mean of both (van Rijsbergen, 1979), 0 to 1; 0 for a class that is never
            predicted, ``None`` without images and predictions.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: str
    images: Count
    predictions: Count
    precision: Share | None
    recall: Share | None
    f1: Share | None


class Scores(BaseModel):
    """What a record says of the classes; all of it follows from its predictions.

    Attributes:
        macro_f1: see :func:`macro_f1`.
        balanced_accuracy: see :func:`balanced_accuracy`.
        classes: one for each, in their order.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    macro_f1: Share
    balanced_accuracy: Share
    classes: tuple[ClassScore, ...]


def confusion_matrix(predictions: Predictions) -> Matrix:
    """Return how many images of each class (row) are predicted as each class (column).

    Returns:
        int64, ``(classes, classes)``.
    """
    matrix = np.diag(np.array(predictions.test_labels, np.int64))
    if predictions.mistakes:
        _, labels, taken = np.array(predictions.mistakes, np.int64).T
        np.subtract.at(matrix, (labels, labels), 1)
        np.add.at(matrix, (labels, taken), 1)
    return matrix


def precision(matrix: Matrix) -> NDArray[np.float64]:
    """Return the share of each class's predictions that are correct, 0 to 1, ``(classes,)``; NaN
    without predictions.
    """
    return _shares(matrix.diagonal(), matrix.sum(axis=0))


def recall(matrix: Matrix) -> NDArray[np.float64]:
    """Return the share of each class's images that are classified correctly, 0 to 1,
    ``(classes,)``; NaN without images.
    """
    return _shares(matrix.diagonal(), matrix.sum(axis=1))


def f1(matrix: Matrix) -> NDArray[np.float64]:
    """Return the F1 of each class, 0 to 1, ``(classes,)``; NaN without images and predictions.

    Twice the correct ones over images and predictions together, which is the harmonic mean of
    precision and recall (van Rijsbergen, 1979), and 0 where one of them is undefined.
    """
    return _shares(2 * matrix.diagonal(), matrix.sum(axis=0) + matrix.sum(axis=1))


def macro_f1(matrix: Matrix) -> float:
    """Return the mean of the classes' F1, 0 to 1, each class counting alike (Sokolova and Lapalme,
    2009).

    It is what scikit-learn's ``f1_score(average="macro", zero_division=0)`` returns: a class that
    is never predicted counts 0, one without images and predictions not at all.
    """
    return float(np.nanmean(f1(matrix)))


def balanced_accuracy(matrix: Matrix) -> float:
    """Return the mean of the classes' recalls, 0 to 1, each class counting alike (Brodersen, Ong,
    Stephan and Buhmann, 2010).

    It is what scikit-learn's ``balanced_accuracy_score`` returns: a class without images does not
    count.
    """
    return float(np.nanmean(recall(matrix)))


def score_classes(predictions: Predictions, names: tuple[str, ...]) -> Scores:
    """Return the figures of each class and their means; ``names`` are the classes'."""
    matrix = confusion_matrix(predictions)
    rows = zip(
        names,
        matrix.sum(axis=1).tolist(),
        matrix.sum(axis=0).tolist(),
        *(
            [None if np.isnan(share) else float(share) for share in shares(matrix)]
            for shares in (precision, recall, f1)
        ),
        strict=True,
    )
    return Scores(
        macro_f1=macro_f1(matrix),
        balanced_accuracy=balanced_accuracy(matrix),
        classes=tuple(
            ClassScore(name=name, images=n, predictions=m, precision=p, recall=r, f1=both)
            for name, n, m, p, r, both in rows
        ),
    )


def unequal(images: tuple[int, ...]) -> bool:
    """Whether classes with so many images each are so unequal in size that accuracy says little of
    the small ones: the largest has more than :data:`UNEQUAL` times the smallest's.
    """
    return max(images) > UNEQUAL * min(images)


def _shares(part: Matrix, whole: Matrix) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.full(len(whole), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares
