"""Backend: trains on batches and computes logits, with the native kernels or with PyTorch."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from mnistlab.errors import KernelError
from mnistlab.kernels import (
    EpochBatches,
    Plan,
    Profile,
    load_library,
    make_plan,
    measure_profile,
    why_not_fused,
)
from mnistlab.recipe import ModelInput, Recipe
from mnistlab.training.augmentations import mix_targets, without_native_kernel
from mnistlab.training.cuda_graph import CudaGraphBackend
from mnistlab.training.device import torch_threads
from mnistlab.training.exact_functions import ExactFunctions
from mnistlab.training.inference import images_at_once
from mnistlab.training.loss import Loss
from mnistlab.training.optimizers import Update, why_not_captured
from mnistlab.training.randomness import seed_global
from mnistlab.training.torch_backend import TorchBackend, count_correct

_CPU = torch.device("cpu")
KERNELS = ("auto", "torch")
AS_BEGUN = "as the run began"
"""Of a run that began on PyTorch, and is resumed on it for the same bits."""
_TORCH = {"torch": "requested", AS_BEGUN: AS_BEGUN}
"""Why there is PyTorch in any case."""
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
    """The native kernels: several batches per call, the same bits on any number of threads.

    A loss of the user's own is computed between their forward and their backward pass, and
    gradients are clipped between theirs and the step. Where they have no step of the optimiser,
    PyTorch takes it.
    """

    reason = ""

    def __init__(
        self,
        plan: Plan,
        model: nn.Module,
        recipe: Recipe,
        update: Update,
        loss: Loss,
        model_input: ModelInput,
    ) -> None:
        self.kernels = load_library().build
        self.batches_per_call = max(1, IMAGES_PER_CALL // recipe.batch_size)
        self.flops = plan.flops
        self._plan, self._model, self._recipe = plan, model, recipe
        self._input = model_input
        self._update, self._loss = update, loss
        self._steps = not why_not_fused(update.optimizer)
        self.takes_step = self._steps and not (loss.function or update.clips)
        """Whether the kernels take the optimiser's step in the same call."""
        self._threads = torch.get_num_threads()

    def train(self, batches: EpochBatches, first: int, last: int) -> None:
        """See :class:`Backend`."""
        if self.takes_step:
            self._train(batches, first, last, self._update.optimizer)
            return
        # The bits of PyTorch's sums depend on the number of threads.
        with torch_threads(1):
            for batch in range(first, last):
                if self._loss.function:
                    self._train_on_own_loss(batches, batch)
                else:
                    self._train(batches, batch, batch + 1, None)
                self._step(batches, batch)

    def _step(self, batches: EpochBatches, batch: int) -> None:
        rate = float(batches.rates[batch])
        if self._steps:
            self._update.clip()
            averages, decay = self._update.averages, self._recipe.averaging
            self._plan.step(self._update.optimizer, rate, averages=averages, decay=decay)
            return
        # For optimisers that draw random numbers.
        seed_global(int(batches.dropout_seeds[batch]), _CPU)
        with ExactFunctions():
            self._update(rate)

    def profile(self, batches: EpochBatches, rounds: int) -> Profile:
        """Train on all batches ``rounds`` times, and say where the kernels' time goes.

        A step that PyTorch takes is not taken, see :attr:`takes_step`.

        Raises:
            KernelError: PyTorch computes the loss.
        """
        if self._loss.function:
            raise KernelError(f"PyTorch computes the loss {self._loss.name}; there is no profile")
        optimizer = self._update.optimizer if self.takes_step else None
        return measure_profile(
            self._plan, batches, optimizer, rounds=rounds, **self._options(optimizer)
        )

    def _train_on_own_loss(self, batches: EpochBatches, batch: int) -> None:
        start, stop = batches.bounds[batch : batch + 2].tolist()
        labels = batches.labels[batches.order[start:stop]]
        logits, context = self._plan.forward(batches, batch, threads=self._threads)
        logits.requires_grad_()
        augmentation = batches.augmentation.of(start, stop, _CPU)
        targets = mix_targets(labels, logits.shape[1], augmentation)
        loss = self._loss(logits, targets)
        self._loss.backward(loss)
        batches.losses[batch] = loss.detach()
        batches.correct[batch] = count_correct(logits, labels, targets)
        zero = torch.zeros_like(logits)
        self._plan.backward(context, zero if logits.grad is None else logits.grad)

    def _train(
        self,
        batches: EpochBatches,
        first: int,
        last: int,
        optimizer: torch.optim.Optimizer | None,
    ) -> None:
        self._plan.train(batches, first, last, optimizer, **self._options(optimizer))

    def _options(self, optimizer: torch.optim.Optimizer | None) -> dict[str, Any]:
        averaging = {"averages": self._update.averages, "decay": self._recipe.averaging}
        return {
            "loss": self._loss.name,
            "smoothing": self._loss.label_smoothing,
            "class_weights": self._loss.weights,
            "threads": self._threads,
            **(averaging if optimizer else {}),
        }

    def forward_only(self, batches: EpochBatches) -> Callable[[int], None]:
        """See :class:`Backend`."""
        # A new plan, since a plan keeps the momentum that it was made with.
        plan = Plan(
            self._model,
            self._input.shape,
            self._plan.classes,
            mean=self._input.mean,
            std=self._input.std,
        )
        return lambda batch: plan.train(batches, batch, batch + 1, None, threads=self._threads)

    def logits(self, images: Tensor) -> Tensor:
        """See :class:`Backend`."""
        return self._plan.logits(images, threads=self._threads)


def choose_backend(
    model: nn.Module,
    recipe: Recipe,
    update: Update,
    loss: Loss,
    model_input: ModelInput,
    classes: int,
    device: torch.device,
    kernels: str,
) -> Backend:
    """Return the native kernels if they support the model on this device, else PyTorch.

    Args:
        model: on ``device``.
        recipe: its augmentation and ``averaging`` are used.
        update: the step of the model's parameters.
        loss: what is minimised.
        model_input: the shape of the model's input, and how it is normalised.
        classes: number of logits.
        device: the native kernels run on the CPU only.
        kernels: ``auto``, or ``torch`` for PyTorch in any case, or :data:`AS_BEGUN`.
    """
    reason = (
        "" if device.type == "cpu" else f"the native kernels run on the CPU, not on {device.type}"
    )
    reason = _TORCH.get(kernels, reason)
    if not reason and (kinds := without_native_kernel(recipe)):
        reason = f"augmentation {', '.join(kinds)} has no native kernel"
    if not reason:
        try:
            plan = make_plan(
                model,
                model_input.shape,
                classes,
                mean=model_input.mean,
                std=model_input.std,
                images=images_at_once(recipe.batch_size),
            )
            return NativeBackend(plan, model, recipe, update, loss, model_input)
        except KernelError as error:
            reason = str(error)
    if device.type == "cuda":
        why_not = why_not_captured(update.optimizer)
        if loss.function:
            why_not = f"a CUDA graph may not capture the loss {loss.name}"
        if not why_not:
            return CudaGraphBackend(model, recipe, update, loss, model_input, device, reason)
        reason = f"{reason}; {why_not}"
    return TorchBackend(model, recipe, update, loss, model_input, device, reason)
