"""PlannedForward: a forward pass on the native kernels, as one function of PyTorch's autograd."""

import contextlib
import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mnistlab.errors import KernelError
from mnistlab.kernels import Context, Program, fuse, trace, why_slower

_TOLERANCE = 1e-3
"""Relative; far more than rounding."""
_LIBRARIES = "mnistlab", "torch"
"""Packages between a user's call of a module and its forward pass."""


class PlannedForward:
    """The forward pass of a module whose weights, running averages and gradients stay PyTorch's.

    Args:
        module: takes one batch of images. It is traced in the mode that it is in.
        images: a batch like those that it will be called with, on which the results are compared
            with PyTorch's, unless values are dropped.

    Raises:
        KernelError: something in the forward pass has no native kernel, PyTorch is faster, the
            results differ, or the library cannot be loaded.
    """

    def __init__(self, module: nn.Module, images: Tensor) -> None:
        input_gradient = images.requires_grad
        graph = fuse(trace(module, tuple(images.shape[1:]), both_modes=False))
        if reason := why_slower(graph):
            raise KernelError(reason)
        operations = {node.operation for node in graph.nodes}
        self.module, self.program = module, Program(graph, input_gradient=input_gradient)
        self._modes = [(part, part.training) for part in module.modules()]
        self._drops = any("dropout" in name for name in operations)
        self._normalises = "batch_norm" in operations
        self._training = graph.training
        if self._drops and self._normalises and not graph.training:
            raise KernelError("it drops values in evaluation mode")
        if not self._drops:
            self._require_agreement(images)

    def __call__(self, images: Tensor) -> Any:
        """Compute the outputs. Dropout draws from PyTorch's generator.

        Args:
            images: float32, ``(n, *image_shape)``.

        Returns:
            A sequence of all tensors that the module returns, with gradients where PyTorch would
            have them.
        """
        images = images.contiguous()
        parameters = self._contiguous_parameters()
        differentiable = torch.is_grad_enabled() and any(
            tensor.requires_grad for tensor in (images, *parameters)
        )
        if self._normalises and not self._training and differentiable:
            return _Evaluation.apply(self, images, *parameters)  # type: ignore[no-untyped-call]
        seed = int(torch.randint(2**62, ())) if self._drops else 0
        if differentiable:
            return _Training.apply(self, seed, images, *parameters)  # type: ignore[no-untyped-call]
        return self._without_gradients(images, seed)

    def _contiguous_parameters(self) -> list[Tensor]:
        parameters = self.program.parameters
        for parameter in parameters:
            if not parameter.is_contiguous():  # such as weights with channels last
                parameter.data = parameter.data.contiguous()
                if parameter.grad is not None:
                    parameter.grad = parameter.grad.contiguous()
        return parameters

    def _without_gradients(self, images: Tensor, seed: int) -> list[Tensor]:
        if self._drops or (self._normalises and self._training):
            return self.forward(images, seed)[0]
        return self.evaluate(images)

    def _require_agreement(self, images: Tensor) -> None:
        with torch.no_grad(), self._same_buffers():
            expected = tensors_of(self.module(images))
        with torch.no_grad(), self._same_buffers():
            self._contiguous_parameters()
            found = self._without_gradients(images.contiguous(), 0)
        for one, other in zip(found, expected, strict=True):
            if other.isfinite().all() and (one - other).norm() > _TOLERANCE * other.norm() + 1e-6:
                raise KernelError("its results differ from PyTorch's")

    @contextlib.contextmanager
    def _same_buffers(self) -> Iterator[None]:
        """Leave the module's buffers as they were."""
        buffers = [(buffer, buffer.clone()) for buffer in self.module.buffers()]
        try:
            yield
        finally:
            for buffer, before in buffers:
                if not buffer.equal(before):
                    buffer.copy_(before)

    def evaluate(self, images: Tensor) -> list[Tensor]:
        """Compute the outputs in evaluation mode, without gradients."""
        return self.program.evaluate(images, threads=torch.get_num_threads())

    def forward(self, images: Tensor, seed: int) -> tuple[list[Tensor], Context]:
        """Compute the outputs in training mode, and what the backward pass needs."""
        return self.program.forward(images, seed=seed, threads=torch.get_num_threads())

    def forward_again(self, images: Tensor, seed: int) -> Context:
        """Compute what a further backward pass needs; running averages stay."""
        with self._same_buffers():
            return self.forward(images, seed)[1]

    @contextlib.contextmanager
    def modes(self) -> Iterator[None]:
        """Put the module's parts in the modes that they were traced in, for the time being."""
        now = [(part, part.training) for part, _ in self._modes]
        try:
            for part, mode in self._modes:
                part.training = mode
            yield
        finally:
            for part, mode in now:
                part.training = mode


