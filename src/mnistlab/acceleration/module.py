"""``accelerate``: a module like the given one that runs on the native kernels."""

import operator
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
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
_FIRSTS = 20
"""More calls in a row that are the first of their kind than modes and shapes explain."""
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def accelerate(model: _Model) -> _Model:
    """Return a module that computes what ``model`` does, on the native kernels where they can.

    It shares parameters, buffers and layers with ``model``, has the same ``state_dict`` and is of
    its class, so any training loop, loss and optimiser can use it. Dropout draws from PyTorch's
    generator. The first call for images of some shape, and whatever has no native kernel, run on
    PyTorch; a warning says why, once. ``forward`` is taken to depend on the images and the
    model's tensors, layers and attributes alone, and lists among them to stay as they are.

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
    """The plans of a module, by the modes of its layers and the shape of the images."""

    def __init__(self) -> None:
        self._entries: dict[tuple[Any, ...], _Entry] = {}
        self._said: set[str] = set()
        self._firsts = 0

    def __call__(
        self, module: nn.Module, forward: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Run a module's forward pass, or ``forward``, its own."""
        # A single image in training has no variance, which PyTorch says best.
        single = module.training and any(isinstance(one, Tensor) and len(one) == 1 for one in args)
        if single or torch.compiler.is_compiling() or any(map(is_followed, args)):
            return forward(*args, **kwargs)
        state = _State(module)
        if reason := state.why_not(args, kwargs):
            if not state.is_lazy():
                self._say(reason)
            return forward(*args, **kwargs)
        images = args[0]
        key = state.modes, tuple(images.shape[1:]), images.requires_grad
        entry = self._entries.get(key)
        if entry is None or not entry.state.is_still(state):
            return self._run_first(module, forward, images, key)
        self._firsts = 0
        if not entry.tried:
            self._plan(module, entry, images)
        if entry.planned is None:
            return forward(images)
        return pytree.tree_unflatten(entry.planned(images), entry.structure)

    def _run_first(
        self, module: nn.Module, forward: Callable[..., Any], images: Tensor, key: tuple[Any, ...]
    ) -> Any:
        """Run the first call of its kind, and note what it returns."""
        self._firsts += 1
        if self._firsts == _FIRSTS:
            self._say("the model's attributes change from call to call")
        state = _State(module)
        result = forward(images)
        if state.is_still(_State(module)):
            self._entries[key] = _Entry(state, pytree.tree_structure(result))
        return result

    def _plan(self, module: nn.Module, entry: "_Entry", images: Tensor) -> None:
        entry.tried = True
        try:
            entry.planned = PlannedForward(_without_acceleration(module), images)
        except KernelError as error:
            self._say(str(error))

    def _say(self, reason: str) -> None:
        if reason not in self._said:
            self._said.add(reason)
            say(reason)


class _State:
    """What a plan depends on besides numbers: a module's layers, their attributes and shapes.

    An attribute is the same as long as it is the same object.
    """

    def __init__(self, module: nn.Module) -> None:
        self._parts = [module]
        for part in self._parts:
            self._parts += [inner for inner in part._modules.values() if inner is not None]
        self.modes = tuple(part.training for part in self._parts)
        self._objects = [*self._parts, *chain(*(vars(part).values() for part in self._parts))]
        self._shapes = [
            shape_of([*part._parameters.items(), *part._buffers.items()]) for part in self._parts
        ]

    def is_still(self, now: "_State") -> bool:
        """Return whether nothing has changed."""
        return (
            len(self._objects) == len(now._objects)
            and all(map(operator.is_, self._objects, now._objects))
            and self._shapes == now._shapes
        )

    def is_lazy(self) -> bool:
        """Return whether layers still wait for their first call to be made, by hooks."""
        return any(
            isinstance(part, nn.modules.lazy.LazyModuleMixin) and part.has_uninitialized_params()
            for part in self._parts
        )

    def why_not(self, args: Any, kwargs: Any) -> str:
        """Say why a call is PyTorch's; nothing if it is not."""
        if len(args) != 1 or kwargs or not isinstance(args[0], Tensor):
            return "it takes something besides one tensor of images"
        if any(getattr(part, hooks) for part in self._parts[1:] for hooks in _HOOKS):
            return "a layer has hooks"
        return why_not_images(args[0])


@dataclass
class _Entry:
    """A kind of call: what the module was then, what it returned, and its plan if there is one."""

    state: _State
    structure: pytree.TreeSpec
    tried: bool = False
    planned: PlannedForward | None = None


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
