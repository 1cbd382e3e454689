"""The detector's loss: middles, classes, boxes and maps."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.detector.network import CLASSES, MIDDLE, OFFSET, RULINGS


class Losses(NamedTuple):
    """Each a scalar."""

    middle: Tensor
    kind: Tensor
    box: Tensor
    maps: Tensor


class Batch(NamedTuple):
    """Crops and their targets, see :class:`mnistlab.detector.targets.Target`; ``images`` are uint8,
    ``(n, 1, 160, 160)``.
    """

    images: Tensor
    middle: Tensor
    asked: Tensor
    kind: Tensor
    weight: Tensor
    box: Tensor
    maps: Tensor


def losses(out: Tensor, batch: Batch) -> Losses:
    """Return the losses of a batch.

    The middle's is the focal loss of CornerNet (Law and Deng, 2018), per character; the class's
    cross-entropy, the box's L1, the maps' cross-entropy.

    Args:
        out: what :class:`mnistlab.detector.network.Detector` says of the batch.
        batch: what it is to say.
    """
    logit = out[:, MIDDLE]
    p = torch.sigmoid(logit)
    peak = (batch.middle == 1).float()
    found = functional.softplus(-logit) * (1 - p) ** 2 * peak
    free = functional.softplus(logit) * p**2 * (1 - batch.middle) ** 4 * (1 - peak) * batch.asked
    total = batch.weight.sum().clamp(min=1)
    near = batch.weight > 0
    weight = batch.weight[near]
    rows = out.permute(0, 2, 3, 1)[near]
    kind = functional.cross_entropy(
        rows[:, CLASSES:], batch.kind[near], reduction="none", label_smoothing=0.02
    )
    away = (rows[:, OFFSET:RULINGS] - batch.box.permute(0, 2, 3, 1)[near]).abs().sum(1)
    return Losses(
        (found + free).sum() / peak.sum().clamp(min=1),
        (kind * weight).sum() / total,
        (away * weight).sum() / total,
        functional.binary_cross_entropy_with_logits(out[:, RULINGS:CLASSES], batch.maps),
    )