class _Training(torch.autograd.Function):
    """Forward and backward on the kernels."""

    @staticmethod
    def forward(
        ctx: Any, planned: PlannedForward, seed: int, images: Tensor, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        outputs, ctx.context = planned.forward(images, seed)
        ctx.planned, ctx.seed = planned, seed
        ctx.save_for_backward(images, *parameters)
        ctx.set_materialize_grads(False)
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        _refuse_second_order()
        # Complains, as PyTorch does, if an optimiser has changed one since.
        images = ctx.saved_tensors[0]
        # The kernels write gradients over the values, which a second backward pass computes anew.
        context = ctx.context or ctx.planned.forward_again(images, ctx.seed)
        ctx.context = None
        found, of_images = ctx.planned.program.backward(
            context, gradients, ctx.needs_input_grad[3:]
        )
        return None, None, of_images if ctx.needs_input_grad[2] else None, *found


class _Evaluation(torch.autograd.Function):
    """Forward on the kernels. Backward, which few ask for in evaluation mode, on PyTorch."""

    @staticmethod
    def forward(
        ctx: Any, planned: PlannedForward, images: Tensor, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.planned = planned
        ctx.save_for_backward(images, *parameters)
        return tuple(planned.evaluate(images))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        _refuse_second_order()
        given: list[Tensor] = list(ctx.saved_tensors)
        needed = ctx.needs_input_grad[1:]
        with torch.enable_grad(), ctx.planned.modes():
            given[0] = given[0].detach().requires_grad_(needed[0])
            outputs = tensors_of(ctx.planned.module(given[0]))
        wanted = [tensor for tensor, need in zip(given, needed, strict=True) if need]
        found = iter(torch.autograd.grad(outputs, wanted, gradients, allow_unused=True))
        return None, *(next(found) if need else None for need in needed)


def _refuse_second_order() -> None:
    # Gradients are on in a backward pass if it is to be differentiated itself.
    if torch.is_grad_enabled():
        raise KernelError(
            "the native kernels compute no gradients of gradients (create_graph=True); call the"
            " model as it was before accelerate or torch.compile"
        )


def tensors_of(outputs: Any) -> list[Tensor]:
    """Return the tensors that a module returned, in the order of a plan's outputs."""
    return [leaf for leaf in torch.utils._pytree.tree_leaves(outputs) if isinstance(leaf, Tensor)]


def is_followed(images: Any) -> bool:
    """Return whether something that exports or analyses the model runs it, on no real images."""
    kinds = (Tensor, nn.Parameter)
    return isinstance(images, Tensor) and (
        type(images) not in kinds or bool(torch._C._get_tracing_state())
    )


def why_not_images(images: Tensor) -> str:
    """Say why the kernels cannot take these images; nothing if they can."""
    if images.device.type != "cpu" or images.dtype != torch.float32:
        dtype = str(images.dtype).removeprefix("torch.")
        return f"images are {dtype} on {images.device.type}, not float32 on the CPU"
    if torch.is_autocast_enabled("cpu"):
        return "autocast is on"
    return "" if images.dim() and len(images) else "there are no images in the batch"


def shape_of(tensors: Iterable[tuple[str, Tensor | None]]) -> list[Any]:
    """Return what a plan depends on of a module's tensors: their shapes, and versions of those
    that are no numbers to compute with, such as masks.
    """
    return [
        None
        if tensor is None or nn.parameter.is_lazy(tensor)
        else (tensor.shape, tensor.dtype)
        if tensor.is_floating_point() or name.endswith("num_batches_tracked")
        else (id(tensor), tensor._version)
        for name, tensor in tensors
    ]


def say(reason: str) -> None:
    """Warn that PyTorch runs a forward pass, on the line of the user's that calls the module."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(
        f"mnistlab: PyTorch runs the forward pass: {reason}", RuntimeWarning, stacklevel=level
    )
