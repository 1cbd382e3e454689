"""Optimisers: those that have a name, any other class by its path, and their steps in PyTorch."""

import inspect
import math
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adadelta, Adagrad, Adam, AdamW, Optimizer, RMSprop

from mnistlab.elementary import fold
from mnistlab.errors import RecipeError, did_you_mean, told
from mnistlab.models.user_model import user_object
from mnistlab.recipe import Recipe, Source
from mnistlab.recipe.installed import is_installed_name
from mnistlab.text import listed
from mnistlab.training.optimizer_state import pack_state
from mnistlab.training.randomness import fork_rng

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adamw": AdamW,
    "adam": Adam,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
}
_CAPTURED = {SGD: "fused", Adam: "fused", AdamW: "fused", RMSprop: "", Adadelta: ""}
"""Those whose step a CUDA graph can capture, and whose state starts at zero."""
_FIELDS = {"lr": "learning_rate", "learning_rate": "learning_rate", "weight_decay": "weight_decay"}
_SGD_FIELDS = ("momentum", "nesterov")
_CPU = torch.device("cpu")


class Update:
    """A step in PyTorch from the gradients: clipped, applied to the weights, and averaged.

    Args:
        model: whose parameters have gradients.
        recipe: its ``clip_norm``, ``clip_value`` and ``averaging`` are used.
        optimizer: of the model's parameters.
        averages: the EMA of ``model.parameters()``, or empty.
    """

    def __init__(
        self, model: nn.Module, recipe: Recipe, optimizer: Optimizer, averages: list[Tensor]
    ) -> None:
        self.optimizer, self.averages = optimizer, averages
        self.clips = bool(recipe.clip_norm or recipe.clip_value)
        self._model, self._recipe = model, recipe

    def clip(self) -> None:
        """Clip the gradients, if the recipe asks for it."""
        if self._recipe.clip_norm:
            clip_norm(list(self._model.parameters()), self._recipe.clip_norm)
        if self._recipe.clip_value:
            nn.utils.clip_grad_value_(self._model.parameters(), self._recipe.clip_value)

    def __call__(self, rate: float | Tensor) -> None:
        """Take a step at a learning rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.clip()
        self.optimizer.step()
        with torch.no_grad():
            for average, parameter in zip(
                self.averages, self._model.parameters(), strict=bool(self.averages)
            ):
                # Not lerp_, which rounds once or twice, as the processor has it.
                average += (parameter - average) * (1 - self._recipe.averaging)


def clip_norm(parameters: Sequence[Tensor], most: float) -> None:
    """Scale the gradients of all parameters so that their Euclidean norm is at most ``most``.

    As :func:`torch.nn.utils.clip_grad_norm_`, whose sums on a CPU follow the processor.
    """
    if any(parameter.device != _CPU for parameter in parameters):
        nn.utils.clip_grad_norm_(parameters, most)
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    flat = np.concatenate([gradient.double().numpy().ravel() for gradient in gradients])
    factor = most / (math.sqrt(fold(flat * flat)) + 1e-6)
    if not factor >= 1:  # NaN as well, which is to be seen
        for gradient in gradients:
            gradient.mul_(factor)


def make_optimizer(
    model: nn.Module, recipe: Recipe, device: torch.device = _CPU, source: Source | None = None
) -> Optimizer:
    """Return the recipe's optimiser of the model's parameters.

    A class by path, or options, are tried on copies of the parameters first.

    Args:
        model: on the device.
        recipe: its optimiser and the options of it are used.
        device: on CUDA, the optimiser is one that a CUDA graph can capture, if it can be.
        source: the code of an optimiser of the user's own.

    Raises:
        RecipeError: there is no such class, it refuses an option, or it cannot train here.
        ModelError: the code of the user's own cannot be run.
    """
    _spare_compiler()
    kind = _find(recipe.optimizer, source)
    arguments = _arguments(kind, recipe)
    if kind not in OPTIMIZERS.values() or recipe.optimizer_options:
        _try(kind, arguments, model, recipe.optimizer)
    if device.type == "cuda" and kind in _CAPTURED:
        taken = inspect.signature(kind).parameters
        # Fused implementations read a learning rate that lies on the device.
        arguments |= {name: True for name in ("capturable", _CAPTURED[kind]) if name in taken}
    return kind(model.parameters(), **arguments)


def check_optimizer(name: str) -> None:
    """Refuse PyTorch's or another package's class if it is not there; the user's own code is not
    run.

    Args:
        name: a recipe's ``optimizer``.

    Raises:
        RecipeError: there is no such class.
    """
    if ":" not in name:
        _find(name, None)


def why_not_captured(optimizer: Optimizer) -> str:
    """Say why a CUDA graph cannot capture an optimiser's step; nothing if it can."""
    name = type(optimizer).__name__
    return "" if type(optimizer) in _CAPTURED else f"a CUDA graph cannot capture {name}"


