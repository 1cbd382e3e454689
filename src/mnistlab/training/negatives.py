"""Negatives: training images of ink that is no digit, as one more class."""

from dataclasses import replace

import numpy as np

from mnistlab.data import Dataset, Split
from mnistlab.errors import DataError
from mnistlab.recipe import Recipe
from mnistlab.training.randomness import derive_seed

NONE = "none"
_SIZE = (28, 28)
_SEED = 0
"""Used instead of the run's seed: negatives are data, the same for all runs of a recipe."""
_PURPOSE = "scraps"
"""Kept from an earlier version, since published records depend on the seed derived from it."""


def add_negatives(dataset: Dataset, recipe: Recipe) -> Dataset:
    """Add the recipe's ``negatives`` to the training images, as a last class ``none``.

    Args:
        dataset: its test images stay as they are, so none of them is of the new class.
        recipe: its ``negatives`` is the number of images to add.

    Returns:
        The dataset itself if the recipe asks for none.

    Raises:
        DataError: images of another size than 28x28, or a class that is named ``none`` already.
    """
    if not recipe.negatives:
        return dataset
    if dataset.image_size != _SIZE or dataset.channels != 1 or NONE in dataset.classes:
        raise DataError(
            f"{dataset.name}: negatives need grey images of 28x28 pixels and no other class"
            f" {NONE!r}"
        )
    # Here, since most runs have no negatives, and scipy takes a fifth of a second to import.
    from mnistlab.glyphs import draw_negatives

    digits = dataset.train.images[:, 0]
    random = np.random.default_rng(derive_seed(_SEED, _PURPOSE))
    images = np.concatenate([digits, draw_negatives(digits, recipe.negatives, random)])
    labels = np.concatenate([dataset.train.labels, np.full(recipe.negatives, len(dataset.classes))])
    return replace(dataset, train=Split(images, labels), classes=(*dataset.classes, NONE))
