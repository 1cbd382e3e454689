"""Trainer: the training loop of one run, from initial weights to the last epoch."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnistlab.data import Dataset, Split, read_views
from mnistlab.errors import DataError, ModelError, TrainingError
from mnistlab.kernels import EpochBatches
from mnistlab.models import adopt_model, build_model, count_parameters
from mnistlab.models.user_model import is_user_model, user_errors
from mnistlab.recipe import ModelInput, Recipe, Source, read_code, read_source
from mnistlab.runs import (
    EpochMetrics,
    FrozenWeights,
    InitialWeights,
    class_weight_notes,
    out_of_patience,
    read_initial_weights,
    weight_notes,
)
from mnistlab.training.augmentations import draw_augmentation
from mnistlab.training.averaging import UPDATE_BN_IMAGES, WeightAveraging, update_bn
from mnistlab.training.backend import choose_backend
from mnistlab.training.class_weights import class_weights
from mnistlab.training.early_stopping import EarlyStopping
from mnistlab.training.events import BatchDone, EpochDone, Listener
from mnistlab.training.exact_functions import ExactFunctions
from mnistlab.training.freezing import freeze
from mnistlab.training.inference import score
from mnistlab.training.initial_weights import take_weights
from mnistlab.training.input import build_to_fit, to_size
from mnistlab.training.loss import make_loss
from mnistlab.training.optimizers import Update, make_optimizer, optimizer_notes
from mnistlab.training.outputs import output_notes
from mnistlab.training.randomness import derive_seed, fork_rng, generator, seed_global
from mnistlab.training.sanity_check import check_trainable
from mnistlab.training.schedule import learning_rates, schedule_notes


class Trainer:
    """A model, its optimiser, the images, and the progress of training.

    Between two batches the public attributes are the whole state: a run whose attributes are saved
    and restored continues bit for bit, since every random number follows from the seed, the epoch
    and the batch.

    Args:
        recipe: what to train.
        dataset: the images.
        seed: decides the weights, the order of images, augmentation and dropout.
        device: to train on.
        kernels: ``auto`` or ``torch``, see :func:`mnistlab.training.backend.choose_backend`.
        source: the code of a user model; ``None`` reads it.
        module: a copy of this is trained instead of what ``recipe.model`` names.
        code: that of the recipe's loss and optimiser, see :func:`mnistlab.recipe.read_code`;
            ``None`` reads it.
        weights: of the file that the recipe's ``init`` names, its bytes; ``None`` reads it.

    Raises:
        ModelError: the model does not fit the images, nothing of the initial weights fits it, or a
            loss of the user's own fails.
        RunError: the initial weights cannot be read.
        DataError: there is only one training image or only one class, or no image of a class that
            is to be weighed.
        RecipeError: an optimiser, an option of it or class weights that cannot be.
    """

    def __init__(  # noqa: PLR0913 - what a run consists of
        self,
        recipe: Recipe,
        dataset: Dataset,
        seed: int,
        device: torch.device,
        kernels: str = "auto",
        source: Source | None = None,
        module: nn.Module | None = None,
        code: Mapping[str, Source] | None = None,
        weights: bytes | None = None,
    ) -> None:
        self.recipe = recipe
        self.code = read_code(recipe) if code is None else code
        self.source = source or read_source(recipe.model)
        self.seed = seed
        self.device = device
        self.bounds = batch_bounds(len(dataset.train), recipe.batch_size)
        self._classes = classes = len(dataset.classes)
        if classes == 1:
            raise DataError(
                f"{dataset.name}: all images are of one class, {dataset.classes[0]}; two are"
                " needed, so check which column or folder the labels come from"
            )

        def build(shape: tuple[int, int, int]) -> nn.Module:
            seed_global(derive_seed(seed, "weights"), device)
            if module is None:
                with ExactFunctions():
                    return build_model(recipe, shape, classes, self.source)
            return adopt_model(module, recipe, shape, classes)

        with fork_rng(device):
            model, self.input = build_to_fit(recipe, dataset, build)
            shape = self.input.shape
            self.init: InitialWeights | None = None
            """What the recipe's initial weights gave; ``None`` if it names none."""
            self.frozen: FrozenWeights | None = None
            """What is not trained, since the recipe freezes it; ``None`` if it freezes nothing."""
            if recipe.init:
                content = read_initial_weights(recipe.init) if weights is None else weights
                self.init = take_weights(model, content, recipe.init, recipe.model)
            if recipe.freeze:
                self.frozen = freeze(model, recipe.freeze, shape, recipe.model)
            notes_on_outputs: tuple[str, ...] = ()
            if is_user_model(recipe.model):
                notes_on_outputs = output_notes(model, recipe, self.input)
                check_trainable(
                    model, recipe.model, shape, min(stop - start for start, stop in self.bounds)
                )
        self.class_weights = class_weights(recipe, dataset)
        with fork_rng(device):
            self.loss = make_loss(
                recipe,
                self.class_weights,
                self.code.get("loss"),
                classes,
                min(stop - start for start, stop in self.bounds),
                device,
            )
        with user_errors(recipe.model, "setting up training", ModelError):
            self.model = model.to(device)
            self.parameters = count_parameters(model)
            self.optimizer = make_optimizer(model, recipe, device, self.code.get("optimizer"))
            self.averaging = WeightAveraging(model, recipe)
            self.early_stopping = EarlyStopping(recipe)
            self.backend = choose_backend(
                model,
                recipe,
                Update(model, recipe, self.optimizer, self.averaging.ema),
                self.loss,
                self.input,
                classes,
                device,
                kernels,
            )
        self.notes = (
            *self.input.notes,
            *notes_on_outputs,
            *weight_notes(self.init, self.frozen),
            *optimizer_notes(recipe, self.optimizer),
            *schedule_notes(recipe),
            *class_weight_notes(self.class_weights, dataset.classes),
        )
        self._train_images = to_size(dataset.train.images, self.input).to(device).contiguous()
        self._train_labels = torch.from_numpy(dataset.train.labels).to(device)
        self._test = _Scored(dataset.test, self.input, device)
        self._watched = (
            _Scored(dataset.watched, self.input, device)
            if recipe.watches and dataset.watched is not None
            else None
        )
        self.history: list[EpochMetrics] = []
        self.batch = 0
        """Batches done in the epoch in progress."""
        self.seconds = 0.0
        """Training time of that epoch so far."""
        self.losses = torch.zeros(len(self.bounds), device=device)
        """float32, ``(batches,)``: each batch's mean loss in that epoch."""
        self.correct = torch.zeros(len(self.bounds), dtype=torch.int32, device=device)
        """int32, ``(batches,)``: correctly classified images of each batch in that epoch."""

    @property
    def epoch(self) -> int:
        """The epoch in progress, from 1."""
        return len(self.history) + 1

    @property
    def finished(self) -> bool:
        """Whether the recipe's last epoch is done, or early stopping has ended the run."""
        done = len(self.history)
        return done >= self.recipe.epochs or out_of_patience(self.recipe, self.history)

    def run(self, on_event: Listener, should_stop: Callable[[], bool]) -> bool:
        """Train until the run is :attr:`finished`, or ``should_stop`` returns true.

        Args:
            on_event: receives ``BatchDone`` and ``EpochDone``.
            should_stop: called before every call of the backend, which trains on a few batches.

        Returns:
            Whether it is finished.

        Raises:
            TrainingError: the loss is not finite, or a user model raised.
        """
        with fork_rng(self.device):
            while not self.finished:
                if not self._train_epoch(on_event, should_stop):
                    return False
                with user_errors(self.recipe.model, f"the test after epoch {self.epoch}"):
                    metrics = self._measure_epoch()
                self.batch, self.seconds = 0, 0.0
                on_event(EpochDone(self.recipe.epochs, metrics))
        return True

    def test_logits(self) -> Tensor:
        """Return float32 ``(n, classes)``: the logits of all test images under the current weights.

        With the recipe's ``shifts`` (test-time augmentation), they are the logarithms of the mean
        probabilities over all shifted copies of an image.
        """
        return self._logits(self._test)

    def swap_in_final(self) -> None:
        """Give the model the weights that are kept, once training is finished: those of the best
        epoch with early stopping, otherwise the averages if there are any.
        """
        if self.recipe.patience:
            self.early_stopping.restore(self.model)
        else:
            self.swap_in_averages()

    def _logits(self, part: "_Scored") -> Tensor:
        if not self.recipe.shifts:
            return self.backend.logits(part.pixels)

        def view_logits(images: NDArray[np.uint8]) -> NDArray[np.float32]:
            pixels = to_size(images, self.input).to(self.device).contiguous()
            return self.backend.logits(pixels).cpu().numpy()

        logits = read_views(view_logits, part.images, self.recipe.shifts)
        return torch.from_numpy(logits).to(self.device)

    def score_training(self) -> tuple[float, float]:
        """Return the mean loss in nats and the accuracy on the training images, not augmented."""
        with user_errors(self.recipe.model, "the final evaluation on the training images"):
            loss, accuracy = self._score(
                self.backend.logits(self._train_images), self._train_labels
            )
        if not math.isfinite(loss):
            raise TrainingError(
                f"{self.recipe.model}: the loss on the training images is not finite at the end"
            )
        return loss, accuracy

    def _score(self, logits: Tensor, labels: Tensor) -> tuple[float, float]:
        """Return the mean loss in nats and the accuracy.

        Raises:
            TrainingError: the logits are not one row per image and one column per class.
        """
        if logits.shape != (len(labels), self._classes):
            raise TrainingError(
                f"{self.recipe.model}: returns {tuple(logits.shape)} for {len(labels):,} images; it"
                f" must return {(len(labels), self._classes)}"
            )
        return score(logits, labels)

    def swap_in_averages(self) -> Callable[[], None]:
        """Replace the weights by their averages, if there are any.

        Returns:
            A function that restores the weights.
        """
        epoch = len(self.history) + (self.batch == len(self.bounds))
        return self.averaging.swap_in(epoch, lambda: self._update_bn(epoch))

    def _train_epoch(self, on_event: Listener, should_stop: Callable[[], bool]) -> bool:
        began, spent = time.perf_counter(), self.seconds
        batches = self.epoch_batches(self.epoch)
        with user_errors(self.recipe.model, f"model.train() before epoch {self.epoch}"):
            self.model.train()
        while self.batch < len(self.bounds):
            if should_stop():
                return False
            last = min(self.batch + self.backend.batches_per_call, len(self.bounds))
            with user_errors(
                self.recipe.model,
                f"epoch {self.epoch}, batch {self.batch + 1} of {len(self.bounds)}",
            ):
                self.backend.train(batches, self.batch, last)
            self.batch = last
            self.seconds = spent + time.perf_counter() - began
            on_event(BatchDone(self.epoch, self.batch, len(self.bounds)))
        return True

    def epoch_batches(self, epoch: int) -> EpochBatches:
        """Draw the order and the augmentation of an epoch, the same at each call.

        Args:
            epoch: from 1.
        """
        count, batches = len(self._train_labels), len(self.bounds)
        channels, height, width = self._train_images.shape[1:]
        random = generator(self.seed, "augmentation", epoch)
        bounds = torch.tensor([0, *(stop for _, stop in self.bounds)])
        return EpochBatches(
            images=self._train_images,
            labels=self._train_labels,
            order=torch.randperm(count, generator=generator(self.seed, "order", epoch)).to(
                self.device
            ),
            bounds=bounds,
            # Moved at once, so that no batch waits for a copy to an accelerator.
            augmentation=draw_augmentation(
                self.recipe, count, (channels, height, width), random, bounds
            ).of(0, count, self.device),
            rates=learning_rates(self.recipe, epoch, batches, self.history),
            dropout_seeds=torch.tensor(
                [derive_seed(self.seed, "dropout", epoch, batch) for batch in range(batches)]
            ),
            losses=self.losses,
            correct=self.correct,
        )

    def _update_bn(self, epoch: int) -> None:
        """Estimate batch norm statistics on that epoch's augmented images."""
        batches = replace(
            self.epoch_batches(epoch), losses=self.losses.clone(), correct=self.correct.clone()
        )
        count = min(len(self.bounds), math.ceil(UPDATE_BN_IMAGES / self.recipe.batch_size))
        with fork_rng(self.device):
            update_bn(self.model, lambda: self.backend.forward_only(batches), count)

    def _measure_epoch(self) -> EpochMetrics:
        began = time.perf_counter()
        images = len(self._train_labels)
        # Fetching the losses waits for an accelerator to finish, which is part of training.
        losses = zip(self.losses.tolist(), self.bounds, strict=True)
        train_loss = sum(loss * (stop - start) for loss, (start, stop) in losses) / images
        train_seconds = self.seconds + time.perf_counter() - began
        began = time.perf_counter()
        self.averaging.update(self.epoch)
        swap_out = self.swap_in_averages()
        try:
            test_loss, test_accuracy = self._score(self.test_logits(), self._test.labels)
            watched_loss, watched_accuracy = (
                self._score(self._logits(self._watched), self._watched.labels)
                if self._watched
                else (None, None)
            )
            if not all(map(math.isfinite, (train_loss, test_loss, watched_loss or 0.0))):
                rate = f"learning_rate (it is {self.recipe.learning_rate:g})"
                raise TrainingError(f"epoch {self.epoch}: the loss is not finite; lower {rate}")
            metrics = EpochMetrics(
                epoch=self.epoch,
                train_loss=train_loss,
                train_accuracy=int(self.correct.sum()) / images,
                test_loss=test_loss,
                test_accuracy=test_accuracy,
                train_seconds=round(train_seconds, 4),
                test_seconds=round(time.perf_counter() - began, 4),
                images_per_second=round(images / train_seconds, 1),
                watched_loss=watched_loss,
                watched_accuracy=watched_accuracy,
            )
            # While the averages are in the model, since they are what is scored and kept.
            self.early_stopping.update([*self.history, metrics], self.model)
        finally:
            swap_out()
        self.history.append(metrics)
        return metrics


class _Scored:
    """Images that are scored after each epoch, on the device."""

    def __init__(self, split: Split, model_input: ModelInput, device: torch.device) -> None:
        self.images = split.images
        self.pixels = to_size(split.images, model_input).to(device).contiguous()
        self.labels = torch.from_numpy(split.labels).to(device)


def batch_bounds(count: int, size: int) -> list[tuple[int, int]]:
    """Split ``count`` images into batches of ``size``, the last one smaller.

    A last batch of one image, whose variance would be undefined, joins the batch before it.

    Returns:
        Pairs (start, stop), from 0 to ``count``.

    Raises:
        DataError: fewer than two images.
    """
    if count < 2:
        raise DataError("there is only one training image; at least two are needed")
    starts = list(range(0, count, size))
    if size > 1 and len(starts) > 1 and count - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], count], strict=True))
