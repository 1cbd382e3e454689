"""Workload: the images of one pass over the training set, in their order, and what is done to
each.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class AugmentationParams:
    """One random change an image, drawn beforehand; ``None`` is none of that kind.

    They are applied in this order, on pixels in 0..1: sampling (matrix and displacement at once),
    blur, filter, noise, erasure, inversion.

    Attributes:
        matrices: float32, ``(n, 2, 3)``: from a pixel (x, y) of the result, about the centre, to
            where it is taken from, bilinearly; black outside.
        displacements: float32, ``(n, 2, g, g)``, g >= 4: added to that place, x then y, in pixels,
            at control points of a uniform cubic B-spline that spans the image.
        sigmas: float32, ``(n,)``, pixels: of a 3x3 Gaussian with a mirrored border; 0 is none.
        filters: float32, ``(n, 5, 5)``: each image's own filter, correlated with it, black outside;
            of one whose middle weight is negative the magnitude counts. What comes out is stretched
            to 0..1, or black if it is all of one grey. All zero is none.
        erasures: int32, ``(n, 4)``: top, left, height and width of a box that is filled; within the
            image.
        fills: float32, ``(n,)``, in 0..1: what fills it; ``None`` is black.
        amplitudes: float32, ``(n,)``: times the grain that is added; what leaves 0..1 is cut off.
        starts: int32, ``(n,)``: where in the grain an image's begins; its pixels follow one
            another.
        inversions: float32, ``(n,)``: 1 turns black and white about, 0 does not.
        grain: float32, one row, long enough for all starts: shared by all images.
    """

    matrices: Tensor | None = None
    displacements: Tensor | None = None
    sigmas: Tensor | None = None
    filters: Tensor | None = None
    erasures: Tensor | None = None
    fills: Tensor | None = None
    amplitudes: Tensor | None = None
    starts: Tensor | None = None
    inversions: Tensor | None = None
    grain: Tensor | None = None

    def of(self, start: int, stop: int, device: torch.device) -> "AugmentationParams":
        """Return those of images ``start`` to ``stop``, on the device."""
        *own, grain = self.parts
        shared = None if grain is None else grain.to(device)
        return AugmentationParams(
            *[None if part is None else part[start:stop].to(device) for part in own] + [shared]
        )

    @property
    def parts(self) -> tuple[Tensor | None, ...]:
        """All ten, in the order of their names above."""
        return (
            *(
                self.matrices,
                self.displacements,
                self.sigmas,
                self.filters,
                self.erasures,
                self.fills,
            ),
            *(self.amplitudes, self.starts, self.inversions, self.grain),
        )

    def clone(self) -> "AugmentationParams":
        """Return a copy in memory of its own."""
        return AugmentationParams(*(None if part is None else part.clone() for part in self.parts))

    def copy_(self, other: "AugmentationParams") -> None:
        """Take over the values of others of the same kinds and shapes."""
        for mine, theirs in zip(self.parts, other.parts, strict=True):
            if mine is not None and theirs is not None:
                mine.copy_(theirs)


@dataclass(frozen=True)
class EpochBatches:
    """One pass over training images: what is trained on, in which order, and what is measured.

    Attributes:
        images: uint8, ``(n, channels, height, width)``.
        labels: int64, ``(n,)``.
        order: int64, ``(positions,)``: indices of images.
        bounds: int64, ``(batches + 1,)``: the positions at which batches begin, and the end.
        augmentation: of each position.
        rates: float64, ``(batches,)``: the learning rate of each.
        dropout_seeds: int64, ``(batches,)``, at least 0.
        losses: float32, ``(batches,)``, filled in: each batch's mean loss.
        correct: int32, ``(batches,)``, filled in: images of each batch classified rightly.
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
