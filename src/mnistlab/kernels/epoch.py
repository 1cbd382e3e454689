"""One epoch's batches: which images are trained on, in which order, and how each is augmented."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

AUGMENTATION_TENSORS = {
    "matrices": torch.float32,
    "displacements": torch.float32,
    "sigmas": torch.float32,
    "filters": torch.float32,
    "erasures": torch.int32,
    "fills": torch.float32,
    "amplitudes": torch.float32,
    "starts": torch.int32,
    "inversions": torch.float32,
    "grain": torch.float32,
}
"""The parameters that the kernels apply, by name; fields of ``Images`` in ``source/spec.h``."""


class AugmentationParams(Mapping[str, Tensor]):
    """Random parameters of augmentations, drawn before an epoch; tensors by name.

    A tensor's first dimension counts images, except in those that all images share. The kernels
    take the tensors of :data:`mnistlab.kernels.AUGMENTATION_TENSORS`; each is described where it
    is drawn, in :mod:`mnistlab.training.augmentations`.

    Args:
        tensors: by name.
        shared: names of those tensors that all images share.
    """

    def __init__(
        self, tensors: Mapping[str, Tensor] | None = None, *, shared: Collection[str] = ()
    ) -> None:
        self._tensors, self.shared = dict(tensors or {}), frozenset(shared)

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def of(self, start: int, stop: int, device: torch.device) -> "AugmentationParams":
        """Return the parameters of images ``start`` to before ``stop``, on the device."""
        tensors = {
            name: (tensor if name in self.shared else tensor[start:stop]).to(device)
            for name, tensor in self.items()
        }
        return AugmentationParams(tensors, shared=self.shared)

    def clone(self) -> "AugmentationParams":
        """Return a copy in memory of its own."""
        tensors = {name: tensor.clone() for name, tensor in self.items()}
        return AugmentationParams(tensors, shared=self.shared)

    def copy_(self, other: "AugmentationParams") -> None:
        """Overwrite the values with those of ``other``, which has the same names and shapes."""
        for name, tensor in self.items():
            tensor.copy_(other[name])


@dataclass(frozen=True)
class EpochBatches:
    """The batches of one epoch: images, their order and augmentation, and what is measured.

    Attributes:
        images: uint8, ``(n, channels, height, width)``.
        labels: int64, ``(n,)``.
        order: int64, ``(positions,)``: indices of images.
        bounds: int64, ``(batches + 1,)``: the positions at which batches begin, and the end.
        augmentation: parameters of each position.
        rates: float64, ``(batches,)``: the learning rate of each batch.
        dropout_seeds: int64, ``(batches,)``, at least 0.
        losses: float32, ``(batches,)``, filled in: each batch's mean loss.
        correct: int32, ``(batches,)``, filled in: correctly classified images of each batch.
    """

    images: Tensor
    labels: Tensor
    order: Tensor
    bounds: Tensor
    augmentation: AugmentationParams
    rates: Tensor
    dropout_seeds: Tensor
    losses: Tensor
    correct: Tensor
