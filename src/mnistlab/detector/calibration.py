"""How much the reader trusts its two networks: weights of their answers, fitted on rendered pages.

The detector gives a character's probability and its class, the classifier another class, or that
there is nothing. Both are multiplied, each to a power, as in a product of experts (Hinton, 2002);
the powers are those for which the answers are most probable, as temperature scaling fits its one
(Guo et al., 2017).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.detector import classifier
from mnistlab.detector.classifier import NOTHING, Classifier, cut_out
from mnistlab.detector.loss import Batch
from mnistlab.detector.network import (
    CLASSES,
    MIDDLE,
    OFFSET,
    Detector,
    decode_boxes,
    find_peaks,
    prepare,
)

LEAST = 0.15
"""Probability of a character from which on the reader looks at a place."""
_NEAR = 2
"""Cells between where a character is said to be and where it is."""
_TINY = 1e-6


class Calibration(NamedTuple):
    """Powers of the classifier's answer, of the detector's class, and of its probability that there
    is a character or none; and the logarithm of a factor of nothing.
    """

    classifier: float
    kind: float
    found: float
    nothing: float


UNCALIBRATED = Calibration(1.0, 0.3, 1.0, 0.0)


class Answers(NamedTuple):
    """What both networks say of places, and what is there.

    Attributes:
        logits: the classifier's, ``(n, 21)``.
        kinds: logarithms of the detector's probabilities of classes, ``(n, 20)``.
        found: its probability of a character, ``(n,)``.
        truth: ``(n,)``.
    """

    logits: Tensor
    kinds: Tensor
    found: Tensor
    truth: Tensor


def combine(answers: Answers, powers: Tensor) -> Tensor:
    """Return logits of both together, ``(n, 21)``; ``powers`` as in :class:`Calibration`."""
    there = powers[1] * answers.kinds + powers[2] * (answers.found + _TINY).log()[:, None]
    none = powers[2] * (1 - answers.found + _TINY).log() + powers[3]
    return powers[0] * answers.logits + torch.cat([there, none[:, None]], 1)


@torch.no_grad()
def collect(detector: Detector, named: Classifier, batch: Batch) -> Answers:
    """Return the answers for all places of a batch where a character may be seen."""
    out = detector(prepare(batch.images))
    heat = out[:, MIDDLE]
    image, row, column = (find_peaks(heat) & (heat.sigmoid() > LEAST)).nonzero().T
    truth = _truth(batch)[image, row, column]
    said = out[image, :, row, column]
    boxes = decode_boxes(torch.stack([image, row, column], 1), out[:, OFFSET:])
    tall = _talls(batch)[image, row, column]
    tall = torch.where(tall > 0, tall, boxes[:, 3] - boxes[:, 1])
    logits = named(classifier.prepare(cut_out(batch.images, image, boxes, tall)))
    known = truth >= 0
    return Answers(
        logits[known],
        said[known][:, CLASSES:].log_softmax(1),
        said[known][:, MIDDLE].sigmoid(),
        truth[known],
    )


def fit(answers: Answers) -> Calibration:
    """Return the powers for which the truth is most probable."""
    powers = nn.Parameter(torch.tensor(UNCALIBRATED))
    optimizer = torch.optim.LBFGS([powers], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(combine(answers, powers), answers.truth)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return Calibration(*powers.tolist())


def _truth(batch: Batch) -> Tensor:
    """Return the class of each cell: that of the character whose middle is near, nothing, or -1
    where anything may be said.
    """
    window = 2 * _NEAR - 1
    here = torch.where(batch.tall > 0, batch.kind + 1, 0).float()[:, None]
    near = functional.max_pool2d(here, window, 1, window // 2)[:, 0].long() - 1
    exact = torch.where(batch.tall > 0, batch.kind, near)
    empty = (batch.asked > 0) & ~batch.written
    return torch.where(exact >= 0, exact, torch.where(empty, NOTHING, -1))


def _talls(batch: Batch) -> Tensor:
    window = 2 * _NEAR - 1
    return functional.max_pool2d(batch.tall[:, None], window, 1, window // 2)[:, 0]
