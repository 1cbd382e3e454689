"""Temperature: one number that corrects a network's confidence and keeps its predictions (Guo
et al., 2017).
"""

import math

import numpy as np
from numpy.typing import NDArray

from mnistlab.statistics.logits import check_logits, log_probabilities

LOWEST, HIGHEST = 1 / 20, 20.0
_PRECISION = 1e-7
"""Of the temperature's logarithm."""


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature by which to divide logits so that the mean cross-entropy is least.

    Fit it on images that the network was neither trained nor is tested on. The cross-entropy has no
    other minimum than the one found, since it is convex in one over the temperature.

    Args:
        logits: float32, ``(n, classes)``.
        labels: int64, ``(n,)``.

    Returns:
        :data:`LOWEST` to :data:`HIGHEST`; above 1 the network is overconfident. If no image is
        misclassified, any lower temperature is better, so it is near :data:`LOWEST`: too few
        images to fit on.

    Raises:
        DataError: see :func:`mnistlab.statistics.logits.check_logits`.
    """
    from scipy.optimize import minimize_scalar

    check_logits(logits, labels)
    images = np.arange(len(labels))

    def loss(exponent: float) -> float:
        return -float(log_probabilities(logits, math.exp(exponent))[images, labels].mean())

    found = minimize_scalar(
        loss,
        bounds=(math.log(LOWEST), math.log(HIGHEST)),
        method="bounded",
        options={"xatol": _PRECISION},
    )
    return math.exp(found.x)
