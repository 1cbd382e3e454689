"""TorchBackend: training in plain PyTorch, for any device and any model."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mnistlab.kernels import AugmentationParams, EpochBatches
from mnistlab.recipe import ModelInput, Recipe
from mnistlab.training.augmentations import augment, mix_targets
from mnistlab.training.inference import compute_logits
from mnistlab.training.input import normalise, to_float
from mnistlab.training.loss import Loss
from mnistlab.training.optimizers import Update
from mnistlab.training.randomness import seed_global


class TorchBackend:
    """A :class:`mnistlab.training.backend.Backend` in plain PyTorch, for any device and model."""

    kernels = "torch"
    batches_per_call = 1
    flops = 0

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        update: Update,
        loss: Loss,
        model_input: ModelInput,
        device: torch.device,
        reason: str,
    ) -> None:
        self.reason = reason
        self._model, self._recipe = model, recipe
        self._update, self._loss = update, loss
        self._input = model_input
        self._device = device

    def train(self, batches: EpochBatches, first: int, last: int) -> None:
        """See :class:`mnistlab.training.backend.Backend`."""
        for batch in range(first, last):
            start, stop, augmentation = self._begin(batches, batch)
            batches.losses[batch], batches.correct[batch] = self._step(
                batches.images,
                batches.labels,
                batches.order[start:stop],
                augmentation,
                float(batches.rates[batch]),
            )

    def forward_only(self, batches: EpochBatches) -> Callable[[int], None]:
        """See :class:`mnistlab.training.backend.Backend`."""

        @torch.no_grad()
        def forward(batch: int) -> None:
            start, stop, augmentation = self._begin(batches, batch)
            self._model.train()
            self._model(self._pixels(batches.images[batches.order[start:stop]], augmentation))

        return forward

    def logits(self, images: Tensor) -> Tensor:
        """See :class:`mnistlab.training.backend.Backend`."""
        return compute_logits(self._model, images, self._input)

    def _begin(self, batches: EpochBatches, batch: int) -> tuple[int, int, AugmentationParams]:
        start, stop = batches.bounds[batch : batch + 2].tolist()
        # nn.Dropout draws from PyTorch's global generator, which the caller has forked.
        seed_global(int(batches.dropout_seeds[batch]), self._device)
        return start, stop, batches.augmentation.of(start, stop, self._device)

    def _pixels(self, images: Tensor, augmentation: AugmentationParams) -> Tensor:
        return normalise(augment(to_float(images), augmentation), self._input)

    def _step(
        self,
        images: Tensor,
        labels: Tensor,
        chosen: Tensor,
        augmentation: AugmentationParams,
        rate: float | Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Train on the chosen images; return their mean loss and how many were correct."""
        pixels, labels = self._pixels(images[chosen], augmentation), labels[chosen]
        self._update.optimizer.zero_grad()
        logits = self._model(pixels)
        targets = mix_targets(labels, logits.shape[1], augmentation)
        loss = self._loss(logits, targets)
        self._loss.backward(loss)
        self._update(rate)
        return loss.detach(), count_correct(logits, labels, targets)


def count_correct(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Return how many images are classified as their label, or, of a mixed one, as the label of the
    larger share.
    """
    leading = labels if targets is labels else _leading(labels, targets)
    return (logits.detach().argmax(dim=1) == leading).sum()


def _leading(labels: Tensor, targets: Tensor) -> Tensor:
    """Return the class with the largest share of each target; of two halves, the image's own."""
    own = targets.gather(1, labels.unsqueeze(1)).squeeze(1)
    return torch.where(targets.amax(dim=1) > own, targets.argmax(dim=1), labels)
