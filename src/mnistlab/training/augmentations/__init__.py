"""Data augmentation: each kind is one file here, with its fields in the recipe.

A file in this folder that defines ``AUGMENTATION`` is found automatically; no list names it. The
native kernels apply the kinds that ``kernels/source/input.h`` implements, while they gather a
batch. A recipe with any other kind is trained in PyTorch.
"""

from mnistlab.training.augmentations.registry import (
    Augmentation,
    augment,
    augmentations,
    draw_augmentation,
    mix_targets,
    without_native_kernel,
)

__all__ = [
    "Augmentation",
    "augment",
    "augmentations",
    "draw_augmentation",
    "mix_targets",
    "without_native_kernel",
]
