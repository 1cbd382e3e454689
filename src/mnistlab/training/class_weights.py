"""Class weights: how much the images of each class count in the loss."""

import numpy as np

from mnistlab.data import Dataset
from mnistlab.errors import DataError, RecipeError, did_you_mean
from mnistlab.recipe import Recipe
from mnistlab.text import listed


def class_weights(recipe: Recipe, dataset: Dataset) -> tuple[float, ...]:
    """Return the weight of each class that a recipe asks for; nothing if it asks for none.

    ``balanced`` is the number of training images over the number of classes times the class's own
    images (King and Zeng, 2001), as in scikit-learn: every class then counts the same in all.

    Args:
        recipe: its ``class_weights`` are used. In a table, classes that are not named weigh 1.
        dataset: what is trained on.

    Raises:
        DataError: ``balanced``, and a class has no training image.
        RecipeError: another number of weights than classes, or a name that no class has.
    """
    given, classes = recipe.class_weights, dataset.classes
    if given == "balanced":
        counts = np.bincount(dataset.train.labels, minlength=len(classes))
        if missing := [name for name, count in zip(classes, counts, strict=True) if not count]:
            raise DataError(
                f"class_weights: balanced needs training images of every class; there are none of"
                f" {listed(missing)}; take more images, or give the weights themselves"
            )
        return tuple((len(dataset.train) / (len(classes) * counts)).tolist())
    if isinstance(given, dict):
        for name in given:
            if name not in classes:
                hint = did_you_mean(name, classes) or f"classes: {listed(classes)}"
                raise RecipeError(f"class_weights: no class {listed([name])}; {hint}")
        return tuple(given.get(name, 1.0) for name in classes)
    if given and len(given) != len(classes):
        raise RecipeError(
            f"class_weights: must be {len(classes)} numbers, in the order of the classes"
            f" ({listed(classes)}); found {len(given)}"
        )
    return tuple(map(float, given))
