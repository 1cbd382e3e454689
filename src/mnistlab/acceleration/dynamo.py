"""The backend ``mnistlab`` of ``torch.compile``: whole graphs on the native kernels."""

import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, fx, nn
from torch.nn import functional

from mnistlab.acceleration.planned import (
    PlannedForward,
    is_followed,
    say,
    shape_of,
    why_not_images,
)
from mnistlab.errors import KernelError

_PLANS = 64
"""Sets of weights for which plans of one graph are kept."""
_NEW = {"zeros", "ones", "full", "empty"}
_SHAPED = {*("view", "reshape", "expand", "repeat", "broadcast_to", "new_zeros", "new_ones"), *_NEW}


def compile_graph(
    graph: fx.GraphModule, example_inputs: Sequence[Any]
) -> Callable[..., Sequence[Any]]:
    """Return what runs a graph that ``torch.compile`` has recorded.

    ``torch.compile(model, backend="mnistlab")`` calls this. A graph that the kernels cannot take
    runs as it is, and a warning says why.

    Args:
        graph: takes weights, buffers and one batch of float32 images, and returns a tuple.
        example_inputs: its arguments at this call.
    """
    return CompiledGraph(graph, example_inputs)


class CompiledGraph:
    """A graph with one batch among its arguments; see :func:`compile_graph`."""

    def __init__(self, graph: fx.GraphModule, example_inputs: Sequence[Any]) -> None:
        self._eager, self._said = graph, set[str]()
        places = [node for node in graph.graph.nodes if node.op == "placeholder"]
        self._weights = [
            index
            for index, (node, given) in enumerate(zip(places, example_inputs, strict=True))
            if _is_weight(node, given)
        ]
        self._names = [node.name for node in places]
        self._batches = [
            index
            for index, given in enumerate(example_inputs)
            if isinstance(given, Tensor) and index not in self._weights
        ]
        batch = self._batches[0] if len(self._batches) == 1 else None
        size = _size(example_inputs[batch]) if batch is not None else 0
        self._traced, self._counters = _traceable(graph, batch, size)
        modes = {mode for node in graph.graph.nodes if (mode := _norm_mode(node)) is not None}
        self._training = modes != {False}
        self._reason = ""
        if len(self._batches) != 1:
            count = len(self._batches)
            self._reason = f"a graph takes {count} tensors besides weights, not one batch"
        if self._reason:
            if self._weights:  # unlike a loss
                say(self._reason)
        elif size == 1:
            # A number that may be the batch's or any other; one image is quick anyway.
            self._reason = "there is one image in the batch"
        self._known: dict[tuple[Any, ...], PlannedForward | None] = {}

    def __call__(self, *args: Any) -> Sequence[Any]:
        """Run the graph."""
        planned = None if self._reason else self._planned(args)
        if planned is None:
            return self._eager(*args)  # type: ignore[no-any-return]
        for index in self._counters:
            args[index].add_(1)
        return tuple(planned(args[self._batches[0]]))

    def _planned(self, args: Sequence[Any]) -> PlannedForward | None:
        images = args[self._batches[0]]
        if is_followed(images):
            return None
        if reason := why_not_images(images):
            self._say(reason)
            return None
        numbers = tuple(
            None if given == len(images) else given
            for given in args
            if not isinstance(given, Tensor)
        )
        weights = [(self._names[index], args[index]) for index in self._weights]
        state = tuple(id(tensor) for _, tensor in weights), *shape_of(weights)
        key = state, numbers, tuple(images.shape[1:]), images.requires_grad
        if key not in self._known:
            if len(self._known) >= _PLANS:
                self._known.clear()
            module = _Bound(self._traced, args, self._weights, self._batches[0])
            module.train(self._training)
            try:
                self._known[key] = PlannedForward(module, images)
            except KernelError as error:
                self._known[key] = None
                self._say(str(error))
        return self._known[key]

    def _say(self, reason: str) -> None:
        if reason not in self._said:
            self._said.add(reason)
            say(reason)


