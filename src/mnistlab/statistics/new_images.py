"""New images: what a difference would be on other images of the same kind."""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from mnistlab.statistics.interval import CONFIDENCE, Interval, student_quantile


class NewImages(BaseModel):
    """The uncertainty of a difference if seeds and images are both samples; percentage points.

    Attributes:
        interval: of the mean difference, over other seeds and other images.
        seeds_reach: how far it would extend to either side with any number of images.
        images_reach: how far it would extend to either side with any number of seeds.
        images_p: one-sided p of there being no such difference between images: that a recipe does
            better on an image with one seed says nothing of the other seeds.
    """

    model_config = ConfigDict(frozen=True)

    interval: Interval
    seeds_reach: float
    images_reach: float
    images_p: float


def on_new_images(
    one: NDArray[np.bool_], other: NDArray[np.bool_], confidence: float = CONFIDENCE
) -> NewImages | None:
    """Return the uncertainty of the difference of two recipes over seeds and images together.

    A two-way analysis of variance with random seeds, random images and their interaction (Searle,
    Casella and McCulloch, 1992; Jordan, 2023, splits the variance of a run's accuracy likewise).
    The variance of the mean is that of seeds over their number, that of images over theirs, and the
    interaction over both. Student's t has the degrees of freedom of Satterthwaite (1946), at least
    those of the seeds; the interval is never narrower than the one over seeds alone.

    Args:
        one: which images each run classifies correctly, ``(runs, images)``, at least two of each.
        other: the same of the other recipe, its runs in the same order of seeds.
        confidence: of the interval, 0 to 1.

    Returns:
        ``None`` if no difference varies over seeds or images.
    """
    from scipy.stats import norm

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
    # The seeds' mean square includes the interaction, and images cannot add less than nothing.
    spread = seed + max(image - both, 0.0)
    if not spread:
        return None
    weights = np.array([seed, image, both]) ** 2 / freedom
    degrees = max(spread**2 / weights.sum(), runs - 1)
    level, cells = (1 + confidence) / 2, runs * images
    few = student_quantile(level, runs - 1)
    reach = max(
        student_quantile(level, degrees) * math.sqrt(spread / cells),
        few * math.sqrt(seed / cells),
    )
    seeds_alone = few * math.sqrt(max(seed - both, 0.0) / cells)
    images_alone = float(norm.ppf(level)) * math.sqrt(max(image - both, 0.0) / cells)
    return NewImages(
        interval=Interval(low=100 * (mean - reach), high=100 * (mean + reach)),
        seeds_reach=100 * seeds_alone,
        images_reach=100 * images_alone,
        images_p=_images_p(difference - of_runs[:, None]),
    )


def _images_p(centred: NDArray[np.float64]) -> float:
    """Return the one-sided p that differences on an image do not agree from seed to seed.

    An image's evidence is the sum of the products of its differences with two different seeds. If
    the image itself has no part in them, its mean is 0, however hard the image is. (The usual F
    test takes all images for equally hard: of equal recipes it finds a third to differ by image.)

    Args:
        centred: differences less their mean over images, ``(runs, images)``.
    """
    from scipy.stats import norm

    products = centred.sum(axis=0) ** 2 - (centred**2).sum(axis=0)
    spread = math.sqrt((products**2).sum())
    return float(norm.sf(products.sum() / spread)) if spread else 1.0