def optimizer_notes(recipe: Recipe, optimizer: Optimizer) -> tuple[str, ...]:
    """Say where the recipe's ``momentum``, which is SGD's, has no effect."""
    kind = type(optimizer)
    if kind is SGD:
        return ()
    if "momentum" in inspect.signature(kind).parameters:
        own = optimizer.param_groups[0].get("momentum")
        if "momentum" in recipe.optimizer_options:
            return ()
        return (
            f"{kind.__name__}'s momentum is {own:g}, as in PyTorch; the recipe's is SGD's, and"
            " optimizer_options.momentum sets this one",
        )
    if recipe.momentum != Recipe.model_fields["momentum"].default:
        return (f"momentum = {recipe.momentum:g} has no effect: {kind.__name__} has none",)
    return ()


def _find(name: str, source: Source | None) -> type[Optimizer]:
    if name in OPTIMIZERS:
        return OPTIMIZERS[name]
    if ":" in name and source:
        kind: Any = user_object(source)
    else:
        kind = _import(name)
    if not (isinstance(kind, type) and issubclass(kind, Optimizer)) or kind is Optimizer:
        raise RecipeError(f"optimizer: {name} is no class that extends torch.optim.Optimizer")
    return kind


def _import(path: str) -> object:
    module_name, _, name = path.rpartition(".")
    if not is_installed_name(module_name.partition(".")[0]):
        raise RecipeError(
            f"optimizer: {path} is not in an installed package; name a class of your own as"
            " path/to/file.py:NAME or package.module:NAME"
        )
    try:
        module = import_module(module_name)
    except Exception as error:
        raise RecipeError(f"optimizer: {module_name} cannot be imported: {told(error)}") from error
    if not hasattr(module, name):
        there = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, Optimizer) and value is not Optimizer
        ]
        lowered = {key.lower(): key for key in there}
        near = lowered.get(name.lower())
        hint = f"did you mean {near}?" if near else did_you_mean(name, there)
        raise RecipeError(
            f"optimizer: {module_name} has no {name}; {hint or f'it has {listed(there) or None}'}"
        )
    return getattr(module, name)


def _arguments(kind: type[Optimizer], recipe: Recipe) -> dict[str, Any]:
    """Return the keyword arguments of an optimiser that the recipe's fields and options make.

    Raises:
        RecipeError: it has no such option.
    """
    taken = inspect.signature(kind).parameters
    everything = any(one.kind is one.VAR_KEYWORD for one in taken.values())
    fields = _FIELDS | ({name: name for name in _SGD_FIELDS} if kind is SGD else {})
    known = [name for name in list(taken)[1:] if name not in fields]
    for name in recipe.optimizer_options:
        if name in fields:
            raise RecipeError(
                f"optimizer_options.{name}: is a field of the recipe, `{fields[name]}`"
            )
        if not everything and name not in known:
            hint = did_you_mean(name, known) or f"it takes {listed(known) or 'none'}"
            raise RecipeError(f"optimizer_options: {kind.__name__} has no option {name}; {hint}")
    if not everything and "lr" not in taken:
        raise RecipeError(f"optimizer: {recipe.optimizer} has no option lr for the learning rate")
    arguments: dict[str, Any] = {"lr": recipe.learning_rate}
    if "weight_decay" in taken:
        arguments["weight_decay"] = recipe.weight_decay
    elif recipe.weight_decay:
        raise RecipeError(f"weight_decay: {kind.__name__} has none; leave it at 0")
    if kind is SGD:
        arguments |= {name: getattr(recipe, name) for name in _SGD_FIELDS}
    return arguments | {name: _tuples(value) for name, value in recipe.optimizer_options.items()}


def _tuples(value: object) -> object:
    """Return tuples for lists, as PyTorch takes them."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _try(kind: type[Optimizer], arguments: Mapping[str, Any], model: nn.Module, name: str) -> None:
    """Take a step on copies of the parameters, with gradients of zero.

    Raises:
        RecipeError: it cannot be made, needs what training does not give it, or keeps a state that
            no checkpoint can hold.
    """
    closure = inspect.signature(kind.step).parameters.get("closure")
    if closure and closure.default is closure.empty:
        raise RecipeError(
            f"optimizer: {name} evaluates the loss several times a step (a closure), which"
            " training here does not do"
        )
    parameters = [
        nn.Parameter(parameter.detach().clone())
        for parameter in model.parameters()
        if parameter.requires_grad
    ]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    try:
        with fork_rng(_CPU):
            optimizer = kind(parameters, **arguments)
            optimizer.step()
            pack_state(optimizer.state_dict(), "optimizer", {})
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        given = ", ".join(f"{key} = {value!r}" for key, value in arguments.items())
        raise RecipeError(
            f"optimizer: {name} cannot be used with {given}: {told(error)}"
        ) from error


def _spare_compiler() -> None:
    """Keep PyTorch from importing its compiler, a second and a half, to exempt from compilation
    what nobody compiles: optimisers' methods outside ``step``.
    """
    if "torch._dynamo" in sys.modules:
        return
    for name in ("add_param_group", "load_state_dict", "state_dict", "zero_grad"):
        method = getattr(getattr(Optimizer, name), "__wrapped__", None)
        if method is not None:
            # Where torch._compile keeps the exempted function once it has made it.
            method.__dynamo_disable = method
