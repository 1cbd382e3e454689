"""``accelerate``: a module like the given one that runs on the native kernels."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from mnistlab.acceleration.planned import (
    PlannedForward,
    is_followed,
    say,
    shape_of,
    why_not_images,
)
from mnistlab.errors import KernelError

_Model = TypeVar("_Model", bound=nn.Module)
_OURS = "_mnistlab_acceleration"
_PLAIN = (int, float, bool, str, type(None))
_CHANGES = 20
"""More than someone who changes a model by hand makes."""
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def accelerate(model: _Model) -> _Model:
    """Return a module that computes what ``model`` does, on the native kernels where they can.

    It shares parameters, buffers and layers with ``model``, has the same ``state_dict`` and is of
    its class, so any training loop, loss and optimiser can use it. Dropout draws from PyTorch's
    generator. The first call for images of some shape, and whatever has no native kernel, run on
    PyTorch; a warning says why, once. ``forward`` is taken to depend on the images, the model's
    tensors, and its layers' attributes that are numbers or strings alone.

    Args:
        model: called with one batch of float32 images, ``(n, ...)``.

    Raises:
        KernelError: it is no module, or one that cannot be extended, such as a ``ScriptModule``.
    """
    if not isinstance(model, nn.Module) or isinstance(model, torch.jit.ScriptModule):
        raise KernelError(
            f"accelerate takes a torch.nn.Module written in Python, not a {type(model).__name__}"
        )
    if "forward" in vars(model):
        raise KernelError("accelerate takes no module whose forward was set on the object")
    if isinstance(model, _Accelerated):
        return model
    kind = type(model)
    extended = type(kind.__name__, (_Accelerated, kind), {})
    return cast(_Model, _with_class(model, extended, {_OURS: _Plans()}))


class _Accelerated(nn.Module):
    """What is put before a module's own class."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        plans: _Plans = vars(self)[_OURS]
        return plans(self, super().forward, *args, **kwargs)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return accelerate, (_without_acceleration(self),)


class _Plans:
    """The plans of a module by shape and mode, and whether it is still as it was then."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], PlannedForward | None] = {}
        self._structure: dict[tuple[Any, ...], pytree.TreeSpec] = {}
        self._state: list[Any] = []
        self._said: set[str] = set()
        self._changes = 0

    def __call__(
        self, module: nn.Module, forward: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Run a module's forward pass, or ``forward``, its own."""
        # A single image in training has no variance, which PyTorch says best.
        single = module.training and any(isinstance(one, Tensor) and len(one) == 1 for one in args)
        if single or torch.compiler.is_compiling() or any(map(is_followed, args)):
            return forward(*args, **kwargs)
        reason = self._why_not(module, args, kwargs)
        if reason:
            self._say(reason)
            return forward(*args, **kwargs)
        images = args[0]
        state = _state_of(module)
        if state != self._state:
            self._known.clear()
            self._structure.clear()
            self._state = state
            self._changes += 1
            if self._changes == _CHANGES:
                self._say("the model's attributes change from call to call")
        modes = tuple(part.training for part in module.modules())
        key = modes, tuple(images.shape[1:]), images.requires_grad
        if key not in self._structure:
            result = forward(images)
            self._structure[key] = pytree.tree_structure(result)
            if _state_of(module) != state:
                self._refuse(key, "it changes the model's attributes")
            return result
        planned = self._planned(module, key)
        if planned is None:
            return forward(images)
        return pytree.tree_unflatten(planned(images), self._structure[key])

    def _planned(self, module: nn.Module, key: tuple[Any, ...]) -> PlannedForward | None:
        if key not in self._known:
            _, shape, input_gradient = key
            try:
                self._known[key] = PlannedForward(
                    _without_acceleration(module), shape, input_gradient=input_gradient
                )
            except KernelError as error:
                self._refuse(key, str(error))
        return self._known[key]

    def _refuse(self, key: tuple[Any, ...], reason: str) -> None:
        self._known[key] = None
        self._say(reason)

    def _say(self, reason: str) -> None:
        if reason not in self._said:
            self._said.add(reason)
            say(reason)

    @staticmethod
    def _why_not(module: nn.Module, args: Any, kwargs: Any) -> str:
        if len(args) != 1 or kwargs or not isinstance(args[0], Tensor):
            return "it takes something besides one tensor of images"
        for part in module.modules():
            if part is not module and any(getattr(part, hooks) for hooks in _HOOKS):
                return "a layer has hooks"
        return why_not_images(args[0])


def _state_of(module: nn.Module) -> list[Any]:
    """Return what a plan of a module depends on besides its numbers and its mode."""
    return [
        (
            id(part),
            shape_of([*part._parameters.items(), *part._buffers.items()]),
            [
                value
                for name, value in vars(part).items()
                if name != "training"
                and (
                    type(value) in _PLAIN
                    or (type(value) is tuple and all(type(one) in _PLAIN for one in value))
                )
            ],
        )
        for part in module.modules()
    ]


def _without_acceleration(module: nn.Module) -> nn.Module:
    """Return the module as its own class, without hooks, which run around the plan."""
    kind = next(kind for kind in type(module).__mro__[1:] if not issubclass(kind, _Accelerated))
    changed: dict[str, Any] = {name: OrderedDict() for name in _HOOKS if vars(module).get(name)}
    plain = _with_class(module, kind, changed)
    vars(plain).pop(_OURS, None)
    return plain


def _with_class(module: nn.Module, kind: type[Any], changed: dict[str, Any]) -> nn.Module:
    """Return a module of another class with the same layers, tensors and attributes."""
    other: nn.Module = object.__new__(kind)
    vars(other).update(vars(module) | changed)
    return other
