"""The batches of an epoch: the order of the images, and how each is augmented."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

AUGMENTATION_TENSORS = {
    "horizontal_flips": torch.bool,
    "vertical_flips": torch.bool,
    "crops": torch.int32,
    "matrices": torch.float32,
    "displacements": torch.float32,
    "jitters": torch.float32,
    "sigmas": torch.float32,
    "filters": torch.float32,
    "erasures": torch.int32,
    "fills": torch.float32,
    "cutouts": torch.int32,
    "amplitudes": torch.float32,
    "starts": torch.int32,
    "inversions": torch.float32,
    "mixup_partners": torch.int32,
    "mixup_shares": torch.float32,
    "cutmix_partners": torch.int32,
    "cutmix_shares": torch.float32,
    "cutmix_boxes": torch.int32,
    "grain": torch.float32,
}
"""The parameters that the kernels support, by name: fields of ``Images`` in ``source/spec.h``."""


class AugmentationParams(Mapping[str, Tensor]):
    """The random parameters of an epoch's augmentation: tensors by name.

    The first dimension of a tensor is the image, except for tensors that all images share. The
    kernels support those of :data:`mnistlab.kernels.AUGMENTATION_TENSORS`. Each is described where
    it is drawn, in :mod:`mnistlab.training.augmentations`.

    Args:
        tensors: by name.
        shared: names of the tensors that all images share.
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
        """Return the parameters of images ``start`` to ``stop - 1``, on the device."""
        tensors = {
            name: (tensor if name in self.shared else tensor[start:stop]).to(device)
            for name, tensor in self.items()
        }
        return AugmentationParams(tensors, shared=self.shared)

    def clone(self) -> "AugmentationParams":
        """Return a copy that shares no memory."""
        tensors = {name: tensor.clone() for name, tensor in self.items()}
        return AugmentationParams(tensors, shared=self.shared)

    def copy_(self, other: "AugmentationParams") -> None:
        """Copy the values of ``other``, which has the same names and shapes, into this one."""
        for name, tensor in self.items():
            tensor.copy_(other[name])


@dataclass(frozen=True)
class EpochBatches:
    """The batches of one epoch, and room for what is measured on each.

    Attributes:
        images: uint8, ``(n, channels, height, width)``.
        labels: int64, ``(n,)``.
        order: int64, ``(positions,)``: indices of images.
        bounds: int64, ``(batches + 1,)``: the position at which each batch starts, and the end.
        augmentation: its parameters, per position; images are mixed within a batch only.
        rates: float64, ``(batches,)``: the learning rate of each batch.
        dropout_seeds: int64, ``(batches,)``, at least 0.
        losses: float32, ``(batches,)``, output: each batch's mean loss in nats.
        correct: int32, ``(batches,)``, output: correctly classified images in each batch; of a
            mixed image the label with the larger share counts.
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
