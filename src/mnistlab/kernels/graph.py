"""The graph of a model: its operations, and the values that flow between them."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mnistlab.errors import KernelError

TENSOR = "tensor"
"""The operation that spreads a model's own tensor, or a constant, over the images."""


@dataclass(frozen=True)
class Value:
    """A value that flows between operations.

    Attributes:
        number: 0 is the image, ``k + 1`` the output of node ``k``.
        shape: of one image's value, without the batch.
        batch_axis: where the batch stands in PyTorch's tensor; ``None`` if it has no batch, since
            the value is the same for all images.
    """

    number: int
    shape: tuple[int, ...]
    batch_axis: int | None = 0

    @property
    def dimensions(self) -> int:
        """Number of dimensions of PyTorch's tensor, that of the batch included."""
        return len(self.shape) + (self.batch_axis is not None)

    def axis(self, dimension: int) -> int:
        """Return where in :attr:`shape` a dimension of PyTorch's tensor is, which may be negative.

        Raises:
            KernelError: it is the batch's.
        """
        axis = self.place(dimension)
        if axis is None:
            raise KernelError("works across the images of a batch")
        return axis

    def axes(self, dimensions: int | Sequence[int] | None) -> tuple[int, ...]:
        """Return where in :attr:`shape` some dimensions are; ``None`` or none are all of them."""
        if dimensions is None or dimensions == () or dimensions == []:
            dimensions = range(self.dimensions)
        elif isinstance(dimensions, int):
            dimensions = [dimensions]
        return tuple(self.axis(dimension) for dimension in dimensions)

    def place(self, dimension: int) -> int | None:
        """Return where in :attr:`shape` a dimension of PyTorch's tensor is; ``None`` if it is the
        batch's.
        """
        position = dimension % self.dimensions
        if self.batch_axis is None or position < self.batch_axis:
            return position
        return None if position == self.batch_axis else position - 1


class Owned(NamedTuple):
    """A parameter or buffer, found by module and name, since the tensor may be replaced."""

    module: nn.Module
    name: str

    @property
    def tensor(self) -> Tensor:
        """The tensor at present."""
        tensor: Tensor = getattr(self.module, self.name)
        return tensor


Source = Owned | Tensor
"""What an operation reads besides values: a model's own tensor, or a constant."""


@dataclass(frozen=True)
class Node:
    """One operation of a graph.

    Attributes:
        operation: its name in the registries of both sides.
        inputs: values of their shapes as this operation sees them.
        output: the value that it computes.
        integers: its sizes and choices.
        floats: its numbers.
        parameters: what it is trained by; ``None`` where one is absent.
        buffers: other tensors that it reads or updates.
        layer: of the model, for messages: ``features.0 (Conv2d)``.
    """

    operation: str
    inputs: tuple[Value, ...]
    output: Value
    integers: tuple[int, ...] = ()
    floats: tuple[float, ...] = ()
    parameters: tuple[Source | None, ...] = ()
    buffers: tuple[Source | None, ...] = ()
    layer: str = ""


