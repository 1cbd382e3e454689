"""Tracing: from a model's forward pass to the graph of its operations."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Node, Owned, Value
from mnistlab.kernels.obstacles import Obstacle, ObstacleError
from mnistlab.kernels.operations import Batch, Handler, handlers
from mnistlab.kernels.recording import READS_VALUES, Call, Recording, Reference, record
from mnistlab.kernels.remedies import remedy

_BATCHES = 2, 3
"""Sizes that differ from one recording to the other follow from the batch's."""
_DROPOUT = "dropout"
_NO_KERNEL = "has no native kernel"
_DIFFERS = "differs from one batch to the next"
_HOOKS = "has hooks on its gradients"


def trace(model: nn.Module, image_shape: tuple[int, ...], classes: int | None = None) -> Graph:
    """Turn a model's forward pass into a graph of operations.

    It runs a few times on random images, in training and in evaluation mode; the model, its
    gradients and the random states are left unchanged.

    Args:
        model: any module that takes a batch of images.
        image_shape: ``(channels, height, width)``.
        classes: that the model tells apart: it must return logits of shape ``(batch, classes)``, or
            of ``(batch, classes, height, width)``. ``None`` allows any outputs.

    Raises:
        ObstacleError: something in the forward pass has no native kernel; all that is found is
            listed.
        KernelError: the forward pass fails.
    """
    refused = [*_refuse_modules(model), *_refuse_parameters(model), *_refuse_hooks(model)]
    modes = {module: module.training for module in model.modules()}
    try:
        found = [_trace(model.train(training), image_shape) for training in (True, False)]
    except KernelError:
        if refused:
            raise ObstacleError(refused) from None
        raise
    finally:
        for module, mode in modes.items():
            module.training = mode
    (graph, obstacles), (evaluated, others) = found
    obstacles = refused + (obstacles or others)
    if not obstacles:
        obstacles = [*_check_outputs(graph, classes), *_check_modes(graph, evaluated)]
    if obstacles:
        raise ObstacleError(obstacles)
    return graph


def trace_mode(model: nn.Module, image_shape: tuple[int, ...]) -> Graph:
    """Turn a model's forward pass in the mode that it is in into a graph of operations.

    Unlike :func:`trace` it does not ask for the same in the other mode, nor whether hooks wait for
    the parameters' gradients, which the caller hands to PyTorch's autograd.

    Args:
        model: any module that takes a batch of images.
        image_shape: of one image.

    Raises:
        ObstacleError: something in the forward pass has no native kernel.
        KernelError: the forward pass fails.
    """
    graph, obstacles = _trace(model, image_shape)
    if obstacles := [*_refuse_modules(model), *_refuse_parameters(model), *obstacles]:
        raise ObstacleError(obstacles)
    return graph


def _trace(model: nn.Module, image_shape: tuple[int, ...]) -> tuple[Graph, list[Obstacle]]:
    """Trace a model in the mode that it is in."""
    known = handlers()
    recordings = [record(model, image_shape, batch, known) for batch in _BATCHES]
    lowering = _Lowering(model, image_shape, recordings)
    lowering.run()
    return lowering.graph, lowering.obstacles


