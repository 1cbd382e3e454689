"""Noise: shot noise and impulse noise."""

import numpy as np

from mnistlab.corruptions.image import Generators, Images


def shot_noise(images: Images, *, severity: int, rngs: Generators) -> Images:
    """Replace each pixel by a Poisson draw with its value as the mean, as if counting few photons.

    A white pixel receives 60, 25, 12, 5 or 3 photons on average; MNIST-C's severity is 5, with 3.
    Black stays black, and the result is clipped to white.
    """
    photons = (60, 25, 12, 5, 3)[severity - 1]
    counts = np.stack(
        [rng.poisson(photons * image) for rng, image in zip(rngs, images, strict=True)]
    )
    return np.minimum(counts / photons, 1).astype(np.float32)


def impulse_noise(images: Images, *, severity: int, rngs: Generators) -> Images:
    """Turn random pixels black or white, with equal probability (salt-and-pepper noise).

    A pixel is affected with probability 0.03, 0.06, 0.09, 0.17 or 0.27; MNIST-C's severity is 4,
    with 0.17.
    """
    share = (0.03, 0.06, 0.09, 0.17, 0.27)[severity - 1]
    chance = np.stack(
        [rng.random(image.shape, np.float32) for rng, image in zip(rngs, images, strict=True)]
    )
    return np.select([chance < share / 2, chance < share], [np.float32(1), np.float32(0)], images)
