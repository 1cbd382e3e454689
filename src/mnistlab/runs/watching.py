"""Watching: what the watched images say after each epoch, and when they have improved enough."""

from collections.abc import Sequence
from typing import Protocol

from mnistlab.recipe import Recipe


class Watched(Protocol):
    """An epoch's figures on the watched images, ``None`` if there are none."""

    @property
    def watched_loss(self) -> float | None:
        """Mean cross-entropy, in nats."""

    @property
    def watched_accuracy(self) -> float | None:
        """Share of them classified correctly, 0 to 1."""


def watched_values(recipe: Recipe, history: Sequence[Watched]) -> list[float]:
    """Return what the recipe's ``monitor`` was after each epoch, lower being better: of an accuracy
    its negative.
    """
    if recipe.monitor == "loss":
        return [epoch.watched_loss for epoch in history if epoch.watched_loss is not None]
    return [-epoch.watched_accuracy for epoch in history if epoch.watched_accuracy is not None]


def best_epoch(recipe: Recipe, history: Sequence[Watched]) -> int:
    """Return the last epoch that improved on all before it by more than the recipe's ``min_delta``,
    from 1; 0 if nothing was watched.
    """
    best, at = float("inf"), 0
    for epoch, value in enumerate(watched_values(recipe, history), 1):
        if value < best - recipe.min_delta:
            best, at = value, epoch
    return at


def out_of_patience(recipe: Recipe, history: Sequence[Watched]) -> bool:
    """Return whether early stopping ends a run after this history."""
    patience = recipe.patience
    return bool(patience) and len(history) - best_epoch(recipe, history) >= patience
