"""The registry of operations: which functions of PyTorch become which."""

import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import TENSOR, Graph, Node

_Function = TypeVar("_Function", bound=Callable[..., Any])
_SYNONYMS = {"axis": "dim", "keepdims": "keepdim", "x": "input"}
"""NumPy's names of arguments, which PyTorch takes as well."""


@dataclass(frozen=True)
class Batch:
    """A number that is a multiple of the batch's size, as an argument of a call."""

    multiple: int = 1


@dataclass(frozen=True)
class Handler:
    """What turns a call of a function of PyTorch into operations.

    Attributes:
        lower: takes the graph and the arguments of the call.
        takes_batch: whether arguments may be :class:`Batch`.
    """

    lower: Callable[..., Any]
    takes_batch: bool

    def __call__(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Lower a call.

        Raises:
            KernelError: it has no native kernel with these arguments.
        """
        try:
            bound = _signature(self.lower).bind(graph, *args, **kwargs)
        except TypeError:
            known = _signature(self.lower).parameters
            renamed = {
                _SYNONYMS.get(name, name) if name not in known else name: value
                for name, value in kwargs.items()
            }
            try:
                bound = _signature(self.lower).bind(graph, *args, **renamed)
            except TypeError:
                unknown = sorted(set(renamed) - set(known))
                given = f" {', '.join(unknown)}" if unknown else ""
                raise KernelError(f"its arguments{given} have no native kernel") from None
        return self.lower(*bound.args, **bound.kwargs)


Join = Callable[[Node, Node], Node | None]

_PACKAGES = "mnistlab.kernels.operations", "mnistlab.kernels.compositions"
_joins: list[Join] = []
_handlers: dict[Callable[..., Any], Handler] = {}


def lowers(
    *functions: Callable[..., Any], takes_batch: bool = False
) -> Callable[[_Function], _Function]:
    """Register the decorated handler for functions of PyTorch.

    It has their signature, with the graph in front. Tensors that depend on the images, or are
    computed in the forward pass, arrive as :class:`~mnistlab.kernels.graph.Value`; parameters,
    buffers and constants as they are. It returns a value, or a list of values if the functions
    return several tensors.

    Args:
        functions: such as ``torch.relu`` and ``Tensor.relu``; of ``x + y`` it is ``Tensor.add``,
            of ``x += y`` ``Tensor.add_``. Of a property such as ``x.T`` it is
            ``Tensor.T.__get__``.
        takes_batch: whether arguments may be :class:`Batch`, sizes that follow from the batch's.
            Without it such calls are refused.
    """

    def register(handler: _Function) -> _Function:
        for function in dict.fromkeys(functions):  # some are the same under several names
            if function in _handlers:
                raise ValueError(f"{function} has two handlers")
            _handlers[function] = Handler(handler, takes_batch)
        return handler

    return register


@cache
def handlers() -> Mapping[Callable[..., Any], Handler]:
    """Return the handlers of all files of ``operations`` and ``compositions``."""
    for package in _PACKAGES:
        for name in _modules(package):
            import_module(f"{package}.{name}")
    return _handlers


def joins(rule: Join) -> Join:
    """Register the decorated rule, which makes one operation of two.

    It takes two nodes, of which the second is the only one that uses the first's output, and
    returns a node that computes the second's output from the first's inputs, or nothing.
    """
    _joins.append(rule)
    return rule


def join(before: Node, node: Node) -> Node | None:
    """Return one operation in place of two by the first rule that fits, or nothing."""
    handlers()  # whose files have the rules
    return next((both for rule in _joins if (both := rule(before, node))), None)


def _modules(package: str) -> list[str]:
    return [found.name for found in pkgutil.iter_modules(import_module(package).__path__)]


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


def lower(graph: Graph, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Lower a call that a handler makes in turn, as if the model had made it.

    Raises:
        KernelError: it has no native kernel.
    """
    handler = handlers().get(function)
    if handler is None:
        raise KernelError("has no native kernel")
    return handler(graph, args, kwargs)


def require_same_operations(native: set[str]) -> None:
    """Compare the names of the library's operations with the files of ``operations``.

    Raises:
        KernelError: they are not the same.
    """
    named = {TENSOR, *_modules(_PACKAGES[0])}
    if named != native:
        raise KernelError(
            "the compiled library belongs to another version of mnistlab, as only one of them has"
            f" {', '.join(sorted(named ^ native))}; install mnistlab again"
        )
