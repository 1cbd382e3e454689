"""PlannedForward: a forward pass on the native kernels, as one function of PyTorch's autograd."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mnistlab.kernels import Program, fuse, trace_mode

_BY_MODE = ("batch_norm", "dropout")
"""Operations, by parts of their names, that do something else in evaluation mode."""


class PlannedForward:
    """The forward pass of a module whose weights, running averages and gradients stay PyTorch's.

    Args:
        module: takes one batch of images. It is traced in the mode that it is in.
        image_shape: of one image.
        input_gradient: whether gradients of the images may be asked for.

    Raises:
        KernelError: something in the forward pass has no native kernel, or the library cannot be
            loaded.
    """

    def __init__(
        self, module: nn.Module, image_shape: tuple[int, ...], *, input_gradient: bool
    ) -> None:
        graph = fuse(trace_mode(module, image_shape))
        self.module, self.program = module, Program(graph, input_gradient=input_gradient)
        names = [node.operation for node in graph.nodes]
        self.by_mode = any(part in name for name in names for part in _BY_MODE)
        """Whether something else is computed in evaluation mode."""
        self._random = any("dropout" in name for name in names)

    def __call__(self, images: Tensor, *, training: bool) -> Any:
        """Compute the outputs.

        Args:
            images: float32, ``(n, *image_shape)``.
            training: whether in training mode. Dropout draws from PyTorch's generator.

        Returns:
            A sequence of all tensors that the module returns, with gradients where PyTorch would
            have them.
        """
        parameters = self.program.parameters
        differentiable = torch.is_grad_enabled() and any(
            tensor.requires_grad for tensor in (images, *parameters)
        )
        if not training and (self.by_mode or not differentiable):
            if differentiable:
                return _Evaluation.apply(self, images, *parameters)  # type: ignore[no-untyped-call]
            return self.program.evaluate(images, threads=torch.get_num_threads())
        seed = int(torch.randint(2**62, ())) if self._random else 0
        if differentiable:
            return _Training.apply(self, seed, images, *parameters)  # type: ignore[no-untyped-call]
        return self.forward(images, seed)[0]

    def forward(self, images: Tensor, seed: int) -> tuple[list[Tensor], Any]:
        """Compute the outputs in training mode, and what the backward pass needs."""
        return self.program.forward(images, seed=seed, threads=torch.get_num_threads())

    def forward_again(self, images: Tensor, seed: int) -> Any:
        """Compute what a further backward pass needs; running averages stay."""
        buffers = [(buffer, buffer.clone()) for buffer in self.module.buffers()]
        context = self.forward(images, seed)[1]
        for buffer, before in buffers:
            buffer.copy_(before)
        return context


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
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
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
        return tuple(planned.program.evaluate(images, threads=torch.get_num_threads()))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        given: list[Tensor] = list(ctx.saved_tensors)
        needed = ctx.needs_input_grad[1:]
        with torch.enable_grad(), in_evaluation(ctx.planned.module):
            given[0] = given[0].detach().requires_grad_(needed[0])
            outputs = tensors_of(ctx.planned.module(given[0]))
        wanted = [tensor for tensor, need in zip(given, needed, strict=True) if need]
        found = iter(torch.autograd.grad(outputs, wanted, gradients, allow_unused=True))
        return None, *(next(found) if need else None for need in needed)


def tensors_of(outputs: Any) -> list[Tensor]:
    """Return the tensors that a module returned, in the order of a plan's outputs."""
    return [leaf for leaf in torch.utils._pytree.tree_leaves(outputs) if isinstance(leaf, Tensor)]


def why_not_images(images: Any) -> str:
    """Say why the kernels cannot take these images; nothing if they can."""
    if type(images) not in (Tensor, nn.Parameter) or torch.jit.is_tracing():
        return "they are followed by something that exports or analyses the model"
    if images.device.type != "cpu" or images.dtype != torch.float32:
        return f"images are {images.dtype} on {images.device.type}, not float32 on the CPU"
    if torch.is_autocast_enabled("cpu"):
        return "autocast is on"
    return "" if images.dim() and len(images) else "there are no images in the batch"


def say(reason: str) -> None:
    """Warn that PyTorch runs a forward pass."""
    warnings.warn(
        f"mnistlab: PyTorch runs the forward pass: {reason}", RuntimeWarning, stacklevel=4
    )


@contextlib.contextmanager
def in_evaluation(module: nn.Module) -> Iterator[None]:
    """Put all parts of a module in evaluation mode for the time being."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        for part, _ in modes:
            part.training = False
        yield
    finally:
        for part, mode in modes:
            part.training = mode
