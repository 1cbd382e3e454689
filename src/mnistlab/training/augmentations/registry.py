"""The registry of augmentations: discovered by file, drawn per epoch, applied per batch."""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module

import torch
from torch import Tensor

from mnistlab.kernels import AUGMENTATION_TENSORS, AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.randomness import derive_seed


@dataclass(frozen=True)
class ParamSampler:
    """What the parameters are drawn for, and the generator that they are drawn from.

    Attributes:
        count: number of images.
        channels: of an image.
        height: of an image in pixels.
        width: of an image in pixels.
        generator: on the CPU.
        bounds: int64, ``(batches + 1,)``: the image with which each batch starts, and ``count``.
        seed: of the epoch's augmentation.
    """

    count: int
    channels: int
    height: int
    width: int
    generator: torch.Generator
    bounds: Tensor
    seed: int

    def derive_generator(self, purpose: str) -> torch.Generator:
        """Return a new generator, the same for every kind that asks for it."""
        return torch.Generator().manual_seed(derive_seed(self.seed, purpose))

    def uniform(self, low: float, high: float) -> Tensor:
        """Return float32 ``(count,)``, uniform from ``low`` to ``high``."""
        # PyTorch's own range is one multiply-add or two roundings, as the processor has it.
        return torch.rand(self.count, generator=self.generator) * (high - low) + low


@dataclass(frozen=True)
class Augmentation:
    """One kind of augmentation.

    Attributes:
        name: unique, for example ``blur``.
        fields: the recipe fields that it reads; it is on if any of them is not at its default.
        apply_order: kinds are applied in ascending order of this.
        tensors: names of the parameters that :attr:`draw` returns, different from other kinds'.
        draw: returns the parameters by name, each with one entry per image along its first
            dimension; called only if the kind is on.
        apply: takes images (float32, ``(n, channels, height, width)``, 0 to 1) and the parameters
            of these ``n`` images, a whole batch; returns images of the same shape, range and
            device.
        shared: names of the parameters that all images share, of any shape.
        draw_order: kinds that have one draw from the epoch's generator in ascending order of it;
            published records depend on that. New kinds leave it ``None`` and get a generator of
            their own, so that they do not change what other kinds draw.
        mix_targets: for kinds that mix images: takes targets (float32, ``(n, classes)``, each a
            distribution) and the parameters; returns the targets of the mixed images.
    """

    name: str
    fields: tuple[str, ...]
    apply_order: int
    tensors: tuple[str, ...]
    draw: Callable[[Recipe, ParamSampler], dict[str, Tensor]]
    apply: Callable[[Tensor, AugmentationParams], Tensor]
    shared: tuple[str, ...] = ()
    draw_order: int | None = None
    mix_targets: Callable[[Tensor, AugmentationParams], Tensor] | None = None

    def is_on(self, recipe: Recipe) -> bool:
        """Return whether the recipe uses it."""
        return any(
            getattr(recipe, field) != Recipe.model_fields[field].default for field in self.fields
        )


@cache
def augmentations() -> tuple[Augmentation, ...]:
    """Return all kinds, in the order in which they are applied."""
    package = import_module("mnistlab.training.augmentations")
    modules = (
        import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    )
    kinds = [module.AUGMENTATION for module in modules if hasattr(module, "AUGMENTATION")]
    return tuple(sorted(kinds, key=lambda kind: kind.apply_order))


def draw_augmentation(
    recipe: Recipe,
    count: int,
    image_shape: tuple[int, int, int],
    generator: torch.Generator,
    bounds: Tensor | None = None,
) -> AugmentationParams:
    """Draw the parameters of every kind that the recipe uses.

    Args:
        recipe: its augmentation fields are used.
        count: number of images.
        image_shape: ``(channels, height, width)``.
        generator: on the CPU, newly seeded.
        bounds: int64, ``(batches + 1,)``: the image with which each batch starts, and ``count``;
            ``None`` is one batch of all. Kinds that mix images need it.

    Example:
        >>> from mnistlab import Recipe
        >>> recipe = Recipe(rotation=10.0, blur=(0.1, 1.0))
        >>> params = draw_augmentation(recipe, 64, (1, 28, 28), torch.Generator().manual_seed(0))
        >>> {name: tuple(tensor.shape) for name, tensor in params.items()}
        {'matrices': (64, 2, 3), 'sigmas': (64,)}
        >>> augment(torch.zeros(64, 1, 28, 28), params).shape
        torch.Size([64, 1, 28, 28])
    """
    bounds = torch.tensor([0, count]) if bounds is None else bounds
    sampler = ParamSampler(count, *image_shape, generator, bounds, generator.initial_seed())
    tensors: dict[str, Tensor] = {}
    in_order = sorted(augmentations(), key=lambda kind: (kind.draw_order or 0, kind.name))
    for kind in in_order:
        if kind.is_on(recipe):
            own = replace(sampler, generator=sampler.derive_generator(kind.name))
            tensors |= kind.draw(recipe, sampler if kind.draw_order else own)
    shared = [name for kind in augmentations() for name in kind.shared]
    return AugmentationParams(tensors, shared=shared)


def augment(images: Tensor, params: AugmentationParams) -> Tensor:
    """Apply every kind of augmentation whose parameters were drawn.

    Args:
        images: float32, ``(n, channels, height, width)``, 0 to 1, sides of at least 2.
        params: of the same ``n`` images, a whole batch, on the same device.

    Returns:
        Images of the same shape and range.
    """
    for kind in _drawn(params):
        images = kind.apply(images, params)
    return images


def mix_targets(labels: Tensor, classes: int, params: AugmentationParams) -> Tensor:
    """Return the targets of a batch's augmented images, for ``cross_entropy``.

    Args:
        labels: int64, ``(n,)``.
        classes: number of them.
        params: of the same ``n`` images, on the same device.

    Returns:
        The labels or, if a kind mixes images, distributions: float32, ``(n, classes)``.
    """
    mixing = [kind.mix_targets for kind in _drawn(params) if kind.mix_targets]
    if not mixing:
        return labels
    targets = torch.zeros(len(labels), classes, device=labels.device)
    targets.scatter_(1, labels.unsqueeze(1), 1)
    for mix in mixing:
        targets = mix(targets, params)
    return targets


def _drawn(params: AugmentationParams) -> list[Augmentation]:
    return [kind for kind in augmentations() if any(name in params for name in kind.tensors)]


def without_native_kernel(recipe: Recipe) -> list[str]:
    """Return the names of the recipe's augmentations that the native kernels do not support."""
    return [
        kind.name
        for kind in augmentations()
        if kind.is_on(recipe) and not AUGMENTATION_TENSORS.keys() >= set(kind.tensors)
    ]
