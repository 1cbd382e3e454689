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
