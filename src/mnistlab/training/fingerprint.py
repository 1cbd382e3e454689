"""Fingerprint: hashes of short trainings, which every processor of a kind must reproduce.

Together they use every operation of the native kernels, every loss, augmentation and schedule.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.data import Dataset, Split, load_dataset
from mnistlab.errors import KernelError
from mnistlab.kernels import SAME_BITS, load_library
from mnistlab.recipe import Recipe
from mnistlab.training.randomness import generator, normal
from mnistlab.training.trainer import Trainer

PUBLISHED: dict[str, str] = {
    "convolutions": "4f25d41ec640",
    "normalisations": "cf632f5e22fb",
    "attention": "7939430ddef7",
    "recurrent": "b7c7e53be3f8",
    "activations": "a851006d925a",
    "pooling": "98c08017290c",
    "arithmetic": "e0e0d7402466",
    "losses": "8bcd88c5ecd5",
    "optimisers": "e9f99fcd8f68",
    "augmentation": "9b18f941ac68",
    "models": "7bf181a53643",
}
"""The hash of each part by the builds :data:`mnistlab.kernels.SAME_BITS`; ``python -m
tests.kernels.fingerprint`` writes them anew."""

_TRAIN, _TEST = 80, 24
_SIDE = 14
_CLASSES = 10
_RECIPE = Recipe(
    name="fingerprint", model="memory:fingerprint", batch_size=35, epochs=2, learning_rate=0.02
)


@dataclass(frozen=True)
class Fingerprint:
    """What a build of the native kernels, and PyTorch around it, computes.

    Attributes:
        build: its name.
        parts: a hash of each part, by name: 12 hexadecimal digits.
    """

    build: str
    parts: dict[str, str]

    @property
    def total(self) -> str:
        """The hash of all parts: 16 hexadecimal digits."""
        return total(self.parts)

    @property
    def comparable(self) -> bool:
        """Whether it must equal the published one."""
        return self.build in SAME_BITS

    @property
    def different(self) -> tuple[str, ...]:
        """Names of the parts whose hashes are not the published ones."""
        return tuple(name for name, found in self.parts.items() if PUBLISHED.get(name) != found)

    def describe(self) -> str:
        """Say on one line what was found, and whether it is what was published."""
        if not self.comparable:
            return (
                f"{self.total}, not comparable: the published one holds for x86-64 processors with"
                f" AVX2, on which {' or '.join(SAME_BITS)} runs"
            )
        if not self.different:
            return f"{self.total}, as published"
        parts = ", ".join(f"{name} {self.parts[name]}" for name in self.different)
        return f"{self.total}, not as published ({total(PUBLISHED)}); different: {parts}"


def total(parts: Mapping[str, str]) -> str:
    """Return one hash of the hashes of all parts: 16 hexadecimal digits."""
    text = "".join(f"{name} {digits}\n" for name, digits in sorted(parts.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def take_fingerprint() -> Fingerprint:
    """Train every part's networks, which takes a few seconds.

    Raises:
        KernelError: the native kernels cannot be used.
    """
    build, dataset = load_library().build, digits()
    parts = {}
    for name, trainings in _PARTS.items():
        digest = hashlib.sha256()
        for recipe, module in trainings():
            for value in _results(recipe, module, dataset):
                digest.update(value)
        parts[name] = digest.hexdigest()[:12]
    return Fingerprint(build, parts)


def trainings() -> Iterator[tuple[Recipe, nn.Module | None]]:
    """Yield the recipes that are trained, each with its network unless it names one."""
    for part in _PARTS.values():
        yield from part()


def digits() -> Dataset:
    """Return a few small images of MNIST, in grey."""
    mnist = load_dataset("mnist")
    train, test = (
        Split(np.ascontiguousarray(part.images[:count, 0, ::2, ::2]), part.labels[:count])
        for part, count in ((mnist.train, _TRAIN), (mnist.test, _TEST))
    )
    return Dataset("digits", train, test, mnist.classes)


def _results(recipe: Recipe, module: nn.Module | None, dataset: Dataset) -> Iterator[bytes]:
    """Train, and yield the augmentation, losses, weights, averages and logits."""
    trainer = Trainer(recipe, dataset, 0, torch.device("cpu"), module=module)
    if trainer.backend.reason:
        raise KernelError(f"the network of the hash is not trained: {trainer.backend.reason}")
    augmentation = trainer.epoch_batches(1).augmentation
    yield from (_bytes(tensor) for _, tensor in sorted(augmentation.items()))
    trainer.run(lambda _: None, lambda: False)
    trainer.swap_in_final()
    for metrics in trainer.history:
        yield f"{metrics.train_loss!r} {metrics.test_loss!r}".encode()
    yield from map(_bytes, trainer.model.state_dict().values())
    yield _bytes(trainer.test_logits())


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().numpy().tobytes()


class _Network(nn.Module):
    """A function of layers and images, with weights that PyTorch's initialisers did not draw."""

    def __init__(self, function: Callable[[nn.ModuleList, Tensor], Any], *layers: nn.Module):
        super().__init__()
        self.layers, self.function = nn.ModuleList(layers), function
        with torch.no_grad():
            for name, weight in self.named_parameters():
                drawn = normal(generator(0, name), *weight.shape)
                weight.copy_(drawn / max(weight[0].numel(), 4) ** 0.5)

    def forward(self, images: Tensor) -> Any:
        return self.function(self.layers, images)


