"""Corruption: the list of the fifteen corruptions of MNIST-C, and :func:`corrupt`.

Names, their order and all numbers are those of N. Mu and J. Gilmer, *MNIST-C: A Robustness
Benchmark for Computer Vision*, 2019 (arXiv:1906.02337), and of the code that made the published
images (github.com/google-research/mnist-c). The implementation is independent; where it differs
from that code, the function says so.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.colour import to_channels
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
_GREY = 3
"""Dimensions of images without channels."""


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
        own_noise: whether each channel has random numbers of its own.
        of_luma: whether it is worked out from the luma of colours.
    """

    name: str
    apply: Callable[..., Images]
    published_severity: int | None = None
    random: bool = True
    own_noise: bool = False
    of_luma: bool = False


CORRUPTIONS = {
    corruption.name: corruption
    for corruption in (
        Corruption("shot_noise", shot_noise, 5, own_noise=True),
        Corruption("impulse_noise", impulse_noise, 4, own_noise=True),
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
        Corruption("canny_edges", canny_edges, random=False, of_luma=True),
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
        images: uint8, ``(n, channels, height, width)``, or ``(n, height, width)`` if grey; light on
            black, sides of at least 2 pixels. All channels of an image are moved and blurred alike;
            each has noise of its own; edges are those of its luma.
        name: one of :data:`CORRUPTIONS`.
        severity: 1 to 5; ``None`` is the severity of MNIST-C's images. Must be ``None`` for stripe,
            dotted line, zigzag and Canny edges, which have no severities.
        generator: the source of all random draws; see :func:`mnistlab.corruptions.generator`.

    Returns:
        uint8, of the same shape, rounded to whole values.

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
    shaped = images[:, np.newaxis] if images.ndim == _GREY else images
    corrupted = np.empty_like(shaped, order="C")
    at_once = max(1, _PIXELS_AT_ONCE // images[0].size) if len(images) else 1
    for start in range(0, len(images), at_once):
        part = shaped[start : start + at_once]
        rngs = generator.spawn(len(part)) if corruption.random else []
        planes = to_channels(part, 1) if corruption.of_luma else part
        for channel in range(planes.shape[1]):
            plane = planes[:, channel].astype(np.float32) / 255
            own = rngs if corruption.own_noise else deepcopy(rngs)
            random = {"rngs": own} if corruption.random else {}
            changed = np.rint(255 * np.clip(corruption.apply(plane, **settings, **random), 0, 1))
            channels = slice(None) if corruption.of_luma else slice(channel, channel + 1)
            corrupted[start : start + at_once, channels] = changed[:, np.newaxis]
    return corrupted.reshape(images.shape)


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
    of_images = len(shape) == _GREY or (len(shape) == _GREY + 1 and shape[1] in (1, 3))
    if kind != np.uint8 or not of_images or min(shape[-2:]) < _SHORTEST_SIDE:
        raise DataError(
            f"images of type {kind} and shape {shape} cannot be corrupted; they must be uint8, (n,"
            f" channels, height, width), with sides of at least {_SHORTEST_SIDE}"
        )
