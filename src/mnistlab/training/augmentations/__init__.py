"""Random changes to training images. Each kind is one file here and its recipe fields.

A file of this folder that defines ``AUGMENTATION`` is found by itself; nothing else needs to know
it. Where ``kernels/source/input.h`` does the same on the CPU, the fast layers apply it while they
gather images; a kind that they do not know is applied by PyTorch.
"""

from mnistlab.training.augmentations.registry import (
    Augmentation,
    augment,
    augmentations,
    draw_augmentation,
    without_fast_form,
)

__all__ = [
    "Augmentation",
    "augment",
    "augmentations",
    "draw_augmentation",
    "without_fast_form",
]
