"""New images: what a difference would be on other images of the same kind, over seeds and
images.
"""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from mnistlab.statistics.interval import CONFIDENCE, Interval


class NewImages(BaseModel):
    """How sure a difference is if seeds and images are both samples; in percentage points.

    Attributes:
        interval: of the mean difference, over other seeds and other images.
        seeds_reach: how far it would still reach to either side if there were any number of images.
        images_reach: how far it would still reach to either side if there were any number of seeds.
    """

    model_config = ConfigDict(frozen=True)

    interval: Interval
    seeds_reach: float
    images_reach: float


def on_new_images(
    one: NDArray[np.bool_], other: NDArray[np.bool_], confidence: float = CONFIDENCE
) -> NewImages | None:
    """Work out how sure the difference of two recipes is, over seeds and images together.

    A two-way analysis of variance with random seeds, random images and their interaction (Searle,
    Casella and McCulloch, 1992; Jordan, 2023, takes the variance of a run's accuracy apart
    likewise). The mean's variance is that of seeds over their number, that of images over theirs,
    and the interaction over both. Student's t has the degrees of freedom of Satterthwaite (1946),
    at least those of the seeds; the interval is nowhere narrower than that over the seeds alone.

    Args:
        one: which images each run reads rightly, ``(runs, images)``, at least two of each.
        other: the same of the other recipe, its runs in the same order of seeds.
        confidence: of the interval, 0 to 1.

    Returns:
        ``None`` where the readings show no spread from which it could be told.
    """
    from scipy.stats import norm, t

    difference = one.astype(np.float64) - other
    runs, images = difference.shape
    of_runs, of_images, mean = difference.mean(axis=1), difference.mean(axis=0), difference.mean()
    squares = np.array(
        [
            images * ((of_runs - mean) ** 2).sum(),
            runs * ((of_images - mean) ** 2).sum(),
            ((difference - of_runs[:, None] - of_images + mean) ** 2).sum(),
        ]
    )
    freedom = np.array([runs - 1, images - 1, (runs - 1) * (images - 1)])
    seed, image, both = squares / freedom
    # Squares of seeds hold the interaction already; what images add to it cannot be less than
    # nothing.
    spread = seed + max(image - both, 0.0)
    if not spread:
        return None
    weights = np.array([seed, image, both]) ** 2 / freedom
    degrees = max(spread**2 / weights.sum(), runs - 1)
    level, cells = (1 + confidence) / 2, runs * images
    few = float(t.ppf(level, runs - 1))
    reach = max(
        float(t.ppf(level, degrees)) * math.sqrt(spread / cells), few * math.sqrt(seed / cells)
    )
    seeds_alone = few * math.sqrt(max(seed - both, 0.0) / cells)
    images_alone = float(norm.ppf(level)) * math.sqrt(max(image - both, 0.0) / cells)
    return NewImages(
        interval=Interval(low=100 * (mean - reach), high=100 * (mean + reach)),
        seeds_reach=100 * seeds_alone,
        images_reach=100 * images_alone,
    )
