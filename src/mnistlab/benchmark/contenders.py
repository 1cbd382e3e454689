"""The ways to train that are compared.

All do the same work on the same images: the first ones of the training set.
"""

import io
import tarfile
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

from mnistlab.data import Dataset, Split
from mnistlab.kernels import load_library
from mnistlab.models import build_model
from mnistlab.recipe import ModelInput, Recipe
from mnistlab.training.augmentations import augment, augmentations, draw_augmentation
from mnistlab.training.device import torch_threads
from mnistlab.training.input import build_to_fit, normalise, to_float, to_size
from mnistlab.training.optimizers import make_optimizer
from mnistlab.training.randomness import fork_rng, seed_global
from mnistlab.training.trainer import Trainer

CPU = torch.device("cpu")


class Ours:
    """This package: the trainer that every run uses, without the test after each epoch."""

    def __init__(self, recipe: Recipe, dataset: Dataset, images: int) -> None:
        train = Split(dataset.train.images[:images], dataset.train.labels[:images])
        self._trainer = Trainer(recipe, replace(dataset, train=train), 0, CPU)
        self.flops = self._trainer.backend.flops

    @property
    def kernels(self) -> str:
        """The build of the native kernels in use, or ``torch``."""
        return self._trainer.backend.kernels

    def __call__(self) -> None:
        """Train on the images once."""
        trainer, step = self._trainer, self._trainer.backend.batches_per_call
        batches, count = trainer.epoch_batches(trainer.epoch), len(trainer.bounds)
        for first in range(0, count, step):
            trainer.backend.train(batches, first, min(first + step, count))


class Eager:
    """PyTorch written well: all images in one tensor, batches by indexing, augmentation of whole
    batches, averages of the weights if the recipe has them.
    """

    def __init__(
        self, recipe: Recipe, dataset: Dataset, images: int, layout: torch.memory_format
    ) -> None:
        self._recipe, self._images, self._layout = recipe, images, layout
        self._model, self._input = _model(recipe, dataset)
        self._model.to(memory_format=layout)  # type: ignore[call-overload]
        self._optimizer = make_optimizer(self._model, recipe)
        self._average: AveragedModel | None = None
        if recipe.averaging:
            update: Any = get_ema_multi_avg_fn(recipe.averaging)  # type: ignore[no-untyped-call]
            self._average = AveragedModel(self._model, multi_avg_fn=update)
        self._augmented = any(kind.is_on(recipe) for kind in augmentations())
        pixels = to_float(to_size(dataset.train.images[:images], self._input))
        self._pixels = pixels if self._augmented else normalise(pixels, self._input)
        self._labels = torch.from_numpy(dataset.train.labels[:images])
        self._random = torch.Generator().manual_seed(0)

    def __call__(self) -> None:
        """Train for one epoch."""
        order = torch.randperm(self._images, generator=self._random)
        channels, height, width = self._pixels.shape[1:]
        augmentation = draw_augmentation(
            self._recipe, len(order), (channels, height, width), self._random
        )
        for start in range(0, self._images, self._recipe.batch_size):
            stop = min(start + self._recipe.batch_size, self._images)
            chosen = order[start:stop]
            pixels = self._pixels[chosen]
            if self._augmented:
                pixels = normalise(augment(pixels, augmentation.of(start, stop, CPU)), self._input)
            step(
                self._model,
                self._optimizer,
                pixels.contiguous(memory_format=self._layout),
                self._labels[chosen],
            )
            if self._average:
                self._average.update_parameters(self._model)


class Loader:
    """PyTorch as tutorials write it: a ``DataLoader`` over a ``TensorDataset``, without
    augmentation.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, images: int) -> None:
        self._model, self._input = _model(recipe, dataset)
        self._optimizer = make_optimizer(self._model, recipe)
        pixels = to_float(to_size(dataset.train.images[:images], self._input))
        pixels = normalise(pixels, self._input)
        data = TensorDataset(pixels, torch.from_numpy(dataset.train.labels[:images]))
        random = torch.Generator().manual_seed(0)
        self._batches = DataLoader(data, recipe.batch_size, shuffle=True, generator=random)

    def __call__(self) -> None:
        """Train for one epoch."""
        for pixels, labels in self._batches:
            step(self._model, self._optimizer, pixels, labels)


class Course:
    """The course project's way: each image is a PNG, read from a tar file whenever it is needed."""

    def __init__(self, recipe: Recipe, dataset: Dataset, images: int) -> None:
        self._recipe, self._images = recipe, images
        self._model, self._input = _model(recipe, dataset)
        self._optimizer = make_optimizer(self._model, recipe)
        self._tar = io.BytesIO()
        self._labels = torch.from_numpy(dataset.train.labels[:images])
        with tarfile.open(fileobj=self._tar, mode="w") as tar:
            for number, pixels in enumerate(dataset.train.images[:images]):
                png = io.BytesIO()
                Image.fromarray(pixels[0]).save(png, "PNG")
                member = tarfile.TarInfo(f"{number:05d}_{dataset.train.labels[number]}.png")
                member.size = png.tell()
                tar.addfile(member, io.BytesIO(png.getvalue()))

    def __call__(self) -> None:
        """Train for one epoch."""
        self._tar.seek(0)
        with tarfile.open(fileobj=self._tar) as tar:
            members = tar.getmembers()
            for start in range(0, self._images, self._recipe.batch_size):
                chosen = slice(start, min(start + self._recipe.batch_size, self._images))
                pixels = np.stack([self._read(tar, member) for member in members[chosen]])
                images = normalise(to_float(to_size(pixels, self._input)), self._input)
                step(self._model, self._optimizer, images, self._labels[chosen])

    @staticmethod
    def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> NDArray[np.uint8]:
        file = tar.extractfile(member)
        assert file is not None  # noqa: S101 - the members are files that we wrote
        with Image.open(file) as picture:
            return np.asarray(picture)[np.newaxis]


class Product:
    """A large matrix product in PyTorch: what a well-written library reaches on this processor."""

    side = 2048
    flops = 2 * side**3
    """Floating-point operations of one product."""

    def __init__(self, threads: int) -> None:
        random = torch.Generator().manual_seed(0)
        self._threads = threads
        self._one, self._other = (
            torch.rand(self.side, self.side, generator=random) for _ in range(2)
        )

    def __call__(self) -> float:
        """Multiply once, and return the seconds."""
        with torch_threads(self._threads):
            began = time.perf_counter()
            torch.mm(self._one, self._other)
            return time.perf_counter() - began


class Peak:
    """As many multiply-adds in registers: the most that this processor can do.

    Raises:
        KernelError: the native kernels, which it is part of, cannot be loaded.
    """

    flops = Product.flops

    def __init__(self, threads: int) -> None:
        self._library, self._threads = load_library(), threads

    def __call__(self) -> float:
        """Multiply and add, and return the seconds."""
        return self._library.peak_seconds(self.flops, threads=self._threads)


def step(
    model: nn.Module, optimizer: torch.optim.Optimizer, pixels: Tensor, labels: Tensor
) -> None:
    """Take one training step in plain PyTorch.

    Args:
        model: in training mode.
        optimizer: of its parameters.
        pixels: float32, ``(n, c, h, w)``, normalised.
        labels: int64, ``(n,)``.
    """
    optimizer.zero_grad()
    functional.cross_entropy(model(pixels), labels).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _model(recipe: Recipe, dataset: Dataset) -> tuple[nn.Module, ModelInput]:
    with fork_rng(CPU):
        seed_global(0, CPU)
        return build_to_fit(
            recipe, dataset, lambda shape: build_model(recipe, shape, len(dataset.classes))
        )
