"""The registry of augmentations: found by file, drawn for an epoch, applied to a batch."""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import torch
from torch import Tensor

from mnistlab.kernels import AUGMENTATION_TENSORS, AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.randomness import derive_seed


@dataclass(frozen=True)
class Draws:
    """For how many images of which size parameters are drawn, and from which generator."""

    count: int
    height: int
    width: int
    random: torch.Generator

    def uniform(self, low: float, high: float) -> Tensor:
        """Return float32 ``(count,)``, uniform from ``low`` to ``high``."""
        return torch.empty(self.count).uniform_(low, high, generator=self.random)


@dataclass(frozen=True)
class Augmentation:
    """One kind of random change.

    Attributes:
        name: unique, for example ``blur``.
        fields: the recipe fields that it reads; it is on if one differs from its default.
        order: where it stands among all kinds when they are applied, ascending.
        tensors: names of the parameters that :attr:`draw` returns, none of them another kind's.
        draw: returns the parameters by name, each with one entry per image along its first
            dimension; not called for a recipe for which the kind is off.
        apply: images (float32, ``(n, channels, height, width)``, 0 to 1) and the parameters of
            these ``n`` images to images of the same shape and range, on the images' device.
        shared: names of parameters that all images share, whose first dimension is free.
        draws_in_turn: its turn with the epoch's one generator, which those that have a turn use
            one after another; published records depend on that order. ``None``, for all new kinds,
            gives it a generator of its own, so that it changes no other kind's draws.
    """

    name: str
    fields: tuple[str, ...]
    order: int
    tensors: tuple[str, ...]
    draw: Callable[[Recipe, Draws], dict[str, Tensor]]
    apply: Callable[[Tensor, AugmentationParams], Tensor]
    shared: tuple[str, ...] = ()
    draws_in_turn: int | None = None

    def is_on(self, recipe: Recipe) -> bool:
        """Return whether a recipe asks for it."""
        return any(
            getattr(recipe, field) != Recipe.model_fields[field].default for field in self.fields
        )


@cache
def augmentations() -> tuple[Augmentation, ...]:
    """Return every kind, in the order in which they are applied."""
    package = import_module("mnistlab.training.augmentations")
    modules = (
        import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    )
    kinds = [module.AUGMENTATION for module in modules if hasattr(module, "AUGMENTATION")]
    return tuple(sorted(kinds, key=lambda kind: kind.order))


def draw_augmentation(
    recipe: Recipe, count: int, size: tuple[int, int], random: torch.Generator
) -> AugmentationParams:
    """Draw the parameters of every kind that the recipe asks for.

    Args:
        recipe: its augmentation fields count.
        count: number of images.
        size: height and width of the images in pixels.
        random: on the CPU, freshly seeded.
    """
    seed = random.initial_seed()
    tensors: dict[str, Tensor] = {}
    in_turn = sorted(augmentations(), key=lambda kind: (kind.draws_in_turn or 0, kind.name))
    for kind in in_turn:
        if kind.is_on(recipe):
            own = torch.Generator().manual_seed(derive_seed(seed, kind.name))
            source = random if kind.draws_in_turn else own
            tensors |= kind.draw(recipe, Draws(count, *size, source))
    shared = [name for kind in augmentations() for name in kind.shared]
    return AugmentationParams(tensors, shared=shared)


def augment(images: Tensor, params: AugmentationParams) -> Tensor:
    """Apply every kind whose parameters were drawn.

    Args:
        images: float32, ``(n, channels, height, width)``, 0 to 1, sides of at least 2.
        params: of ``n`` images, on the same device.

    Returns:
        Images of the same shape and range.
    """
    for kind in augmentations():
        if any(name in params for name in kind.tensors):
            images = kind.apply(images, params)
    return images


def without_fast_form(recipe: Recipe) -> list[str]:
    """Return the names of the recipe's augmentations that the kernels cannot apply."""
    return [
        kind.name
        for kind in augmentations()
        if kind.is_on(recipe) and not AUGMENTATION_TENSORS.keys() >= set(kind.tensors)
    ]
