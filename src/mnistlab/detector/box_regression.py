"""Box regression: the classifier also says how far each edge of a character's box is off.

A ridge regression on the inputs of its last layer, as in R-CNN (Girshick et al., 2014): the rest of
the network stays as it was trained.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistlab.detector.classifier import CLASSES, Classifier
from mnistlab.detector.cut_outs import CutOuts
from mnistlab.detector.network import prepare

EDGES = 4
"""Of a box: left, top, right, bottom."""
_RIDGE = 100.0
"""Weight of the squared coefficients, beside sums of squared errors."""
_AT_ONCE = 4096


@torch.no_grad()
def add_box_regression(net: Classifier, parts: Iterable[CutOuts]) -> nn.Sequential:
    """Return a classifier, in evaluation mode, that tells the offsets of a box's edges after its
    logits: ``(n, 3, 32, 32)`` to ``(n, 25)``.

    Args:
        net: put into evaluation mode, otherwise not changed.
        parts: cut-outs to fit it with; those whose ``offsets`` are not known are left out.
    """
    *body, last = net.eval()
    if not isinstance(last, nn.Linear):
        raise TypeError("the classifier's last layer is not linear")
    features = nn.Sequential(*body)
    size = last.in_features + 1
    squares, products = np.zeros((size, size)), np.zeros((size, EDGES))
    for images, offsets in _batches(parts):
        seen = features(prepare(torch.from_numpy(images))).double().numpy()
        seen = np.hstack([seen, np.ones((len(seen), 1))])
        squares += seen.T @ seen
        products += seen.T @ offsets
    # The intercept is free.
    penalty = np.diag(np.append(np.full(size - 1, _RIDGE), 1e-9))
    coefficients = torch.from_numpy(np.linalg.solve(squares + penalty, products))
    both = nn.Linear(last.in_features, CLASSES + EDGES)
    both.weight.copy_(torch.cat([last.weight, coefficients[:-1].T.float()]))
    both.bias.copy_(torch.cat([last.bias, coefficients[-1].float()]))
    return nn.Sequential(*body, both).eval()


def _batches(
    parts: Iterable[CutOuts],
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Yield the images and offsets of those cut-outs whose offsets are known."""
    for part in parts:
        known = np.flatnonzero(~np.isnan(part.offsets[:, 0]))
        for at in range(0, len(known), _AT_ONCE):
            some = known[at : at + _AT_ONCE]
            yield part.images[some], part.offsets[some]
