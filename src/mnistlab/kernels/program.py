"""Program: a graph compiled for the CPU, whose tensors stay PyTorch's."""

import ctypes
import itertools
import math
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mnistlab.kernels.addresses import address
from mnistlab.kernels.graph import Graph, Node, Owned, Source
from mnistlab.kernels.library import Addresses, load_library
from mnistlab.kernels.registry import require_same_operations


class Program:
    """A graph that the compiled library runs.

    Args:
        graph: of a model, see :func:`mnistlab.kernels.trace.trace`.
        input_gradient: whether :meth:`backward` gives the gradient of the input.

    Raises:
        KernelError: the library cannot be loaded, or has no such operations.
    """

    def __init__(self, graph: Graph, *, input_gradient: bool = False) -> None:
        self._library = load_library()
        require_same_operations(self._library.operations())
        self.graph, self._input_gradient = graph, input_gradient
        self._parameters = _Table()
        self._buffers = _Table()
        self._handle = self._new(graph)
        self._free_contexts: list[ctypes.c_void_p] = []

    @property
    def parameters(self) -> list[Tensor]:
        """The model's parameters that the operations use, in the order of the library's tables."""
        return self._parameters.tensors()

    def call(
        self,
        function: str,
        arguments: Mapping[str, Any],
        *,
        gradients: Sequence[Tensor | None] = (),
    ) -> None:
        """Call a function of the library with the graph's tensors and further arguments by name.

        Args:
            function: ``mnistlab_train``, for example.
            arguments: see :meth:`mnistlab.kernels.library.Library.call_by_name`.
            gradients: of the parameters, where the library writes them; ``None`` where none is
                wanted, or nothing at all.

        Raises:
            KernelError: it failed.
        """
        parameters = self.parameters
        tensors = {
            "parameters": Addresses(address(tensor, torch.float32) for tensor in parameters),
            "gradients": Addresses(
                address(gradient, torch.float32)
                for gradient in gradients or [None] * len(parameters)
            ),
            "buffers": Addresses(tensor.data_ptr() for tensor in self._buffers.tensors()),
        }
        self._library.call_by_name(function, self._handle, tensors | dict(arguments))

    def evaluate(self, values: Tensor, *, threads: int = 1) -> list[Tensor]:
        """Compute the outputs in evaluation mode.

        Args:
            values: float32, ``(n, *shape)`` of the graph's input.
            threads: any number gives the same bits.

        Returns:
            float32, ``(n, *shape)`` of each output, with the batch where PyTorch has it.
        """
        outputs = self.empty_outputs(len(values))
        self.call(
            "mnistlab_evaluate",
            {
                "input": self._input(values),
                "count": len(values),
                "threads": threads,
                "outputs": Addresses(output.data_ptr() for output in outputs),
            },
        )
        return self._place_batch(outputs)

    def forward(
        self, values: Tensor, *, seed: int, threads: int = 1
    ) -> tuple[list[Tensor], "Context"]:
        """Compute the outputs in training mode; running averages are updated.

        Args:
            values: as in :meth:`evaluate`.
            seed: of dropout, at least 0.
            threads: any number gives the same bits.

        Returns:
            The outputs, as :meth:`evaluate` does; and what :meth:`backward` needs.
        """
        arguments = {"input": self._input(values)}
        return self.run_forward(arguments, len(values), seed=seed, threads=threads)

    def run_forward(
        self, arguments: Mapping[str, Any], count: int, *, seed: int, threads: int
    ) -> tuple[list[Tensor], "Context"]:
        """Compute the outputs in training mode, of an input that is given by arguments of
        ``mnistlab_forward``; else as :meth:`forward`.
        """
        outputs = self.empty_outputs(count)
        context = Context(self, count)
        self.call(
            "mnistlab_forward",
            {
                **arguments,
                "context": context.handle,
                "count": count,
                "seed": seed,
                "threads": threads,
                "outputs": Addresses(output.data_ptr() for output in outputs),
            },
        )
        return self._place_batch(outputs), context

    def backward(
        self,
        context: "Context",
        output_gradients: Sequence[Tensor | None],
        wanted: Sequence[bool],
    ) -> tuple[list[Tensor | None], Tensor | None]:
        """Compute gradients.

        Args:
            context: of the forward pass; good for one backward pass.
            output_gradients: float32, each as the output; ``None`` is zero.
            wanted: for each of :attr:`parameters`, whether its gradient is.

        Returns:
            The gradients of the parameters, and of the input if the program was made for it.
        """
        given = [
            None if gradient is None else gradient.movedim(value.batch_axis or 0, 0).contiguous()
            for gradient, value in zip(output_gradients, self.graph.outputs, strict=True)
        ]
        gradients = [
            torch.empty_like(parameter, memory_format=torch.contiguous_format) if want else None
            for parameter, want in zip(self.parameters, wanted, strict=True)
        ]
        input_gradient = (
            torch.empty(context.count, *self.graph.image.shape) if self._input_gradient else None
        )
        self.call(
            "mnistlab_backward",
            {
                "context": context.handle,
                "output_gradients": Addresses(address(tensor, torch.float32) for tensor in given),
                "input_gradient": _pointer(address(input_gradient, torch.float32)),
            },
            gradients=gradients,
        )
        context.release()
        return gradients, input_gradient

    def empty_outputs(self, count: int) -> list[Tensor]:
        """Return room for the outputs of some images, with the batch in front."""
        return [torch.empty(count, *value.shape) for value in self.graph.outputs]

    def _place_batch(self, outputs: list[Tensor]) -> list[Tensor]:
        return [
            output.movedim(0, value.batch_axis or 0)
            for output, value in zip(outputs, self.graph.outputs, strict=True)
        ]

    def _input(self, values: Tensor) -> ctypes.c_void_p:
        if tuple(values.shape[1:]) != self.graph.image.shape:
            raise ValueError(
                f"inputs of shape {tuple(values.shape[1:])}; the graph is for"
                f" {self.graph.image.shape}"
            )
        return ctypes.c_void_p(address(values, torch.float32))

    def _new(self, graph: Graph) -> ctypes.c_void_p:
        call = self._library.call
        handle = ctypes.c_void_p()
        call("mnistlab_new", ctypes.byref(handle), *_array(ctypes.c_int64, graph.image.shape))
        weakref.finalize(self, self._library.functions.mnistlab_free, handle)
        for node in graph.nodes:
            sizes = [0 if source is None else _tensor(source).numel() for source in node.parameters]
            call(
                "mnistlab_add",
                handle,
                node.operation.encode(),
                *_array(ctypes.c_int32, [value.number for value in node.inputs]),
                _array(ctypes.c_int32, [len(value.shape) for value in node.inputs])[1],
                _array(ctypes.c_int64, itertools.chain(*(v.shape for v in node.inputs)))[1],
                *_array(ctypes.c_int64, node.output.shape),
                *_array(ctypes.c_int64, node.integers),
                *_array(ctypes.c_double, node.floats),
                *_array(ctypes.c_int32, map(self._parameters.index, node.parameters)),
                (ctypes.c_int64 * len(sizes))(*sizes),
                *_array(ctypes.c_int32, map(self._buffers.index, node.buffers)),
            )
        outputs = _array(ctypes.c_int32, [value.number for value in graph.outputs])
        call("mnistlab_finish", handle, *outputs, self._input_gradient)
        return handle