class Graph:
    """A graph under construction.

    Args:
        model: whose parameters and buffers the operations use.
        image_shape: of one image.
        training: whether it is that of training mode.

    Attributes:
        nodes: in the order in which they are computed.
        image: the value of number 0.
        outputs: what the model returns.
        returns_tensor: whether that is a tensor, not a tuple or dictionary of them.
        module: the layer whose ``forward`` makes the call that is being lowered, if any.
        layer: its name and class.
    """

    def __init__(
        self, model: nn.Module, image_shape: tuple[int, ...], *, training: bool = True
    ) -> None:
        self.training = training
        self.nodes: list[Node] = []
        self.image = Value(0, tuple(image_shape))
        self.outputs: list[Value] = []
        self.returns_tensor = True
        self.module: nn.Module | None = None
        self.layer = ""
        self._owners = {id(tensor): owned for owned, tensor in own_tensors(model)}
        self._spread: dict[int, Value] = {}

    def append(
        self,
        operation: str,
        inputs: Sequence[Value],
        shape: Sequence[int],
        *,
        integers: Sequence[int] = (),
        floats: Sequence[float] = (),
        parameters: Sequence[Tensor | None] = (),
        buffers: Sequence[Tensor | None] = (),
        batch_axis: int | None = None,
    ) -> Value:
        """Append an operation.

        Args:
            operation: its name.
            inputs: any number of values.
            shape: of its output, for one image.
            integers: its sizes and choices.
            floats: its numbers.
            parameters: float32.
            buffers: other tensors.
            batch_axis: of the output; ``None`` is that of the first input that has one.

        Returns:
            Its output.

        Raises:
            KernelError: a parameter is computed in the forward pass, or is not a float32 tensor on
                the CPU.
        """
        axes = [value.batch_axis for value in inputs if value.batch_axis is not None]
        axis = axes[0] if batch_axis is None and axes else batch_axis
        for tensor in parameters:
            if isinstance(tensor, Tensor) and tensor.dtype != torch.float32:
                raise KernelError(f"has weights of {words(tensor.dtype)}")
        node = Node(
            operation,
            tuple(inputs),
            Value(len(self.nodes) + 1, tuple(map(int, shape)), axis),
            tuple(map(int, integers)),
            tuple(map(float, floats)),
            tuple(map(self._source, parameters)),
            tuple(map(self._source, buffers)),
            self.layer,
        )
        self.nodes.append(node)
        return node.output

    def value(self, given: "Value | Tensor") -> Value:
        """Return a value as it is, and a tensor of the model or a constant as the value that is the
        same for all images.

        Raises:
            KernelError: it is a tensor of other numbers than float32.
        """
        if isinstance(given, Value):
            return given
        if given.dtype != torch.float32:
            raise KernelError(f"computes with {words(given.dtype)}")
        if id(given) not in self._spread:
            trained = isinstance(given, nn.Parameter)
            self._spread[id(given)] = self.append(
                TENSOR,
                [],
                given.shape,
                parameters=[given] if trained else [],
                buffers=[] if trained else [given],
            )
        return self._spread[id(given)]

    def truncate(self, length: int) -> None:
        """Take back all nodes but the first ``length``."""
        del self.nodes[length:]
        self._spread = {key: one for key, one in self._spread.items() if one.number <= length}

    def without(self, operation: str) -> "Graph":
        """Return a copy without operations of whose name this is a part."""
        other = copy.copy(self)
        other.keep([node for node in self.nodes if operation not in node.operation])
        return other

    def with_nodes(self, nodes: Sequence[Node]) -> "Graph":
        """Return a copy that consists of these nodes, in their order, numbered anew.

        Args:
            nodes: their outputs bear the numbers of this graph's values, or new ones.
        """
        other = copy.copy(self)
        now = {0: 0} | {node.output.number: k + 1 for k, node in enumerate(nodes)}

        def renumber(value: Value) -> Value:
            return replace(value, number=now[value.number])

        other.nodes = [
            replace(node, inputs=tuple(map(renumber, node.inputs)), output=renumber(node.output))
            for node in nodes
        ]
        other.outputs = list(map(renumber, self.outputs))
        return other

    def needed(self) -> list[Node]:
        """Return the nodes that the outputs depend on, in order."""
        wanted = {value.number for value in self.outputs}
        for node in reversed(self.nodes):
            if node.output.number in wanted:
                wanted |= {value.number for value in node.inputs}
        return [node for node in self.nodes if node.output.number in wanted]

    def keep(self, nodes: Sequence[Node]) -> None:
        """Leave out all nodes but these, and number the rest anew.

        Nodes that are left out but needed stand for their first input.
        """
        now = {0: 0}
        kept: list[Node] = []
        keep = {id(node) for node in nodes}

        def renumber(value: Value) -> Value:
            return replace(value, number=now[value.number])

        for node in self.nodes:
            if id(node) in keep:
                inputs = tuple(map(renumber, node.inputs))
                output = replace(node.output, number=len(kept) + 1)
                kept.append(replace(node, inputs=inputs, output=output))
                now[node.output.number] = len(kept)
            elif node.inputs and node.inputs[0].number in now:
                now[node.output.number] = now[node.inputs[0].number]
        self.nodes, self.outputs = kept, list(map(renumber, self.outputs))

    def _source(self, tensor: Tensor | None) -> Source | None:
        if tensor is None:
            return None
        if not isinstance(tensor, Tensor):
            raise KernelError("computes its weights in the forward pass")
        return self._owners.get(id(tensor), tensor)


def own_tensors(model: nn.Module) -> Iterator[tuple[Owned, Tensor]]:
    """Yield the parameters and buffers of a model with who owns them."""
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    yield Owned(module, name), tensor


def words(dtype: torch.dtype) -> str:
    """Return ``float64 numbers``, for messages."""
    return f"{str(dtype).removeprefix('torch.')} numbers"
