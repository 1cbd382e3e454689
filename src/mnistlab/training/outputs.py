"""What a model's outputs show before it is trained."""

import copy

import torch
from torch import Tensor, nn

from mnistlab.recipe import ModelInput, Recipe
from mnistlab.training.randomness import fork_rng

_IMAGES = 4


def output_notes(model: nn.Module, recipe: Recipe, model_input: ModelInput) -> tuple[str, ...]:
    """Point out a common mistake: probabilities where the loss expects logits.

    Args:
        model: on the CPU.
        recipe: its ``loss`` is used.
        model_input: of the model.

    Returns:
        At most one note. Nothing is said of a loss of the user's own, which may want probabilities.
    """
    if recipe.loss not in ("cross_entropy", "focal"):
        return ()
    try:
        # A copy, since a model may count its calls. One that fails is told of by training.
        trial = copy.deepcopy(model).eval()
        with fork_rng(torch.device("cpu")), torch.no_grad():
            torch.manual_seed(0)
            outputs = trial(torch.randn(_IMAGES, *model_input.shape))
    except Exception:  # of the user's code
        return ()
    if not isinstance(outputs, Tensor) or outputs.dim() < 2 or outputs.shape[1] < 2:
        return ()
    sums = outputs.sum(dim=1)
    if not ((outputs >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-4)):
        return ()
    return (
        f"the model ends in softmax, but the loss {recipe.loss} takes logits and applies softmax"
        " itself; it is trained as written, and would learn faster without its last softmax",
    )