class Context:
    """What a forward pass leaves for its backward pass; its memory is used again afterwards."""

    def __init__(self, program: Program, count: int) -> None:
        self.count, self._program = count, program
        free = program._free_contexts
        if free:
            self.handle = free.pop()
        else:
            functions = program._library.functions
            self.handle = ctypes.c_void_p()
            program._library.call("mnistlab_new_context", ctypes.byref(self.handle))
            weakref.finalize(program, functions.mnistlab_free_context, self.handle)
        self.release = weakref.finalize(self, free.append, self.handle)


class _Table:
    """Tensors by their places in the tables that the library is given."""

    def __init__(self) -> None:
        self._sources: list[Source] = []
        self._places: dict[int, int] = {}

    def index(self, source: Source | None) -> int:
        """Return a tensor's place, which is new if the tensor is; -1 for ``None``."""
        if source is None:
            return -1
        key = id(_tensor(source))
        if key not in self._places:
            self._places[key] = len(self._sources)
            self._sources.append(source)
        return self._places[key]

    def tensors(self) -> list[Tensor]:
        return [_tensor(source) for source in self._sources]


_PRODUCTS = {"convolution", "depthwise_convolution", "linear", "transposed_convolution"}


def flops(nodes: Sequence[Node]) -> int:
    """Return the floating-point operations of a training step per image, of convolutions and linear
    layers only.
    """
    total = 0
    for node in nodes:
        if node.operation not in _PRODUCTS:
            continue
        (weight, *_) = (_tensor(source) for source in node.parameters if source is not None)
        # A transposed convolution's weights meet each position of the input.
        value = node.inputs[0] if node.operation == "transposed_convolution" else node.output
        products = weight.numel() * math.prod(value.shape) // _channels(node, value.shape)
        # An addition and a product each, three times: forward, for the gradient of the weights, and
        # for that of the input unless it is the image.
        total += 2 * products * (3 if node.inputs[0].number else 2)
    return total


def _channels(node: Node, shape: Sequence[int]) -> int:
    return shape[-1] if node.operation == "linear" else shape[0]


def _tensor(source: Source) -> Tensor:
    return source.tensor if isinstance(source, Owned) else source


def _pointer(where: int | None) -> ctypes.c_void_p | None:
    return None if where is None else ctypes.c_void_p(where)


def _array(kind: Any, values: Any) -> tuple[int, Any]:
    """Return the length of an array, and the array."""
    listed = list(values)
    return len(listed), (kind * len(listed))(*listed)
