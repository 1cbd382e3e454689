"""Backend: how batches are trained on and logits computed, by the fast layers or by plain
PyTorch.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.kernels import AugmentationParams, EpochBatches, Plan, load_library
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations import augment
from mnistlab.training.inference import compute_logits
from mnistlab.training.input import normalise, to_unit
from mnistlab.training.randomness import seed_global

KERNELS = ("auto", "torch")
IMAGES_A_CALL = 2048
"""Some ten milliseconds of work; between two calls progress is told and signals are heeded."""


class Backend(Protocol):
    """Trains a model on batches of a pass, and computes its logits.

    Attributes:
        kernels: the name of the build, or ``torch``.
        reason: why it is plain PyTorch; empty if it is not.
        batches_a_call: after how many batches progress is worth telling.
        operations: floating-point operations of a step per image, of its products alone; 0 if not
            known.
    """

    kernels: str
    reason: str
    batches_a_call: int
    operations: int

    def train(self, work: EpochBatches, first: int, last: int) -> None:
        """Train on batches ``first`` to before ``last``; fill in their losses and hits."""

    def watch(self, work: EpochBatches) -> Callable[[int], None]:
        """Return what lets a batch, given by its number, through the model as training does, and
        trains nothing.

        The momentum that batch normalisations have now is the one that counts.
        """

    def logits(self, images: Tensor) -> Tensor:
        """Return float32 ``(n, classes)`` of uint8 images, as evaluation computes them."""


class NativeBackend:
    """The fast layers: whole batches in one call, the same bits on any number of threads."""

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
        self.batches_a_call = max(1, IMAGES_A_CALL // recipe.batch_size)
        self.operations = plan.operations
        self._plan, self._model, self._recipe = plan, model, recipe
        self._optimizer, self._averages = optimizer, averages
        self._threads = torch.get_num_threads()

    def train(self, work: EpochBatches, first: int, last: int) -> None:
        """See :class:`Backend`."""
        self._plan.train(
            work,
            first,
            last,
            self._optimizer,
            smoothing=self._recipe.label_smoothing,
            averages=self._averages,
            decay=self._recipe.averaging,
            threads=self._threads,
        )

    def watch(self, work: EpochBatches) -> Callable[[int], None]:
        """See :class:`Backend`."""
        shape, recipe = self._plan.image_shape, self._recipe
        plan = Plan(self._model, shape, self._plan.classes, mean=recipe.mean, std=recipe.std)
        return lambda batch: plan.train(work, batch, batch + 1, None, threads=self._threads)

    def logits(self, images: Tensor) -> Tensor:
        """See :class:`Backend`."""
        return self._plan.logits(images, threads=self._threads)


class TorchBackend:
    """Plain PyTorch, on any device and for any model."""

    kernels = "torch"
    batches_a_call = 1
    operations = 0

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        optimizer: torch.optim.Optimizer,
        averages: list[Tensor],
        device: torch.device,
        reason: str,
    ) -> None:
        self.reason = reason
        self._model, self._recipe, self._optimizer, self._averages = (
            model,
            recipe,
            optimizer,
            averages,
        )
        self._device = device

    def train(self, work: EpochBatches, first: int, last: int) -> None:
        """See :class:`Backend`."""
        for batch in range(first, last):
            start, stop, augmentation = self._begin(work, batch)
            work.losses[batch], work.correct[batch] = self._step(
                work.images,
                work.labels,
                work.order[start:stop],
                augmentation,
                float(work.rates[batch]),
            )

    def watch(self, work: EpochBatches) -> Callable[[int], None]:
        """See :class:`Backend`."""

        @torch.no_grad()
        def see(batch: int) -> None:
            start, stop, augmentation = self._begin(work, batch)
            self._model.train()
            self._model(self._pixels(work.images[work.order[start:stop]], augmentation))

        return see

    def logits(self, images: Tensor) -> Tensor:
        """See :class:`Backend`."""
        return compute_logits(self._model, images, self._recipe)

    def _begin(self, work: EpochBatches, batch: int) -> tuple[int, int, AugmentationParams]:
        start, stop = work.bounds[batch : batch + 2].tolist()
        # Dropout draws from the global state, which the run keeps to itself.
        seed_global(int(work.dropout_seeds[batch]), self._device)
        return start, stop, work.augmentation.of(start, stop, self._device)

    def _pixels(self, images: Tensor, augmentation: AugmentationParams) -> Tensor:
        return normalise(augment(to_unit(images), augmentation), self._recipe)

    def _step(
        self,
        images: Tensor,
        labels: Tensor,
        chosen: Tensor,
        augmentation: AugmentationParams,
        rate: float | Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Train on the chosen images; return their mean loss, and how many were classified
        rightly.
        """
        pixels, labels = self._pixels(images[chosen], augmentation), labels[chosen]
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad()
        logits = self._model(pixels)
        loss = functional.cross_entropy(
            logits, labels, label_smoothing=self._recipe.label_smoothing
        )
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        with torch.no_grad():
            for average, parameter in zip(
                self._averages, self._model.parameters(), strict=bool(self._averages)
            ):
                average.lerp_(parameter, 1 - self._recipe.averaging)
        return loss.detach(), (logits.detach().argmax(dim=1) == labels).sum()
