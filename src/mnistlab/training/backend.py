"""Backend: trains on batches and computes logits, with the native kernels or with PyTorch."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from mnistlab.errors import KernelError
from mnistlab.kernels import EpochBatches, Plan, load_library, make_plan
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations import without_native_kernel
from mnistlab.training.cuda_graph import CudaGraphBackend
from mnistlab.training.torch_backend import TorchBackend

KERNELS = ("auto", "torch")
IMAGES_PER_CALL = 2048
"""About ten milliseconds of computation; between two calls, progress is reported and signals are
handled."""


class Backend(Protocol):
    """Trains a model on an epoch's batches, and computes its logits.

    Attributes:
        kernels: the build of the native kernels, or ``torch``.
        reason: why it is PyTorch and not the native kernels; empty for the native kernels.
        batches_per_call: number of batches to train on before progress is reported.
        flops: floating-point operations of a training step per image, of convolutions and linear
            layers only; 0 if unknown.
    """

    kernels: str
    reason: str
    batches_per_call: int
    flops: int

    def train(self, batches: EpochBatches, first: int, last: int) -> None:
        """Train on batches ``first`` to ``last - 1``, and fill in their losses and ``correct``."""

    def forward_only(self, batches: EpochBatches) -> Callable[[int], None]:
        """Return a function that runs batch ``i`` through the model in training mode, untrained.

        Batch norm's momentum is read when this is called, not when the function is.
        """

    def logits(self, images: Tensor) -> Tensor:
        """Return float32 ``(n, classes)`` of uint8 images, in evaluation mode."""


class NativeBackend:
    """The native kernels: several batches per call, the same bits on any number of threads."""

    reason = ""

    def __init__(
        self,
        plan: Plan,
        model: nn.Module,
        recipe: Recipe,
        optimizer: torch.optim.Optimizer,
        averages: list[Tensor],
    ) -> None:
        self.kernels = load_library().build
        self.batches_per_call = max(1, IMAGES_PER_CALL // recipe.batch_size)
        self.flops = plan.flops
        self._plan, self._model, self._recipe = plan, model, recipe
        self._optimizer, self._averages = optimizer, averages
        self._threads = torch.get_num_threads()

    def train(self, batches: EpochBatches, first: int, last: int) -> None:
        """See :class:`Backend`."""
        self._plan.train(
            batches,
            first,
            last,
            self._optimizer,
            smoothing=self._recipe.label_smoothing,
            averages=self._averages,
            decay=self._recipe.averaging,
            threads=self._threads,
        )

    def forward_only(self, batches: EpochBatches) -> Callable[[int], None]:
        """See :class:`Backend`."""
        old = self._plan
        # A new plan, since a plan keeps the momentum that it was made with.
        plan = Plan(self._model, old.image_shape, old.classes, mean=old.mean, std=old.std)
        return lambda batch: plan.train(batches, batch, batch + 1, None, threads=self._threads)

    def logits(self, images: Tensor) -> Tensor:
        """See :class:`Backend`."""
        return self._plan.logits(images, threads=self._threads)


def choose_backend(
    model: nn.Module,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    averages: list[Tensor],
    image_shape: tuple[int, int, int],
    classes: int,
    device: torch.device,
    kernels: str,
) -> Backend:
    """Return the native kernels if they support the model on this device, else PyTorch.

    Args:
        model: on ``device``.
        recipe: its augmentation, ``mean``, ``std``, ``label_smoothing`` and ``averaging`` are used.
        optimizer: of the model's parameters.
        averages: the EMA of ``model.parameters()``, or empty.
        image_shape: ``(channels, height, width)`` of the model's input.
        classes: number of logits.
        device: the native kernels run on the CPU only.
        kernels: ``auto``, or ``torch`` for PyTorch in any case.
    """
    reason = (
        "" if device.type == "cpu" else f"the native kernels run on the CPU, not on {device.type}"
    )
    if kernels == "torch":
        reason = "requested"
    if not reason and (kinds := without_native_kernel(recipe)):
        reason = f"augmentation {', '.join(kinds)} has no native kernel"
    if not reason:
        try:
            plan = make_plan(model, image_shape, classes, mean=recipe.mean, std=recipe.std)
            return NativeBackend(plan, model, recipe, optimizer, averages)
        except KernelError as error:
            reason = str(error)
    if device.type == "cuda":
        return CudaGraphBackend(model, recipe, optimizer, averages, device, reason)
    return TorchBackend(model, recipe, optimizer, averages, device, reason)