class _Lowering:
    def __init__(
        self, model: nn.Module, image_shape: tuple[int, ...], recordings: Sequence[Recording]
    ) -> None:
        self.graph = Graph(model, image_shape)
        self.obstacles: list[Obstacle] = []
        self._recordings = recordings
        self._values: dict[int, Value | Obstacle] = {0: self.graph.image}
        self._updated: Counter[int] = Counter()

    def run(self) -> None:
        """Lower all calls; what has no native kernel becomes an obstacle."""
        first, second = self._recordings
        for one, two in zip(first.calls, second.calls, strict=False):
            if one.function != two.function or one.results != two.results:
                break
            self._lower(one, two)
        else:
            if len(first.calls) == len(second.calls):
                self._finish()
                return
        if not self.obstacles:
            self._refuse(_DIFFERS)

    def _lower(self, one: Call, two: Call) -> None:
        graph = self.graph
        graph.module, graph.layer = one.place.module, one.place.layer
        before = len(graph.nodes)
        if one.reads_values:
            self._read_values(one)
            return
        causes = [value for value in self._given(one) if isinstance(value, Obstacle)]
        if causes:
            self._values |= dict.fromkeys(one.results, causes[0])
            return
        try:
            if one.reason:
                raise KernelError(one.reason)
            args, kwargs = (
                self._merge(*pair) for pair in ((one.args, two.args), (one.kwargs, two.kwargs))
            )
            results = self._handle(one, args, kwargs)
            expected = [_per_image(*shapes) for shapes in zip(one.shapes, two.shapes, strict=True)]
            if len(results) != len(expected):
                raise KernelError("returns something that has no native kernel")
            for value, (shape, axis) in zip(results, expected, strict=True):
                if one.of_images and axis is None:
                    raise KernelError("works across the images of a batch")
                if (value.shape, value.batch_axis) != (shape, axis):
                    raise KernelError("would have another shape with native kernels")
        except KernelError as error:
            graph.truncate(before)
            self._give_up(one, str(error))
            return
        self._values |= dict(zip(one.results, results, strict=True))
        self._note_updates(one)

    def _read_values(self, call: Call) -> None:
        """Note an obstacle in place of those that only compute what is read on the same line."""
        for cause in self._given(call):
            if cause in self.obstacles and cause.where == call.place.source:
                self.obstacles.remove(cause)
        self._give_up(call, call.reason)

    def _given(self, call: Call) -> list[Value | Obstacle]:
        """Return the computed values among the arguments of a call."""
        leaves = _leaves((call.args, call.kwargs))
        return [self._values[leaf.number] for leaf in leaves if isinstance(leaf, Reference)]

    def _handle(self, call: Call, args: Any, kwargs: Any) -> list[Value]:
        handler: Handler | None = handlers().get(call.function)
        if handler is None:
            raise KernelError(_NO_KERNEL)
        batches = any(isinstance(leaf, Batch) for leaf in _leaves((args, kwargs)))
        if batches and not handler.takes_batch:
            raise KernelError("computes with the number of images in the batch")
        if not call.of_images:
            args, kwargs = self._spread(args), self._spread(kwargs)
        return list(_flatten(handler(self.graph, args, kwargs)))

    def _spread(self, given: Any) -> Any:
        """Return arguments with values in place of the model's tensors: they are computed with."""
        if isinstance(given, Tensor) and given.dtype == torch.float32:
            return self.graph.value(given)
        if isinstance(given, dict):
            return {name: self._spread(value) for name, value in given.items()}
        if isinstance(given, tuple | list):
            return type(given)(self._spread(value) for value in given)
        return given

    def _note_updates(self, call: Call) -> None:
        for buffer in call.updates:
            self._updated[id(buffer)] += 1
            if self._updated[id(buffer)] == 2:
                self._give_up(call, "is used more than once, and keeps running averages")

    def _merge(self, one: Any, two: Any) -> Any:
        """Return what an argument of a call is, given that of two recordings."""
        if isinstance(one, Reference) and isinstance(two, Reference):
            if one != two:
                raise KernelError(_DIFFERS)
            return self._values[one.number]
        if isinstance(one, Tensor) and isinstance(two, Tensor):
            return one if one is two else self._merge_constants(one, two)
        if type(one) is not type(two):
            raise KernelError(_DIFFERS)
        if isinstance(one, dict) and one.keys() == two.keys():
            return {name: self._merge(value, two[name]) for name, value in one.items()}
        if isinstance(one, tuple | list) and len(one) == len(two):
            merged = [self._merge(*pair) for pair in zip(one, two, strict=True)]
            return merged if isinstance(one, list) else tuple(merged)
        if isinstance(one, slice):
            parts = ((getattr(one, name), getattr(two, name)) for name in ("start", "stop", "step"))
            return slice(*(self._merge(*pair) for pair in parts))
        if one == two or (one != one and two != two):
            return one
        return _multiple(one, two)

    def _merge_constants(self, one: Tensor, two: Tensor) -> Any:
        """Constants are the same in both recordings, or in all images."""
        if one.dtype == two.dtype and one.shape == two.shape and one.equal(two):
            return one
        axis = _per_image(tuple(one.shape), tuple(two.shape))[1]
        if axis is not None and one.dtype == torch.float32:
            rows = one.movedim(axis, 0)
            if all(row.equal(rows[0]) for row in (*rows, *two.movedim(axis, 0))):
                return replace(self.graph.value(rows[0].clone()), batch_axis=axis)
        raise KernelError("uses a tensor that is another in each forward pass")

    def _finish(self) -> None:
        first, second = self._recordings
        if self.obstacles:
            return
        if first.reason:
            self._refuse(first.reason)
            return
        outputs, structure = pytree.tree_flatten(
            first.outputs, is_leaf=lambda leaf: isinstance(leaf, Reference)
        )
        same = pytree.tree_leaves(second.outputs, is_leaf=lambda leaf: isinstance(leaf, Reference))
        if not all(isinstance(leaf, Reference) for leaf in outputs) or outputs != same:
            self._refuse("returns something besides what it computes from the images")
            return
        if not outputs:
            self._refuse("returns nothing")
            return
        # There are no obstacles.
        values = [self._values[leaf.number] for leaf in outputs]
        self.graph.outputs = [value for value in values if isinstance(value, Value)]
        self.graph.returns_tensor = structure.is_leaf()
        self._drop_unused()

    def _drop_unused(self) -> None:
        needed = self.graph.needed()
        ids = {id(node) for node in needed}
        for node in self.graph.nodes:
            if id(node) not in ids and any(
                isinstance(source, Owned) and id(source.tensor) in self._updated
                for source in node.buffers
            ):
                self._refuse("its result is not used, but its running averages are", node.layer)
        self.graph.keep(needed)

    def _give_up(self, call: Call, reason: str) -> None:
        """Note an obstacle; what depends on the call is none."""
        place = call.place
        what = place.layer if place.layer and not place.direct else call.name
        found = Obstacle(what, reason, place.source, remedy(call.function, reason))
        self._values |= dict.fromkeys(call.results, found)
        # What Python did with values differs from one recording to the next.
        told = reason == _DIFFERS and any(one.reason == READS_VALUES for one in self.obstacles)
        if found not in self.obstacles and not told:
            self.obstacles.append(found)

    def _refuse(self, reason: str, what: str = "") -> None:
        self.obstacles.append(Obstacle(what or "the model", reason, "", remedy(None, reason)))


