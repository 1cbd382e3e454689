"""Catalogue: the fifteen corruptions of MNIST-C, and how images are corrupted.

Names, their order and all numbers are those of N. Mu and J. Gilmer, *MNIST-C: A Robustness
Benchmark for Computer Vision*, 2019 (arXiv:1906.02337) and of the code that made the published
images (github.com/google-research/mnist-c). Everything is written afresh; where it does otherwise
than that code, the function says so.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.corruptions.blurring import glass_blur, motion_blur
from mnistlab.corruptions.edges import canny_edges
from mnistlab.corruptions.geometry import rotate, scale, shear, translate
from mnistlab.corruptions.image import Images
from mnistlab.corruptions.light import brightness, stripe
from mnistlab.corruptions.lines import dotted_line, zigzag
from mnistlab.corruptions.noise import impulse_noise, shot_noise
from mnistlab.corruptions.weather import fog, spatter
from mnistlab.errors import DataError, did_you_mean

SEVERITIES = (1, 2, 3, 4, 5)
_PIXELS_AT_ONCE = 400_000
_SHORTEST_SIDE = 2


@dataclass(frozen=True)
class Corruption:
    """One way of making images worse.

    Attributes:
        name: for example ``shot_noise``.
        about: what it does, in a few words.
        change: takes and returns :data:`Images`; by keyword ``severity`` and ``draws``, where it
            has them.
        published: the severity of MNIST-C's images, 1 to 5; ``None`` if it comes in one form alone.
        chance: whether it draws at random.
    """

    name: str
    about: str
    change: Callable[..., Images]
    published: int | None = None
    chance: bool = True


CORRUPTIONS = {
    corruption.name: corruption
    for corruption in (
        Corruption("shot_noise", "counted in few photons", shot_noise, 5),
        Corruption("impulse_noise", "pixels turned black or white", impulse_noise, 4),
        Corruption("glass_blur", "neighbouring pixels swapped, blurred", glass_blur, 1),
        Corruption("motion_blur", "smeared in one direction", motion_blur, 1),
        Corruption("shear", "slanted to either side", shear, 2),
        Corruption("scale", "made smaller", scale, 3, chance=False),
        Corruption("rotate", "turned either way", rotate, 2),
        Corruption("brightness", "all of it lighter", brightness, 5, chance=False),
        Corruption("translate", "moved towards a corner", translate, 3),
        Corruption("stripe", "a quarter inverted on either side", stripe, chance=False),
        Corruption("fog", "behind cloudy light", fog, 5),
        Corruption("spatter", "with splashes of mud", spatter, 4),
        Corruption("dotted_line", "with a dotted line across", dotted_line),
        Corruption("zigzag", "with a zigzag across", zigzag),
        Corruption("canny_edges", "edges alone", canny_edges, chance=False),
    )
}
"""By name, in the paper's order."""


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the generator that belongs to a seed, at least 0, and to this corruption alone."""
    return np.random.default_rng([seed, *name.encode()])


def corrupt(
    images: NDArray[np.uint8],
    name: str,
    *,
    severity: int | None = None,
    generator: np.random.Generator,
) -> NDArray[np.uint8]:
    """Corrupt images.

    Each image gets a generator of its own, ``generator.spawn``'s child of its index: what becomes
    of it depends on the seed, its index and itself, and on no other image. Lengths are given in
    pixels of MNIST's 28x28; in images of another size such a pixel is a 28th of the shorter side.

    Args:
        images: uint8, ``(n, height, width)``, light on black, sides of at least 2.
        name: one of :data:`CORRUPTIONS`.
        severity: 1 to 5; ``None`` is what MNIST-C published. Stripe, dotted line, zigzag and Canny
            edges have none.
        generator: from which all random draws follow; see :func:`mnistlab.corruptions.generator`.

    Returns:
        uint8, ``(n, height, width)``, rounded to the nearest grey.

    Raises:
        DataError: no such corruption, a severity that it does not have, or something else than such
            images.
    """
    corruption = _find(name)
    settings = _severity(corruption, severity)
    _check(images)
    corrupted = np.empty_like(images)
    at_once = max(1, _PIXELS_AT_ONCE // images[0].size) if len(images) else 1
    for start in range(0, len(images), at_once):
        part = images[start : start + at_once].astype(np.float32) / 255
        draws = {"draws": generator.spawn(len(part))} if corruption.chance else {}
        changed = corruption.change(part, **settings, **draws)
        corrupted[start : start + at_once] = np.rint(255 * np.clip(changed, 0, 1))
    return corrupted


def _find(name: str) -> Corruption:
    if name in CORRUPTIONS:
        return CORRUPTIONS[name]
    raise DataError(
        f"{name}: no such corruption; {did_you_mean(name, CORRUPTIONS)}known:"
        f" {', '.join(CORRUPTIONS)}"
    )


def _severity(corruption: Corruption, severity: int | None) -> dict[str, int]:
    if corruption.published is None:
        if severity is not None:
            raise DataError(
                f"severity {severity}: {corruption.name} comes in one form alone; leave the"
                " severity out"
            )
        return {}
    chosen = corruption.published if severity is None else severity
    if chosen not in SEVERITIES:
        raise DataError(f"severity {severity}: {corruption.name} has severities 1 to 5")
    return {"severity": int(chosen)}


def _check(images: NDArray[np.uint8]) -> None:
    shape, kind = np.shape(images), getattr(images, "dtype", type(images).__name__)
    if kind != np.uint8 or len(shape) != 3 or min(shape[1:]) < _SHORTEST_SIDE:
        raise DataError(
            f"images of type {kind} and shape {shape}; to be corrupted they must be uint8, (n,"
            f" height, width), with sides of at least {_SHORTEST_SIDE}"
        )
