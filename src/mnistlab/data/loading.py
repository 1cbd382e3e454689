"""Loading: the data that a recipe names, whole or the part of it that the recipe trains on."""

from pathlib import Path
from typing import Any

from mnistlab.data.dataset import Dataset
from mnistlab.data.download import OnProgress
from mnistlab.data.source import load_dataset
from mnistlab.data.subset import take_fold, take_subset, take_watched
from mnistlab.errors import RecipeError
from mnistlab.recipe import Recipe


def load_for(
    recipe: Recipe, on_progress: OnProgress | None = None, source: Path | str | None = None
) -> Dataset:
    """Load the whole data set that a recipe names, as the recipe says that it is read.

    Args:
        recipe: its ``data``, ``size``, ``fit``, ``group`` and ``skip_damaged`` are used.
        on_progress: called with a download's progress.
        source: loaded instead of the recipe's ``data``.

    Raises:
        DataError: see :func:`mnistlab.load_dataset`.
    """
    return load_dataset(recipe.data if source is None else source, on_progress, **reading(recipe))


def reading(recipe: Recipe) -> dict[str, Any]:
    """Return how a recipe says that its data are read, as :func:`mnistlab.load_dataset` takes
    it.
    """
    return {
        "size": None if recipe.size == "auto" else recipe.size,
        "fit": recipe.fit,
        "group": recipe.group,
        "skip_damaged": recipe.skip_damaged,
    }


def take_for(recipe: Recipe, dataset: Dataset) -> Dataset:
    """Return the part of a data set that a recipe trains on, watches and is tested on.

    What is watched is taken from what would be trained on without it, so that the images tested on
    stay the same ones.

    Args:
        recipe: its ``validation``, ``folds``, ``fold``, ``train_limit``, ``group``, and
            ``validation_fraction`` if it watches images, are used.
        dataset: the whole.

    Raises:
        DataError: see :func:`take_subset`, :func:`take_fold` and :func:`take_watched`.
        RecipeError: the recipe has folds, and does not say which one.
    """
    part = _take_tested(recipe, dataset)
    if not recipe.watches:
        return part
    own = None if recipe.validation == "given" else dataset.validation
    return take_watched(part, recipe.validation_fraction, own=own, group=recipe.group)


def _take_tested(recipe: Recipe, dataset: Dataset) -> Dataset:
    if recipe.folds:
        if not recipe.fold:
            raise RecipeError(
                "fold: a run is tested on one fold; set it to a number from 1 to"
                f" {recipe.folds}, or train all folds with compare, ablate or repeat"
            )
        return take_fold(
            dataset, recipe.fold, recipe.folds, limit=recipe.train_limit, group=recipe.group
        )
    return take_subset(
        dataset, validation=recipe.validation, limit=recipe.train_limit, group=recipe.group
    )


class Loader:
    """Loads each data set once, however many recipes train on it."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[object, ...], Dataset] = {}

    def load(self, recipe: Recipe) -> Dataset:
        """Return what :func:`load_for` returns; the size matters only to pictures of several."""
        any_size = recipe.data, recipe.group, recipe.skip_damaged
        exact = *any_size, recipe.size, recipe.fit
        found = self._loaded.get(any_size)
        if found is None or (found.train.digests is not None and exact not in self._loaded):
            found = load_for(recipe)
            self._loaded[any_size] = self._loaded[exact] = found
        return found if found.train.digests is None else self._loaded[exact]
