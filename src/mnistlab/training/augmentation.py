"""Augmentation: the random parameters of small changes to training images, all drawn beforehand."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe

_CONTROL_POINTS = 8
"""Of elastic displacements, along each side: about as smooth as Simard's Gaussian of 4 pixels on
MNIST."""
_RIM = functional.pad(torch.zeros(3, 3), (1, 1, 1, 1), value=1).bool()
"""What a 3x3 filter leaves out of 5x5 weights."""
_GRAIN = 1 << 17
"""Places at which an image's part of the grain can begin."""
_FILTER_SIDE = 5
_ERASED_AREA = (0.02, 0.2)
_ERASED_ASPECT = (0.3, 1 / 0.3)


def draw_augmentation(
    recipe: Recipe, count: int, size: tuple[int, int], random: torch.Generator
) -> AugmentationParams:
    """Draw for ``count`` images what the recipe asks for.

    Rotation, translation, scale and shear become one affine matrix. Elastic displacements (after
    Simard, Steinkraus and Platt, 2003) are normal at control points and smooth between them
    (Rueckert et al., 1999). Erasure takes a box of 2 to 20 % of the image and of aspect 0.3 to 3.3
    (Zhong et al., 2020) and gives it one grey. A filter is 3x3 or 5x5, its weights normal (Xu et
    al., 2021); of half of them the response's magnitude counts, which draws outlines. Noise is
    Gaussian, pixel by pixel, each image with an amplitude of its own (Rusak et al., 2020); all
    share one long row of draws, each from its own place.

    Args:
        recipe: its augmentation fields count.
        count: number of images.
        size: height and width of the images in pixels.
        random: on the CPU.
    """

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(count).uniform_(low, high, generator=random)

    matrices = displacements = sigmas = filters = erasures = fills = amplitudes = starts = (
        inversions
    ) = grain = None
    if recipe.rotation or recipe.translation or recipe.scale or recipe.shear:
        rotation, shear = math.radians(recipe.rotation), math.radians(recipe.shear)
        matrices = affine_matrices(
            angles=uniform(-rotation, rotation),
            scales=uniform(1 - recipe.scale, 1 + recipe.scale),
            shears=uniform(-shear, shear),
            right=uniform(-recipe.translation, recipe.translation),
            down=uniform(-recipe.translation, recipe.translation),
        )
    if recipe.elastic:
        points = (count, 2, _CONTROL_POINTS, _CONTROL_POINTS)
        displacements = torch.empty(points).normal_(0, recipe.elastic, generator=random)
    low, high = recipe.blur
    if high:
        sigmas = uniform(low, high)
    if recipe.erasing:
        aspects = uniform(*map(math.log, _ERASED_ASPECT)).exp()
        chosen = uniform(0, 1) < recipe.erasing
        erasures = _boxes(
            uniform(*_ERASED_AREA), aspects, uniform(0, 1), uniform(0, 1), size
        ) * chosen.unsqueeze(1)
        fills = uniform(0, 1)
    if recipe.filtering:
        sides = (count, _FILTER_SIDE, _FILTER_SIDE)
        filters = torch.empty(sides).normal_(0, 1, generator=random)
        small, chosen = uniform(0, 1) < 0.5, uniform(0, 1) < recipe.filtering
        filters *= (chosen.view(-1, 1, 1) & ~(small.view(-1, 1, 1) & _RIM)).float()
    if recipe.noise:
        amplitudes = uniform(0, recipe.noise)
        starts = torch.randint(_GRAIN, (count,), generator=random, dtype=torch.int32)
        grain = torch.empty(_GRAIN + size[0] * size[1]).normal_(0, 1, generator=random)
    if recipe.inversion:
        inversions = (uniform(0, 1) < recipe.inversion).float()
    return AugmentationParams(
        *(matrices, displacements, sigmas, filters, erasures, fills),
        *(amplitudes, starts, inversions, grain),
    )


def affine_matrices(
    angles: Tensor, scales: Tensor, shears: Tensor, right: Tensor, down: Tensor
) -> Tensor:
    """Compose changes of a picture about its centre: scaled, sheared, rotated, then moved.

    Args:
        angles: float32, ``(n,)``, radians, counter-clockwise as one looks at the picture.
        scales: float32, ``(n,)``, above 0.
        shears: float32, ``(n,)``, radians, within a quarter turn: what is above the centre moves
            right.
        right: float32, ``(n,)``, pixels.
        down: float32, ``(n,)``, pixels.

    Returns:
        float32, ``(n, 2, 3)``: for each pixel (x, y) of the result where it is taken from: all
        that, inverted.
    """
    cosine, sine, tangent = angles.cos(), angles.sin(), shears.tan()
    # Back from the result, whose y points down: turn clockwise, undo the shear, undo the scale.
    first = torch.stack(
        [cosine + tangent * sine, -sine + tangent * cosine], dim=1
    ) / scales.unsqueeze(1)
    second = torch.stack([sine, cosine], dim=1) / scales.unsqueeze(1)
    linear = torch.stack([first, second], dim=1)  # (n, 2, 2)
    moved = -(linear * torch.stack([right, down], dim=1).unsqueeze(1)).sum(dim=2, keepdim=True)
    return torch.cat([linear, moved], dim=2)


def _boxes(
    areas: Tensor, aspects: Tensor, tops: Tensor, lefts: Tensor, size: tuple[int, int]
) -> Tensor:
    height, width = size
    pixels = areas * height * width
    heights = (pixels * aspects).sqrt().round().clamp(1, height)
    widths = (pixels / aspects).sqrt().round().clamp(1, width)
    tops, lefts = (tops * (height - heights + 1)).floor(), (lefts * (width - widths + 1)).floor()
    boxes = torch.stack(
        [tops.minimum(height - heights), lefts.minimum(width - widths), heights, widths], dim=1
    )
    return boxes.to(torch.int32)
