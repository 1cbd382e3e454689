"""Rotation, translation, scale, shear and elastic distortion, in one resampling.

Rotation, translation, scale and shear become one affine matrix. Elastic displacements (after
Simard, Steinkraus and Platt, 2003) are normal at control points, and a cubic B-spline in between
(Rueckert et al., 1999).
"""

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.elementary import sin_cos
from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler
from mnistlab.training.randomness import normal

_CONTROL_POINTS = 8
"""Along each side, of elastic displacements: on MNIST about as smooth as Simard's Gaussian with a
standard deviation of 4 pixels."""


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``matrices``, float32 ``(n, 2, 3)``, and ``displacements``, float32 ``(n, 2, g, g)``.

    A matrix maps a pixel (x, y) of the result, relative to the centre, to its source. The
    displacements, x then y, in pixels, are added to the source; they are given at ``g`` (at least
    4) by ``g`` control points of a uniform cubic B-spline that spans the image.
    """
    drawn = {}
    if recipe.rotation or recipe.translation or recipe.scale or recipe.shear:
        rotation, shear = math.radians(recipe.rotation), math.radians(recipe.shear)
        ranges = {
            "angles": (-rotation, rotation),
            "scales": (1 - recipe.scale, 1 + recipe.scale),
            "shears": (-shear, shear),
            "right": (-recipe.translation, recipe.translation),
            "down": (-recipe.translation, recipe.translation),
        }
        drawn["matrices"] = affine_matrices(
            **{name: sampler.uniform(low, high) for name, (low, high) in ranges.items()}
        )
    if recipe.elastic:
        points = (sampler.count, 2, _CONTROL_POINTS, _CONTROL_POINTS)
        drawn["displacements"] = normal(sampler.generator, *points).mul_(recipe.elastic)
    return drawn


def affine_matrices(
    angles: Tensor, scales: Tensor, shears: Tensor, right: Tensor, down: Tensor
) -> Tensor:
    """Return the inverse of scaling, shearing, rotating and translating, in that order.

    The first three are about the centre of the image.

    Args:
        angles: float32, ``(n,)``, radians, counter-clockwise as displayed.
        scales: float32, ``(n,)``, above 0.
        shears: float32, ``(n,)``, radians, within a quarter turn; positive moves what is above the
            centre to the right.
        right: float32, ``(n,)``, pixels.
        down: float32, ``(n,)``, pixels.

    Returns:
        float32, ``(n, 2, 3)``: maps a pixel (x, y) of the result to its source.
    """
    (sine, cosine), (rise, run) = sin_cos(angles.numpy()), sin_cos(shears.numpy())
    tangent, scale = rise / run, scales.double().numpy()
    # From the result, whose y points down: rotate clockwise, undo the shear, undo the scale.
    linear = (
        ((cosine + tangent * sine) / scale, (tangent * cosine - sine) / scale),
        (sine / scale, cosine / scale),
    )
    matrices = np.empty((len(scale), 2, 3), np.float32)
    for row, (across, along) in enumerate(linear):
        moved = across * right.double().numpy() + along * down.double().numpy()
        for column, entries in enumerate((across, along, -moved)):
            matrices[:, row, column] = entries
    return torch.from_numpy(matrices)


def resample(images: Tensor, matrices: Tensor | None, displacements: Tensor | None) -> Tensor:
    """Take each pixel from its source, bilinearly; outside the image everything is 0.

    Args:
        images: float32, ``(n, c, h, w)``.
        matrices: float32, ``(n, 2, 3)``, see :func:`draw`; ``None`` is the identity.
        displacements: float32, ``(n, 2, g, g)``, see :func:`draw`; ``None`` is none.

    Returns:
        Images of the same shape.
    """
    _, _, height, width = images.shape
    device = images.device
    centre = _centre(height, width, device)
    rows, columns = (
        torch.arange(side, dtype=torch.float32, device=device) for side in (height, width)
    )
    places = (
        torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1) - centre
    )  # (h, w, 2), x then y
    if matrices is not None:
        places = (
            torch.einsum("nij,hwj->nhwi", matrices[:, :, :2], places)
            + matrices[:, None, None, :, 2]
        )
    else:
        places = places.expand(len(images), -1, -1, -1)
    places = places + centre
    if displacements is not None:
        points = displacements.shape[-1]
        down, across = (_weights_on(side, points, device) for side in (height, width))
        places = places + torch.einsum("hi,naij,wj->nhwa", down, displacements, across)
    # With align_corners, -1 is the centre of the first pixel and 1 that of the last one.
    grid = places / centre - 1
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="zeros", align_corners=True
    )


def bspline_weights(side: int, points: int) -> Tensor:
    """Return the weights of a uniform cubic B-spline: float32 ``(side, points)``, rows sum to 1.

    The second control point is at the first pixel, the last but one at the last pixel.
    """
    places = torch.arange(side, dtype=torch.float64) * (points - 3) / max(side - 1, 1)
    begin = places.long().clamp(max=points - 4)
    t = places - begin
    s = 1 - t
    weights = torch.stack([s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3], dim=1) / 6
    result = torch.zeros(side, points, dtype=torch.float64)
    return result.scatter_(1, begin.unsqueeze(1) + torch.arange(4), weights).float()


# Cached, since creating them for each batch would make an accelerator wait for the host.
@cache
def _centre(height: int, width: int, device: torch.device) -> Tensor:
    return torch.tensor([(width - 1) / 2, (height - 1) / 2], device=device)


@cache
def _weights_on(side: int, points: int, device: torch.device) -> Tensor:
    return bspline_weights(side, points).to(device)


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return resample(images, params.get("matrices"), params.get("displacements"))


AUGMENTATION = Augmentation(
    name="resample",
    fields=("rotation", "translation", "scale", "shear", "elastic"),
    apply_order=10,
    tensors=("matrices", "displacements"),
    draw=draw,
    apply=_apply,
    draw_order=1,
)
