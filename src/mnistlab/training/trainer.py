"""Trainer: one run in progress, from random weights to the last epoch."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnistlab.data import Dataset, read_views
from mnistlab.errors import DataError, ModelError, TrainingError
from mnistlab.kernels import EpochBatches
from mnistlab.models import build_model, count_parameters
from mnistlab.models.user_errors import is_user_model, user_errors
from mnistlab.recipe import Recipe, Source, read_source
from mnistlab.runs import EpochMetrics
from mnistlab.training.augmentations import draw_augmentation
from mnistlab.training.averaging import STATISTICS_IMAGES, Averaging, estimate_statistics
from mnistlab.training.backend_choice import choose_backend
from mnistlab.training.events import BatchDone, EpochDone, Listener
from mnistlab.training.inference import score
from mnistlab.training.input import fit_images, input_shape
from mnistlab.training.randomness import derive_seed, generator, isolated, seed_global
from mnistlab.training.sanity_check import check_trainable
from mnistlab.training.schedule import learning_rates

_CPU = torch.device("cpu")


class Trainer:
    """A model, its optimiser, the images, and how far training has come.

    Between two batches the public attributes are all there is to know: who saves them and puts them
    back goes on as if nothing had happened, since every random number follows from the seed, the
    epoch and the batch.

    Args:
        recipe: what to train.
        dataset: the images.
        seed: decides the weights, the order of images, augmentation and dropout.
        device: where to train.
        kernels: ``auto`` or ``torch``, see :func:`mnistlab.training.backend_choice.choose_backend`.
        source: the code of a model of the user's own; ``None`` reads it.

    Raises:
        ModelError: the model does not fit the images.
        DataError: a single training image.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        seed: int,
        device: torch.device,
        kernels: str = "auto",
        source: Source | None = None,
    ) -> None:
        self.recipe = recipe
        self.source = source or read_source(recipe.model)
        self.seed = seed
        self.device = device
        self.bounds = batch_bounds(len(dataset.train), recipe.batch_size)
        shape, classes = input_shape(dataset.train, recipe), len(dataset.classes)
        self._classes = classes
        with isolated(device):
            seed_global(derive_seed(seed, "weights"), device)
            model = build_model(recipe, shape, classes, self.source)
            if is_user_model(recipe.model):
                check_trainable(
                    model, recipe.model, shape, min(stop - start for start, stop in self.bounds)
                )
        with user_errors(recipe.model, "preparing to train it", ModelError):
            self.model = model.to(device)
            self.parameters = count_parameters(model)
            self.optimizer = make_optimizer(model, recipe, device)
            self.averaging = Averaging(model, recipe)
            self.backend = choose_backend(
                model,
                recipe,
                self.optimizer,
                self.averaging.moving,
                shape,
                classes,
                device,
                kernels,
            )
        self._train_images = fit_images(dataset.train.images, recipe).to(device).contiguous()
        self._train_labels = torch.from_numpy(dataset.train.labels).to(device)
        self._test_images = fit_images(dataset.test.images, recipe).to(device).contiguous()
        self._images_to_move = dataset.test.images if recipe.shifts else None
        self._test_labels = torch.from_numpy(dataset.test.labels).to(device)
        self.history: list[EpochMetrics] = []
        self.batch = 0
        """Batches done of the epoch behind ``history``."""
        self.seconds = 0.0
        """Training time spent on that epoch so far."""
        self.losses = torch.zeros(len(self.bounds), device=device)
        """float32, ``(batches,)``: each batch's mean loss in that epoch."""
        self.correct = torch.zeros(len(self.bounds), dtype=torch.int32, device=device)
        """int32, ``(batches,)``: images of each batch classified rightly in that epoch."""

    @property
    def epoch(self) -> int:
        """The epoch in progress, from 1."""
        return len(self.history) + 1

    def run(self, on_event: Listener, should_stop: Callable[[], bool]) -> bool:
        """Train until the recipe's last epoch is done, or until ``should_stop``, asked before every
        batch or every few.

        Returns:
            Whether training is finished.

        Raises:
            TrainingError: the loss is not finite, or a model of the user's own raised.
        """
        with isolated(self.device):
            while len(self.history) < self.recipe.epochs:
                if not self._train_epoch(on_event, should_stop):
                    return False
                with user_errors(self.recipe.model, f"the test after epoch {self.epoch}"):
                    metrics = self._measure_epoch()
                self.history.append(metrics)
                self.batch, self.seconds = 0, 0.0
                on_event(EpochDone(self.recipe.epochs, metrics))
        return True

    def test_logits(self) -> Tensor:
        """Return the logits of all test images under the current weights, float32, ``(n,
        classes)``.

        With the recipe's ``shifts`` they are the logarithms of the probabilities' mean over all
        copies of an image.
        """
        if self._images_to_move is None:
            return self.backend.logits(self._test_images)

        def read(images: NDArray[np.uint8]) -> NDArray[np.float32]:
            return (
                self.backend.logits(fit_images(images, self.recipe).to(self.device).contiguous())
                .cpu()
                .numpy()
            )

        return torch.from_numpy(read_views(read, self._images_to_move, self.recipe.shifts)).to(
            self.device
        )

    def score_training(self) -> tuple[float, float]:
        """Return the mean loss in nats and the accuracy on the training images, as they are, under
        current weights.
        """
        with user_errors(self.recipe.model, "reading the training images in the end"):
            loss, accuracy = self._score(
                self.backend.logits(self._train_images), self._train_labels
            )
        if not math.isfinite(loss):
            raise TrainingError(
                f"{self.recipe.model}: the loss of the training images is not finite in the end"
            )
        return loss, accuracy

    def _score(self, logits: Tensor, labels: Tensor) -> tuple[float, float]:
        """Return the mean loss in nats and the accuracy.

        Raises:
            TrainingError: not a row of logits an image, one a class.
        """
        if logits.shape != (len(labels), self._classes):
            raise TrainingError(
                f"{self.recipe.model}: gives {tuple(logits.shape)} for {len(labels):,} images; it"
                f" must give {(len(labels), self._classes)}"
            )
        return score(logits, labels)

    def adopt_averages(self) -> Callable[[], None]:
        """Put the averages, if there are any, in the place of the weights; return what undoes
        it.
        """
        epoch = len(self.history) + (self.batch == len(self.bounds))
        return self.averaging.adopt(epoch, lambda: self._estimate_statistics(epoch))

    def _train_epoch(self, on_event: Listener, should_stop: Callable[[], bool]) -> bool:
        began, spent = time.perf_counter(), self.seconds
        work = self.plan_epoch(self.epoch)
        with user_errors(self.recipe.model, f"beginning epoch {self.epoch}"):
            self.model.train()
        while self.batch < len(self.bounds):
            if should_stop():
                return False
            last = min(self.batch + self.backend.batches_a_call, len(self.bounds))
            with user_errors(
                self.recipe.model,
                f"epoch {self.epoch}, batch {self.batch + 1} of {len(self.bounds)}",
            ):
                self.backend.train(work, self.batch, last)
            self.batch = last
            self.seconds = spent + time.perf_counter() - began
            on_event(BatchDone(self.epoch, self.batch, len(self.bounds)))
        return True

    def plan_epoch(self, epoch: int) -> EpochBatches:
        """Draw all that is random in an epoch, anew at each call and alike."""
        count, batches = len(self._train_labels), len(self.bounds)
        (height, width), random = (
            self._train_images.shape[2:],
            generator(self.seed, "augmentation", epoch),
        )
        return EpochBatches(
            images=self._train_images,
            labels=self._train_labels,
            order=torch.randperm(count, generator=generator(self.seed, "order", epoch)).to(
                self.device
            ),
            bounds=torch.tensor([0, *(stop for _, stop in self.bounds)]),
            # At once, so that no batch waits for a copy to an accelerator.
            augmentation=draw_augmentation(self.recipe, count, (height, width), random).of(
                0, count, self.device
            ),
            rates=learning_rates(self.recipe, epoch, batches),
            dropout_seeds=torch.tensor(
                [derive_seed(self.seed, "dropout", epoch, batch) for batch in range(batches)]
            ),
            losses=self.losses,
            correct=self.correct,
        )

    def _estimate_statistics(self, epoch: int) -> None:
        """Estimate those of batch normalisations on images as that epoch's training saw them."""
        work = replace(
            self.plan_epoch(epoch), losses=self.losses.clone(), correct=self.correct.clone()
        )
        batches = min(len(self.bounds), math.ceil(STATISTICS_IMAGES / self.recipe.batch_size))
        with isolated(self.device):
            estimate_statistics(self.model, lambda: self.backend.watch(work), batches)

    def _measure_epoch(self) -> EpochMetrics:
        began = time.perf_counter()
        sizes = torch.tensor([stop - start for start, stop in self.bounds], dtype=torch.float64)
        images = len(self._train_labels)
        # Fetching the losses waits for an accelerator to finish, which belongs to training.
        train_loss = (self.losses.cpu().double() @ sizes).item() / images
        train_seconds = self.seconds + time.perf_counter() - began
        began = time.perf_counter()
        self.averaging.take_in(self.epoch)
        give_back = self.adopt_averages()
        try:
            test_loss, test_accuracy = self._score(self.test_logits(), self._test_labels)
        finally:
            give_back()
        if not math.isfinite(train_loss) or not math.isfinite(test_loss):
            rate = f"learning_rate (it is {self.recipe.learning_rate:g})"
            raise TrainingError(f"epoch {self.epoch}: the loss is not finite; lower {rate}")
        return EpochMetrics(
            epoch=self.epoch,
            train_loss=train_loss,
            train_accuracy=int(self.correct.sum()) / images,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            train_seconds=round(train_seconds, 4),
            test_seconds=round(time.perf_counter() - began, 4),
            images_per_second=round(images / train_seconds, 1),
        )


def make_optimizer(
    model: nn.Module, recipe: Recipe, device: torch.device = _CPU
) -> torch.optim.Optimizer:
    """Return the recipe's optimiser of the model's parameters, for a device; on CUDA one that can
    be captured.
    """
    # The fused forms read a learning rate that lies on the device.
    cuda = device.type == "cuda"
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(
            model.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=cuda or None,
            capturable=cuda,
        )
    return torch.optim.SGD(
        model.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=cuda or None,
    )


def batch_bounds(count: int, size: int) -> list[tuple[int, int]]:
    """Cut ``count`` images into batches of ``size``, the last one smaller.

    A last batch of one image, whose batch statistics would be undefined, joins the batch before it.

    Returns:
        Pairs (start, stop).

    Raises:
        DataError: a single image.
    """
    if count < 2:
        raise DataError("a single training image; at least two are needed")
    starts = list(range(0, count, size))
    if size > 1 and len(starts) > 1 and count - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], count], strict=True))
