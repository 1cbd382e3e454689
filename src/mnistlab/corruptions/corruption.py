"""Corruption: the list of the fifteen corruptions of MNIST-C, and :func:`corrupt`.

Names, their order and all numbers are those of N. Mu and J. Gilmer, *MNIST-C: A Robustness
Benchmark for Computer Vision*, 2019 (arXiv:1906.02337), and of the code that made the published
images (github.com/google-research/mnist-c). The implementation is independent; where it differs
from that code, the function says so.
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
    """One kind of corruption.

    Attributes:
        name: for example ``shot_noise``.
        apply: takes and returns :data:`Images`; takes ``severity`` and ``rngs`` by keyword, if it
            has severities and if it is random.
        published_severity: the severity of MNIST-C's images, 1 to 5; ``None`` if it has no
            severities.
        random: whether it draws random numbers.
    """

    name: str
    apply: Callable[..., Images]
    published_severity: int | None = None
    random: bool = True


CORRUPTIONS = {
    corruption.name: corruption
    for corruption in (
        Corruption("shot_noise", shot_noise, 5),
        Corruption("impulse_noise", impulse_noise, 4),
        Corruption("glass_blur", glass_blur, 1),
        Corruption("motion_blur", motion_blur, 1),
        Corruption("shear", shear, 2),
        Corruption("scale", scale, 3, random=False),
        Corruption("rotate", rotate, 2),
        Corruption("brightness", brightness, 5, random=False),
        Corruption("translate", translate, 3),
        Corruption("stripe", stripe, random=False),
        Corruption("fog", fog, 5),
        Corruption("spatter", spatter, 4),
        Corruption("dotted_line", dotted_line),
        Corruption("zigzag", zigzag),
        Corruption("canny_edges", canny_edges, random=False),
    )
}
"""Each :class:`Corruption` by name, in the order of the paper."""


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one corruption.

    Args:
        seed: at least 0.
        name: of the corruption; each has other random numbers for the same seed.
    """
    return np.random.default_rng([seed, *name.encode()])


def corrupt(
    images: NDArray[np.uint8],
    name: str,
    *,
    severity: int | None = None,
    generator: np.random.Generator,
) -> NDArray[np.uint8]:
    """Corrupt images as MNIST-C does (Mu and Gilmer, 2019, arXiv:1906.02337).

    Each image has its own generator, a child of ``generator`` by its index, so the result for an
    image does not depend on the other images. Lengths are in pixels of MNIST's 28x28; for images of
    another size, such a pixel is a 28th of the shorter side.

    Args:
        images: uint8, ``(n, height, width)``, light on black, sides of at least 2 pixels.
        name: one of :data:`CORRUPTIONS`.
        severity: 1 to 5; ``None`` is the severity of MNIST-C's images. Must be ``None`` for stripe,
            dotted line, zigzag and Canny edges, which have no severities.
        generator: the source of all random draws; see :func:`mnistlab.corruptions.generator`.

    Returns:
        uint8, ``(n, height, width)``, rounded to the nearest grey.

    Raises:
        DataError: no such corruption, a severity that it does not have, or images of another dtype
            or shape.

    Example:
        >>> import numpy as np
        >>> from mnistlab.corruptions import corrupt, generator
        >>> images = np.full((2, 28, 28), 100, np.uint8)
        >>> noisy = corrupt(images, "impulse_noise", severity=3, generator=generator(0, "test"))
        >>> noisy.shape, np.unique(noisy).tolist()
        ((2, 28, 28), [0, 100, 255])
    """
    corruption = _find(name)
    settings = _severity(corruption, severity)
    _check(images)
    corrupted = np.empty_like(images)
    at_once = max(1, _PIXELS_AT_ONCE // images[0].size) if len(images) else 1
    for start in range(0, len(images), at_once):
        part = images[start : start + at_once].astype(np.float32) / 255
        random = {"rngs": generator.spawn(len(part))} if corruption.random else {}
        changed = corruption.apply(part, **settings, **random)
        corrupted[start : start + at_once] = np.rint(255 * np.clip(changed, 0, 1))
    return corrupted


def _find(name: str) -> Corruption:
    if name in CORRUPTIONS:
        return CORRUPTIONS[name]
    hint = did_you_mean(name, CORRUPTIONS) or f"known: {', '.join(CORRUPTIONS)}"
    raise DataError(f"{name}: no such corruption; {hint}")


def _severity(corruption: Corruption, severity: int | None) -> dict[str, int]:
    if corruption.published_severity is None:
        if severity is not None:
            raise DataError(
                f"severity {severity}: {corruption.name} has no severities; leave it out"
            )
        return {}
    chosen = corruption.published_severity if severity is None else severity
    if chosen not in SEVERITIES:
        raise DataError(f"severity {severity}: {corruption.name} has severities 1 to 5")
    return {"severity": int(chosen)}


def _check(images: NDArray[np.uint8]) -> None:
    shape, kind = np.shape(images), getattr(images, "dtype", type(images).__name__)
    if kind != np.uint8 or len(shape) != 3 or min(shape[1:]) < _SHORTEST_SIDE:
        raise DataError(
            f"images of type {kind} and shape {shape} cannot be corrupted; they must be uint8, (n,"
            f" height, width), with sides of at least {_SHORTEST_SIDE}"
        )
