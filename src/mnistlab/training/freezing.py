"""Freezing: parameters that keep the values that they start with."""

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mnistlab.errors import ModelError
from mnistlab.models import count_parameters
from mnistlab.models.user_model import user_errors
from mnistlab.runs import FrozenWeights
from mnistlab.text import listed, shorten

_SHOWN = 12


def freeze(
    model: nn.Module, patterns: Sequence[str], shape: tuple[int, int, int], name: str
) -> FrozenWeights:
    """Turn off the gradients of some parameters, so that no optimiser changes them.

    A frozen batch norm layer works as in PyTorch: in training it normalises by each batch, and its
    running statistics follow the images.

    Args:
        model: in training mode.
        patterns: of names of parameters or of modules, which stand for all that is in them; ``*``
            is any text, dots included, as in :mod:`fnmatch`.
        shape: ``(channels, height, width)`` of the input.
        name: the recipe's ``model``, for messages.

    Raises:
        ModelError: a pattern matches nothing, or nothing would be left to train.
    """
    before = count_parameters(model)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    chosen: set[str] = set()
    for pattern in patterns:
        found = {key for key in parameters if _matches(key, pattern)}
        if not found:
            raise ModelError(
                f"freeze: {shorten(pattern)}: {name} has no such parameter;"
                f" {_hint(pattern, list(parameters))}"
            )
        chosen |= found
    for key in chosen:
        parameters[key].requires_grad = False
    if not count_parameters(model):
        raise ModelError(
            f"freeze: {listed(patterns)}: would freeze all parameters of {name}; leave some to"
            " train"
        )
    with user_errors(name, "a forward pass with frozen parameters", ModelError):
        model.eval()
        with torch.enable_grad():
            trained = model(torch.zeros(2, *shape)).requires_grad
        model.train()
    if not trained:
        raise ModelError(
            f"freeze: {listed(patterns)}: the logits of {name} do not depend on the parameters that"
            " would be left to train"
        )
    return FrozenWeights(
        parameters=before - count_parameters(model),
        tensors=tuple(key for key in parameters if key in chosen),
        measuring=tuple(
            key
            for key, module in model.named_modules()
            if isinstance(module, _BatchNorm)
            and module.track_running_stats
            and module.affine
            and not any(parameter.requires_grad for parameter in module.parameters())
        ),
    )


def _matches(key: str, pattern: str) -> bool:
    return fnmatchcase(key, pattern) or fnmatchcase(key, f"{pattern}.*")


def _hint(pattern: str, names: list[str]) -> str:
    modules = {name.rpartition(".")[0] for name in names} - {""}
    near = get_close_matches(pattern, [*names, *sorted(modules)], n=1)
    return f"did you mean {near[0]}?" if near else f"it has {listed(names, _SHOWN)}"
