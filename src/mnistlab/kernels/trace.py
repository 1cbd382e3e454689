"""Tracing: from a model's forward pass to the graph of its operations."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Node, Owned, Value
from mnistlab.kernels.obstacles import Obstacle, ObstacleError
from mnistlab.kernels.recording import DRAWS, READS_VALUES, Call, Recording, Reference, record
from mnistlab.kernels.registry import Batch, Handler, handlers
from mnistlab.kernels.remedies import remedy

_BATCHES = 2, 3
"""Sizes that differ from one recording to the other follow from the batch's."""
_DROPOUT = "dropout"
_NO_KERNEL = "has no native kernel"
_DIFFERS = "differs from one batch to the next"


def trace(
    model: nn.Module,
    image_shape: tuple[int, ...],
    classes: int | None = None,
    *,
    both_modes: bool = True,
) -> Graph:
    """Turn a model's forward pass into a graph of operations.

    It runs a few times on random images; the model, its gradients and the random states are left
    unchanged.

    Args:
        model: any module that takes a batch of images.
        image_shape: ``(channels, height, width)``.
        classes: that the model tells apart: it must return logits of shape ``(batch, classes)``, or
            of ``(batch, classes, height, width)``. ``None`` allows any outputs.
        both_modes: whether the graph is that of training mode and must be the same in evaluation,
            dropout aside; otherwise it is that of the mode that the model is in, and hooks of
            parameters are the caller's to run.

    Raises:
        ObstacleError: something in the forward pass has no native kernel; all that is found is
            listed.
        KernelError: the forward pass fails.
    """
    refused = _refuse_unusual(model, hooks=both_modes)
    if both_modes and len({module.training for module in model.modules()}) > 1:
        reason = "some of its layers are in training and some in evaluation"
        refused.append(Obstacle("the model", reason, "", remedy(None, reason)))
    modes = {module: module.training for module in model.modules()}
    try:
        if both_modes:
            trained, evaluated = (_trace(model.train(mode), image_shape) for mode in (True, False))
        else:
            trained = evaluated = _trace(model, image_shape)
    except KernelError:
        if refused:
            raise ObstacleError(refused) from None
        raise
    finally:
        for module, mode in modes.items():
            module.training = mode
    obstacles = refused + (trained.obstacles or evaluated.obstacles)
    if not obstacles:
        obstacles = _check_outputs(trained.graph, classes)
        if both_modes:
            obstacles += _check_modes(trained.graph, evaluated.graph)
    if obstacles:
        raise ObstacleError(obstacles) from trained.cause
    return trained.graph


def _trace(model: nn.Module, image_shape: tuple[int, ...]) -> "_Lowering":
    """Trace a model in the mode that it is in."""
    known = handlers()
    recordings = [record(model, image_shape, batch, known) for batch in _BATCHES]
    lowering = _Lowering(model, image_shape, recordings)
    lowering.run()
    return lowering


class _Found(NamedTuple):
    """An obstacle, the numbers of the values that cannot be computed, and whether it counts even if
    none of them is needed.
    """

    obstacle: Obstacle
    results: Sequence[int]
    counts: bool


