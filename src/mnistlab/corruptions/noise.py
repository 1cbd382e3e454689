"""Noise: what few photons and broken sensors do to each pixel by itself."""

import numpy as np

from mnistlab.corruptions.image import Draws, Images


def shot_noise(images: Images, *, severity: int, draws: Draws) -> Images:
    """Count the light in few photons: each pixel becomes a Poisson draw whose mean it is.

    A white pixel receives 60, 25, 12, 5 or 3 photons in the mean; published is 5, with 3. Black
    stays black; what is more than white is white.
    """
    photons = (60, 25, 12, 5, 3)[severity - 1]
    counts = np.stack(
        [draw.poisson(photons * image) for draw, image in zip(draws, images, strict=True)]
    )
    return np.minimum(counts / photons, 1).astype(np.float32)


def impulse_noise(images: Images, *, severity: int, draws: Draws) -> Images:
    """Turn pixels black or white, as many the one as the other ("salt and pepper").

    A pixel is hit with probability 0.03, 0.06, 0.09, 0.17 or 0.27; published is 4, with 0.17.
    """
    share = (0.03, 0.06, 0.09, 0.17, 0.27)[severity - 1]
    chance = np.stack(
        [draw.random(image.shape, np.float32) for draw, image in zip(draws, images, strict=True)]
    )
    return np.select([chance < share / 2, chance < share], [np.float32(1), np.float32(0)], images)