def _chain(layers: nn.ModuleList, images: Tensor) -> Any:
    for layer in layers:
        images = layer(images)
    return images.flatten(1)


def _convolutions() -> Iterator[tuple[Recipe, nn.Module]]:
    recipe = _RECIPE.replace(nesterov=True, weight_decay=1e-3, learning_rate=0.005)
    yield (
        recipe,
        _Network(
            _chain,
            *(nn.Conv2d(1, 8, 5), nn.ReLU()),
            *(nn.Conv2d(8, 36, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(36, 40, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(40, 40, 3, stride=2, padding=1, groups=4), nn.ReLU()),
            *(nn.Conv2d(40, 40, 3, padding=1, groups=40), nn.Conv2d(40, 7, 1), nn.ReLU()),
            *(nn.ConvTranspose2d(7, 6, 3, stride=2), nn.ReLU()),
            nn.Conv2d(6, 5, (3, 2), padding=(2, 1), dilation=2),
            *(nn.Flatten(), nn.Linear(5 * 11 * 11, _CLASSES)),
        ),
    )


def _normalisations() -> Iterator[tuple[Recipe, nn.Module]]:
    def forward(layers: nn.ModuleList, images: Tensor) -> Any:
        hidden = functional.normalize(_chain(layers, images))
        return hidden * 3

    recipe = _RECIPE.replace(optimizer="adam", learning_rate=0.002)
    yield (
        recipe,
        _Network(
            forward,
            *(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(6, 8, 3), nn.GroupNorm(2, 8), nn.Tanh()),
            *(nn.Conv2d(8, 8, 1), nn.InstanceNorm2d(8, affine=True)),
            *(nn.LayerNorm([8, 4, 4]), nn.LocalResponseNorm(3), nn.Flatten()),
            *(nn.Linear(128, 24), nn.RMSNorm(24), nn.Linear(24, 16), nn.BatchNorm1d(16)),
            nn.Linear(16, _CLASSES),
        ),
    )


def _attention() -> Iterator[tuple[Recipe, nn.Module]]:
    def forward(layers: nn.ModuleList, images: Tensor) -> Any:
        embed, encoder, output = layers
        return output(encoder(embed(images.view(-1, 14, 14))).mean(dim=1))

    encoder = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    encoder.activation = functional.gelu
    recipe = _RECIPE.replace(optimizer="adamw", weight_decay=0.05, learning_rate=0.002)
    yield recipe, _Network(forward, nn.Linear(14, 16), encoder, nn.Linear(16, _CLASSES))


def _recurrent() -> Iterator[tuple[Recipe, nn.Module]]:
    def forward(layers: nn.ModuleList, images: Tensor) -> Any:
        gru, lstm, output = layers
        rows = images.view(-1, 14, 14)
        return output(torch.cat([gru(rows)[0][:, -1], lstm(rows[:, ::2])[0][:, -1]], dim=1))

    layers = nn.GRU(14, 12, batch_first=True), nn.LSTM(14, 8, batch_first=True)
    yield _RECIPE, _Network(forward, *layers, nn.Linear(20, _CLASSES))


_ACTIVATIONS = (
    *(nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.SiLU, nn.Mish),
    *(nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Softsign),
    *(nn.LogSigmoid, nn.Tanhshrink, partial(nn.GELU, "tanh"), partial(nn.Softmax, 1)),
)


def _activations() -> Iterator[tuple[Recipe, nn.Module]]:
    def forward(layers: nn.ModuleList, images: Tensor) -> Any:
        embed, output, *activations = layers
        hidden = embed(images.flatten(1))
        return output(sum(activation(hidden) for activation in activations) / 4)

    layers = nn.Linear(196, 24), nn.Linear(24, _CLASSES), *(kind() for kind in _ACTIVATIONS)
    yield _RECIPE, _Network(forward, *layers)


def _pooling() -> Iterator[tuple[Recipe, nn.Module]]:
    def forward(layers: nn.ModuleList, images: Tensor) -> Any:
        first, second, output, drop, drop_channels = layers
        hidden = first(images)
        hidden = functional.max_pool2d(functional.relu(hidden + hidden.flip(1)), 2)
        hidden = drop_channels(functional.max_pool2d(hidden, 3, 2, 1))
        hidden = functional.avg_pool2d(second(hidden), 2, ceil_mode=True)
        pooled = functional.adaptive_max_pool2d(hidden, 1).flatten(1)
        largest, mean = hidden.amax(dim=(2, 3)), hidden.flatten(2).mean(dim=2)
        return output(drop(torch.cat([pooled, largest, mean, hidden.flatten(2).norm(dim=2)], 1)))

    layers = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 9, 3, padding=1), nn.Linear(36, _CLASSES)
    yield _RECIPE, _Network(forward, *layers, nn.Dropout(0.3), nn.Dropout2d(0.2))


def _arithmetic() -> Iterator[tuple[Recipe, nn.Module]]:
    def forward(layers: nn.ModuleList, images: Tensor) -> Any:
        embed, output = layers
        x = torch.tanh(embed(images.flatten(1)))
        a, b = x.chunk(2, dim=1)
        positive = a.exp() + 0.5
        terms = [
            *(a * b, a / positive, torch.maximum(a, b), torch.minimum(a, b), a - b),
            *(positive.log(), torch.log1p(a.abs()), torch.expm1(b), torch.erf(a)),
            *(positive**1.75, a**3, 1 / positive, a.clamp(-0.5, 0.5), a.flip(1), a.roll(1, 1)),
            *(torch.where(torch.arange(12) > 5, a, b), a.log_softmax(dim=1)),
            (a.unsqueeze(2) @ b.unsqueeze(1)).softmax(dim=2).sum(dim=1),
        ]
        return output(torch.stack(terms, dim=1).sum(dim=1))

    yield _RECIPE, _Network(forward, nn.Linear(196, 24), nn.Linear(12, _CLASSES))


def _perceptron() -> nn.Module:
    layers = nn.Flatten(), nn.Linear(196, 20), nn.Tanh(), nn.Linear(20, _CLASSES)
    return _Network(_chain, *layers)


def _losses() -> Iterator[tuple[Recipe, nn.Module]]:
    mixed = _RECIPE.replace(mixup=0.4, cutmix=1.5, epochs=1)
    for loss in ("cross_entropy", "binary_cross_entropy", "mse", "focal"):
        yield mixed.replace(loss=loss), _perceptron()
    weights = tuple(1 + 0.1 * number for number in range(_CLASSES))
    yield _RECIPE.replace(label_smoothing=0.1, class_weights=weights), _perceptron()
    yield _RECIPE.replace(label_smoothing=0.2, class_weights="balanced"), _perceptron()


def _optimizers() -> Iterator[tuple[Recipe, nn.Module]]:
    changes = (
        {"optimizer": "sgd", "momentum": 0.0, "schedule": "cosine", "averaging": 0.9},
        {"optimizer": "adam", "weight_decay": 0.01, "schedule": "onecycle", "swa": 2},
        {"optimizer": "adamw", "schedule": "exponential", "gamma": 0.9, "warmup": 0.5},
        {"optimizer": "adam", "schedule": "plateau", "plateau_patience": 0, "clip_norm": 0.5},
        {"schedule": "step", "step_size": 1, "shifts": 1, "clip_value": 0.01, "averaging": 0.9},
    )
    for change in changes:
        yield Recipe.model_validate(_RECIPE.model_dump() | {"epochs": 3} | change), _perceptron()


def _augmentation() -> Iterator[tuple[Recipe, nn.Module]]:
    changes = (
        {"rotation": 15.0, "translation": 2.0, "scale": 0.1, "shear": 10.0, "elastic": 1.0},
        {"crop": 2, "flip_horizontal": 0.5, "flip_vertical": 0.5, "erasing": 0.5, "cutout": 5},
        {"noise": 0.3, "blur": (0.1, 2.0), "filtering": 0.5, "inversion": 0.3},
        {"colour": "rgb", "colour_jitter": (0.4, 0.4, 0.4), "size": 19, "fit": "resize"},
    )
    for change in changes:
        recipe = Recipe.model_validate(_RECIPE.model_dump() | {"epochs": 1} | change)
        channels = 3 if recipe.colour == "rgb" else 1
        layers = nn.Conv2d(channels, 4, 5), nn.AdaptiveMaxPool2d(4), nn.Flatten()
        yield recipe, _Network(_chain, *layers, nn.Linear(64, _CLASSES))


def _models() -> Iterator[tuple[Recipe, None]]:
    for model in ("lenet5", "mlp"):
        recipe = _RECIPE.replace(model=model, batch_norm=True, dropout=0.3, epochs=1)
        yield recipe, None


_PARTS: dict[str, Callable[[], Iterator[tuple[Recipe, nn.Module | None]]]] = {
    "convolutions": _convolutions,
    "normalisations": _normalisations,
    "attention": _attention,
    "recurrent": _recurrent,
    "activations": _activations,
    "pooling": _pooling,
    "arithmetic": _arithmetic,
    "losses": _losses,
    "optimisers": _optimizers,
    "augmentation": _augmentation,
    "models": _models,
}