class _Lowering:
    def __init__(
        self, model: nn.Module, image_shape: tuple[int, ...], recordings: Sequence[Recording]
    ) -> None:
        self.graph = Graph(model, image_shape, training=model.training)
        self.obstacles: list[Obstacle] = []
        self.cause: BaseException | None = None
        self._found: list[_Found] = []
        self._recordings = recordings
        self._values: dict[int, Value | Obstacle] = {0: self.graph.image}
        self._updated: Counter[int] = Counter()

    def run(self) -> None:
        """Lower all calls; what has no native kernel becomes an obstacle."""
        first, second = self._recordings
        alike = len(first.calls) == len(second.calls)
        for one, two in zip(first.calls, second.calls, strict=False):
            if one.function != two.function or one.results != two.results:
                alike = False
                break
            self._lower(one, two)
        self.obstacles = list(dict.fromkeys(self._relevant() if alike else self._all()))
        if not alike and not self.obstacles:
            self._refuse(_DIFFERS)
        if not self.obstacles:
            self._finish()

    def _all(self) -> list[Obstacle]:
        return [found.obstacle for found in self._found]

    def _relevant(self) -> list[Obstacle]:
        """Return the obstacles on which what the model returns depends."""
        first = self._recordings[0]
        wanted = {leaf.number for leaf in _leaves(first.outputs) if isinstance(leaf, Reference)}
        for call in reversed(first.calls):
            if call.counts or not wanted.isdisjoint(call.results):
                leaves = _leaves((call.args, call.kwargs))
                wanted |= {leaf.number for leaf in leaves if isinstance(leaf, Reference)}
        return [
            found.obstacle
            for found in self._found
            if found.counts or not wanted.isdisjoint(found.results)
        ]

    def _lower(self, one: Call, two: Call) -> None:
        graph = self.graph
        graph.module, graph.layer = one.place.module, one.place.layer
        before = len(graph.nodes)
        if one.reason == READS_VALUES:
            self._read_values(one)
            return
        causes = [value for value in self._given(one) if isinstance(value, Obstacle)]
        if causes:
            self._values |= dict.fromkeys(one.results, causes[0])
            return
        try:
            results = self._results(one, two)
        except KernelError as error:
            graph.truncate(before)
            self._give_up(one, str(error))
            return
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # A handler that did not expect such arguments. PyTorch takes them.
            graph.truncate(before)
            self._give_up(one, f"{_NO_KERNEL} with these arguments")
            return
        for number, value in zip(one.results, results, strict=True):
            if value is None:
                self._give_up(one, "returns something that has no native kernel", [number])
            else:
                self._values[number] = value
        self._note_updates(one)

    def _results(self, one: Call, two: Call) -> list[Value | None]:
        """Return what a call returns; ``None`` where that has no native kernel.

        Raises:
            KernelError: nothing of it has.
        """
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
            if value is None:
                continue
            if one.of_images and axis is None:
                raise KernelError("works across the images of a batch")
            if 0 in shape:
                raise KernelError("computes no values")
            if (value.shape, value.batch_axis) != (shape, axis):
                raise KernelError("would have another shape with native kernels")
        return results

    def _read_values(self, call: Call) -> None:
        """Note an obstacle in place of those that only compute what is read on the same line."""
        causes = [cause for cause in self._given(call) if isinstance(cause, Obstacle)]
        if any(cause.reason == DRAWS for cause in causes):
            return
        same = [cause for cause in causes if cause.where == call.place.source]
        self._found = [found for found in self._found if found.obstacle not in same]
        self._give_up(call, call.reason)

    def _given(self, call: Call) -> list[Value | Obstacle]:
        """Return the computed values among the arguments of a call."""
        leaves = _leaves((call.args, call.kwargs))
        return [self._values[leaf.number] for leaf in leaves if isinstance(leaf, Reference)]

    def _handle(self, call: Call, args: Any, kwargs: Any) -> list[Value | None]:
        handler: Handler | None = handlers().get(call.function)
        if handler is None:
            raise KernelError(_NO_KERNEL)
        batches = any(isinstance(leaf, Batch) for leaf in _leaves((args, kwargs)))
        if batches and not handler.takes_batch:
            raise KernelError("computes with the number of images in the batch")
        if not call.of_images and args:
            # What is computed from the model's tensors alone; its weights stay weights.
            args = (self._spread(args[0]), *args[1:])
        return list(_flatten(handler(self.graph, args, kwargs)))

    def _spread(self, given: Any) -> Any:
        """Return values in place of tensors."""
        if isinstance(given, Tensor) and given.dtype == torch.float32:
            return self.graph.value(given)
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
        if first.reason:
            self._refuse(first.reason)
            return
        # What changes with the batch's size, such as a size kept for later, starts anew each time.
        for key, value in first.attributes.items():
            if second.attributes.get(key) == value:
                name = ".".join(filter(None, key))
                self._refuse(f"its forward pass changes the attribute {name}")
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

    def _give_up(self, call: Call, reason: str, results: Sequence[int] | None = None) -> None:
        """Note an obstacle: to all results of a call, or to some. What depends on them is none."""
        place = call.place
        what = place.layer if place.layer and not place.direct else call.name
        found = Obstacle(what, reason, place.source, remedy(call.function, reason))
        hindered = call.results if results is None else results
        self._values |= dict.fromkeys(hindered, found)
        # What Python did with values differs from one recording to the next.
        read = any(one.reason in (READS_VALUES, DRAWS) for one in self._all())
        if reason != _DIFFERS or not read:
            self._found.append(_Found(found, hindered, results is None and call.counts))
            self.cause = self.cause or sys.exception()

    def _refuse(self, reason: str, what: str = "") -> None:
        self.obstacles.append(Obstacle(what or "the model", reason, "", remedy(None, reason)))


def _refuse_unusual(model: nn.Module, *, hooks: bool) -> list[Obstacle]:
    """Return what in a model's tensors and, if asked for, its parameters' hooks has no native
    kernels.
    """
    found: list[Obstacle] = []

    def refuse(name: str, reason: str) -> None:
        found.append(Obstacle(name or "the model", reason, "", remedy(None, reason)))

    for name, module in model.named_modules():
        if module._backward_hooks or module._backward_pre_hooks:
            refuse(name, "has hooks on its gradients")
        if isinstance(module, torch.jit.ScriptModule) or type(module).__name__ == "OptimizedModule":
            refuse(name, "is compiled")
    addresses: dict[int, str] = {}
    for name, parameter in model.named_parameters():
        if isinstance(parameter, nn.UninitializedParameter):
            raise KernelError(f"{name} gets its shape in the first forward pass; run one before")
        if parameter.dtype != torch.float32 or parameter.device.type != "cpu":
            refuse(name, "is not float32 on the CPU")
        elif parameter.numel() and addresses.setdefault(parameter.data_ptr(), name) != name:
            refuse(name, f"shares memory with {addresses[parameter.data_ptr()]}")
        after = getattr(parameter, "_post_accumulate_grad_hooks", None)
        if hooks and (parameter._backward_hooks or after):
            refuse(name, "has hooks on its gradients")
    return found


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