class _Bound(nn.Module):
    """A graph as a module with weights of its own, which takes the images alone."""

    def __init__(
        self, graph: fx.GraphModule, args: Sequence[Any], weights: Sequence[int], batch: int
    ) -> None:
        super().__init__()
        self._graph, self._size = graph, len(args[batch])
        self._numbers = {
            index: given for index, given in enumerate(args) if not isinstance(given, Tensor)
        }
        self._names = {index: f"tensor{index}" for index in weights}
        self._count = len(args)
        for index, name in self._names.items():
            given = args[index]
            if isinstance(given, nn.Parameter):
                self.register_parameter(name, given)
            else:
                self.register_buffer(name, given)

    def forward(self, images: Tensor) -> Any:
        args: list[Any] = [images] * self._count
        for index, name in self._names.items():
            args[index] = getattr(self, name)
        for index, number in self._numbers.items():
            args[index] = len(images) if number == self._size else number
        return self._graph(*args)


def _size(images: Tensor) -> int:
    """Return the size of a batch if it is a number, 0 if any size may come."""
    size = images.shape[0] if images.dim() else 0
    return size if type(size) is int else 0


def _is_weight(node: fx.Node, given: Any) -> bool:
    if isinstance(given, nn.Parameter):
        return True
    # What torch.compile says of a module's buffers.
    marks = node.meta.get("tensor_dict") or {}
    return isinstance(given, Tensor) and "_dynamo_static_input_type" in marks


def _traceable(
    graph: fx.GraphModule, batch: int | None, size: int
) -> tuple[fx.GraphModule, list[int]]:
    """Return a graph for a batch of any size, in which batch normalisation does not count its
    batches, and the arguments that it counts in.

    Args:
        graph: in which ``torch.compile`` may have written the batch's size as a number.
        batch: which argument has the images, if any has.
        size: of the batch.
    """
    copied = fx.Graph()
    copied.output(copied.graph_copy(graph.graph, {}))
    places = [node for node in copied.nodes if node.op == "placeholder"]
    counters = []
    for node in list(copied.nodes):
        if _counts_batches(node):
            counters.append(places.index(node.args[0]))
            copied.erase_node(node)
    if batch is not None and size > 1:
        with copied.inserting_after(places[-1]):
            count = copied.call_method("size", (places[batch], 0))
        for node in list(copied.nodes):
            _free_size(node, count, size)
    return fx.GraphModule(graph, copied), counters


def _counts_batches(node: fx.Node) -> bool:
    return (
        (node.op, node.target, node.args[1:]) == ("call_method", "add_", (1,))
        and isinstance(node.args[0], fx.Node)
        and node.args[0].op == "placeholder"
        and "num_batches_tracked" in node.args[0].name
        and not node.users
    )


def _free_size(node: fx.Node, count: fx.Node, size: int) -> None:
    """Replace a multiple of the batch's size, where a shape begins with one, by that of ``count``.

    With a batch of this size, the only one that the graph is called with, both are the same.
    """
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    if name not in _SHAPED or node.op not in ("call_method", "call_function"):
        return
    first = 0 if name in _NEW else 1
    if len(node.args) <= first:
        return
    shape = node.args[first]
    leading = shape[0] if isinstance(shape, tuple | list) and shape else shape
    if type(leading) is not int or leading <= 0 or leading % size:
        return
    with node.graph.inserting_before(node):
        free = node.graph.call_function(operator.mul, (count, leading // size))
    given: Any = (free, *shape[1:]) if isinstance(shape, tuple | list) else free
    node.update_arg(first, given)


def _norm_mode(node: fx.Node) -> bool | None:
    """Return the mode of a batch normalisation; ``None`` of any other call."""
    if node.target is not functional.batch_norm:
        return None
    given = inspect.signature(functional.batch_norm).bind(*node.args, **node.kwargs)
    return bool(given.arguments.get("training", False))
