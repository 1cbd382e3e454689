"""Scraps among the training images: a class more, of ink that is no digit."""

import numpy as np

from mnistlab.data import Dataset, Split
from mnistlab.errors import DataError
from mnistlab.glyphs import draw_negatives
from mnistlab.recipe import Recipe
from mnistlab.training.randomness import derive_seed

NONE = "none"
_SIZE = (28, 28)
_DRAW = 0
"""Stands for the run's seed: the negatives are a part of the data, the same for all runs of a
recipe."""


def add_negatives(dataset: Dataset, recipe: Recipe) -> Dataset:
    """Add to the training images what the recipe asks for, as a last class ``none``.

    Args:
        dataset: its test images, and their number, stay as they are.
        recipe: its ``negatives`` count.

    Raises:
        DataError: images of another size than 28x28, or a class of that name.
    """
    if not recipe.negatives:
        return dataset
    if dataset.image_size != _SIZE or NONE in dataset.classes:
        raise DataError(
            f"{dataset.name}: negatives are for images of 28x28 pixels without a class {NONE!r} of"
            " their own"
        )
    random = np.random.default_rng(derive_seed(_DRAW, "scraps"))
    images = np.concatenate(
        [dataset.train.images, draw_negatives(dataset.train.images, recipe.negatives, random)]
    )
    labels = np.concatenate([dataset.train.labels, np.full(recipe.negatives, len(dataset.classes))])
    return Dataset(
        dataset.name, Split(images, labels), dataset.test, (*dataset.classes, NONE), dataset.note
    )
