"""EarlyStopping: the weights of the best epoch so far, as the watched images judge it.

Prechelt, L. (1998). Early stopping - but when? In Neural Networks: Tricks of the Trade.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mnistlab.recipe import Recipe
from mnistlab.runs import EpochMetrics, best_epoch


class EarlyStopping:
    """Keeps the best epoch's weights, if the recipe has ``patience``.

    Attributes:
        weights: the model's ``state_dict`` of that epoch, as it was scored; empty without
            ``patience``, and before the first epoch.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.weights: dict[str, Tensor] = {}

    def update(self, history: Sequence[EpochMetrics], model: nn.Module) -> None:
        """Keep the model's weights if the last epoch of the history is the best one.

        Args:
            history: up to the epoch that the model was just scored after.
            model: with the weights that were scored.
        """
        if self._recipe.patience and best_epoch(self._recipe, history) == len(history):
            weights = model.state_dict()
            self.weights = {name: value.detach().clone() for name, value in weights.items()}

    def restore(self, model: nn.Module) -> None:
        """Give the model the weights of the best epoch."""
        model.load_state_dict(self.weights)