def _refuse_modules(model: nn.Module) -> Iterator[Obstacle]:
    """Yield the modules that have no native kernels as such."""
    for name, module in model.named_modules():
        if module._backward_hooks or module._backward_pre_hooks:
            yield _unusual(name, _HOOKS)
        if isinstance(module, torch.jit.ScriptModule) or type(module).__name__ == "OptimizedModule":
            yield _unusual(name, "is compiled")


def _refuse_parameters(model: nn.Module) -> Iterator[Obstacle]:
    """Yield the parameters that native kernels cannot read."""
    addresses: dict[int, str] = {}
    for name, parameter in model.named_parameters():
        if parameter.dtype != torch.float32 or parameter.device.type != "cpu":
            yield _unusual(name, "is not float32 on the CPU")
        elif parameter.numel() and addresses.setdefault(parameter.data_ptr(), name) != name:
            yield _unusual(name, f"shares memory with {addresses[parameter.data_ptr()]}")


def _refuse_hooks(model: nn.Module) -> Iterator[Obstacle]:
    """Yield the parameters that native kernels cannot train."""
    for name, parameter in model.named_parameters():
        if parameter._backward_hooks or getattr(parameter, "_post_accumulate_grad_hooks", None):
            yield _unusual(name, _HOOKS)


def _unusual(name: str, reason: str) -> Obstacle:
    return Obstacle(name or "the model", reason, "", remedy(None, reason))


def _check_outputs(graph: Graph, classes: int | None) -> list[Obstacle]:
    if classes is None:
        return []
    if len(graph.outputs) != 1 or not graph.returns_tensor:
        return [Obstacle("the model", "returns something besides logits")]
    shape = graph.outputs[0].shape
    vectors = shape == (classes,) or (len(shape) == 3 and shape[0] == classes)
    if not vectors or graph.outputs[0].batch_axis != 0 or graph.outputs[0].number == 0:
        found = "x".join(map(str, ("batch", *shape)))
        return [
            Obstacle(
                "the model",
                f"does not return one vector of logits per image, but {found} (classes: {classes})",
            )
        ]
    return []


def _check_modes(graph: Graph, evaluated: Graph) -> list[Obstacle]:
    """Compare what is computed in training and in evaluation."""
    for node in evaluated.nodes:
        if _DROPOUT in node.operation:
            return [Obstacle(node.layer or "dropout()", "drops values in evaluation, too")]
    plain = graph.without(_DROPOUT)
    same = [*map(_key, plain.nodes)] == [*map(_key, evaluated.nodes)]
    if same and plain.outputs == evaluated.outputs:
        return []
    reason = "its forward pass differs between training and evaluation"
    return [Obstacle("the model", reason, "", remedy(None, reason))]


def _key(node: Node) -> tuple[Any, ...]:
    """Return what must be the same in both modes."""
    numbers = () if node.operation == "batch_norm" else (node.integers, node.floats)
    tensors = [
        source.numpy().tobytes() if isinstance(source, Tensor) else source
        for source in (*node.parameters, *node.buffers)
    ]
    return node.operation, node.inputs, node.output, numbers, tensors


def _leaves(given: Any) -> Any:
    if isinstance(given, dict):
        given = tuple(given.values())
    if isinstance(given, slice):
        given = given.start, given.stop, given.step
    if isinstance(given, tuple | list):
        for value in given:
            yield from _leaves(value)
    else:
        yield given


def _flatten(results: Any) -> Any:
    if isinstance(results, tuple | list):
        for result in results:
            yield from _flatten(result)
    else:
        yield results


def _multiple(one: Any, two: Any) -> Batch:
    """Return the number that is ``one`` in the first recording and ``two`` in the second."""
    first, second = _BATCHES
    if isinstance(one, int) and isinstance(two, int) and one * second == two * first:
        return Batch(one // first)
    raise KernelError(_DIFFERS)


def _per_image(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[tuple[int, ...], int | None]:
    """Return a tensor's shape without the batch, and the batch's axis, given that of both
    recordings.
    """
    different = [
        axis for axis, sizes in enumerate(zip(one, two, strict=False)) if len({*sizes}) > 1
    ]
    if len(one) != len(two) or len(different) > 1:
        raise KernelError("returns a tensor whose shape differs from one batch to the next")
    if not different:
        return one, None
    axis = different[0]
    if (one[axis], two[axis]) != _BATCHES:
        raise KernelError("merges the images of a batch with other dimensions")
    return one[:axis] + one[axis + 1 :], axis
