"""Proportion: how sure a share of images is."""

from mnistlab.statistics.interval import CONFIDENCE, Interval


def wilson_interval(right: float, images: float) -> Interval:
    """Return the 95 % score interval of a share, 0 to 1 (Wilson, 1927).

    Args:
        right: of the images, 0 to all; a mean over runs need not be whole.
        images: more than 0.
    """
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(right, images, alpha=1 - CONFIDENCE, method="wilson")
    return Interval(low=float(low), high=float(high))
