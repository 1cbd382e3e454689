"""Distortion: the changes that augmentation drew, done to a batch on any device.

The fast layers do the same on the CPU while they gather images (``kernels/source/input.h``).
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.kernels import AugmentationParams

_FLAT = 1e-4
"""An image whose greys differ by no more is of one grey."""


def augment(images: Tensor, augmentation: AugmentationParams) -> Tensor:
    """Resample, blur, filter, add noise, erase, invert.

    Args:
        images: float32, ``(n, c, h, w)``, sides of at least 2.
        augmentation: of ``n`` images, on the same device.

    Returns:
        Images of the same shape and range.
    """
    if augmentation.matrices is not None or augmentation.displacements is not None:
        images = sample(images, augmentation.matrices, augmentation.displacements)
    if augmentation.sigmas is not None:
        images = blur(images, augmentation.sigmas)
    if augmentation.filters is not None:
        images = filtered(images, augmentation.filters)
    if (
        augmentation.grain is not None
        and augmentation.amplitudes is not None
        and augmentation.starts is not None
    ):
        images = add_noise(images, augmentation.amplitudes, augmentation.starts, augmentation.grain)
    if augmentation.erasures is not None:
        images = erase(images, augmentation.erasures, augmentation.fills)
    if augmentation.inversions is not None:
        turned = augmentation.inversions.view(-1, 1, 1, 1)
        images = turned + (1 - 2 * turned) * images
    return images


def sample(images: Tensor, matrices: Tensor | None, displacements: Tensor | None) -> Tensor:
    """Take each pixel from another place, bilinearly; what comes in from outside is 0.

    Args:
        images: float32, ``(n, c, h, w)``.
        matrices: float32, ``(n, 2, 3)``, see :class:`AugmentationParams`; ``None`` is the identity.
        displacements: float32, ``(n, 2, g, g)``, see :class:`AugmentationParams`; ``None`` is none.
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
        down, across = (_spline_on(side, points, device) for side in (height, width))
        places = places + torch.einsum("hi,naij,wj->nhwa", down, displacements, across)
    # grid_sample counts from -1 at the first pixel's middle to 1 at the last one's.
    grid = places / centre - 1
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="zeros", align_corners=True
    )


def spline(side: int, points: int) -> Tensor:
    """Return the uniform cubic B-spline's weights: float32, ``(side, points)``, rows summing to 1.

    The second and the last but one control point meet the first and the last pixel.
    """
    places = torch.arange(side, dtype=torch.float64) * (points - 3) / max(side - 1, 1)
    begin = places.long().clamp(max=points - 4)
    t = places - begin
    s = 1 - t
    weights = torch.stack([s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3], dim=1) / 6
    result = torch.zeros(side, points, dtype=torch.float64)
    return result.scatter_(1, begin.unsqueeze(1) + torch.arange(4), weights).float()


# Kept, since making them anew for each batch would have an accelerator wait for the host.
@cache
def _centre(height: int, width: int, device: torch.device) -> Tensor:
    return torch.tensor([(width - 1) / 2, (height - 1) / 2], device=device)


@cache
def _spline_on(side: int, points: int, device: torch.device) -> Tensor:
    return spline(side, points).to(device)


def blur(images: Tensor, sigmas: Tensor) -> Tensor:
    """Convolve each image with its own 3x3 Gaussian; the border is mirrored.

    Args:
        images: float32, ``(n, c, h, w)``, sides of at least 2.
        sigmas: float32, ``(n,)``, pixels, at least 0; 0 leaves the image as it is.
    """
    # A kernel is sampled at -1, 0, 1 and scaled to sum 1: (side, centre, side). exp(-inf) makes
    # sigma 0 the identity.
    neighbour = torch.exp(-0.5 / sigmas.square()).view(-1, 1, 1, 1)
    centre = 1 / (1 + 2 * neighbour)
    side = neighbour * centre
    padded = functional.pad(images, (1, 1, 1, 1), mode="reflect")
    across = padded[..., 1:-1] * centre + (padded[..., :-2] + padded[..., 2:]) * side
    return across[:, :, 1:-1] * centre + (across[:, :, :-2] + across[:, :, 2:]) * side


def filtered(images: Tensor, filters: Tensor) -> Tensor:
    """Correlate each image, channel by channel, with its own filter, and stretch each channel to
    0..1.

    Args:
        images: float32, ``(n, c, h, w)``; black outside.
        filters: float32, ``(n, k, k)``, k odd; of one whose middle weight is negative the
            response's magnitude counts; one that is all zero leaves its image as it is.

    Returns:
        Images of the same shape; a channel that the filter makes all of one grey is black.
    """
    count, channels, height, width = images.shape
    apart = images.view(1, count * channels, height, width)
    weights = filters.repeat_interleave(channels, dim=0).unsqueeze(1)  # (n * c, 1, k, k)
    seen = functional.conv2d(
        apart, weights, padding=filters.shape[-1] // 2, groups=count * channels
    ).view_as(images)
    middle = filters[:, filters.shape[1] // 2, filters.shape[2] // 2].view(-1, 1, 1, 1)
    seen = torch.where(middle < 0, seen.abs(), seen)
    least, most = seen.amin(dim=(2, 3), keepdim=True), seen.amax(dim=(2, 3), keepdim=True)
    stretched = torch.where(most - least > _FLAT, (seen - least) / (most - least), 0)
    return torch.where((filters != 0).any(dim=(1, 2)).view(-1, 1, 1, 1), stretched, images)


def add_noise(images: Tensor, amplitudes: Tensor, starts: Tensor, grain: Tensor) -> Tensor:
    """Add to each image its part of the grain; what leaves 0..1 is cut off.

    Args:
        images: float32, ``(n, c, h, w)``.
        amplitudes: float32, ``(n,)``, see :class:`AugmentationParams`.
        starts: int32, ``(n,)``, see :class:`AugmentationParams`.
        grain: float32, one row, see :class:`AugmentationParams`.
    """
    pixels = images[0].numel()
    places = starts.long().unsqueeze(1) + torch.arange(
        pixels, device=images.device
    )  # (n, c * h * w)
    noise = grain[places].view_as(images)
    return torch.clamp(images + amplitudes.view(-1, 1, 1, 1) * noise, 0, 1)


def erase(images: Tensor, boxes: Tensor, fills: Tensor | None = None) -> Tensor:
    """Fill a box of each image.

    Args:
        images: float32, ``(n, c, h, w)``.
        boxes: int32, ``(n, 4)``: top, left, height, width.
        fills: float32, ``(n,)``, in 0..1; ``None`` is black.
    """
    _, _, height, width = images.shape
    top, left, tall, wide = boxes.view(-1, 4, 1).unbind(1)  # (n, 1) each
    rows, columns = (torch.arange(side, device=images.device) for side in (height, width))
    inside_rows, inside_columns = (
        (at >= start) & (at < start + side)
        for at, start, side in ((rows, top, tall), (columns, left, wide))
    )
    inside = inside_rows.unsqueeze(2) & inside_columns.unsqueeze(1)  # (n, h, w)
    filling = 0 if fills is None else fills.view(-1, 1, 1, 1)
    return torch.where(inside.unsqueeze(1), filling, images)
