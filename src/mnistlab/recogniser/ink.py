"""Ink: how much darker (or, on a board, lighter) than the paper around it each pixel of a picture
is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnistlab.recogniser.picture import SMALLEST_SIDE

_COARSE_SIDE = 480
"""Pixels of the longer side of the reduced picture on which paper is looked for."""
WIDEST_STROKE = 0.36
"""Of the shorter side: nothing wider is a stroke."""
_NOISES = 4.0
"""Standard deviations of the paper's noise that ink stands out by."""
_FAINTEST = 0.035
"""Contrast below which a mark is not ink even on perfect paper: 9 of 255 steps."""
_LEAST_NOISE = 0.004
_DIM = 0.5
"""Of the paper's light: in the dark beside the paper contrast counts for less."""
_FLAT, _FLAT_SHARE, _TINY_FLAT_SHARE = 5, 0.5, 0.25
"""Steps of 255 within which a colour is the same; the share of plain paper in a drawn picture, and
in a tiny one."""
_SAMPLE = 40_000
"""Pixels that are asked whether a picture is drawn."""
_BOUNDARY = 0.55
"""Light on one side of a sharp edge over that on the other, below which it is the paper's own
edge."""


@dataclass(frozen=True, eq=False)
class Ink:
    """What stands out from the paper.

    Attributes:
        contrast: float32, ``(height, width)``: about 0 on paper, up to 1 where ink takes all light
            (or, on a board, gives all).
        threshold: contrast above which a pixel can be ink.
        drawn: whether the paper is a single colour, so that whatever stands out is ink.
    """

    contrast: NDArray[np.float32]
    threshold: float
    drawn: bool = False


def find_ink(colours: NDArray[np.uint8], *, dark: bool, window: int) -> Ink:
    """Tell ink from paper under uneven light.

    Paper is what a closing leaves (an opening, on a board) whose window is wider than strokes;
    contrast is the light that ink takes from it, each colour weighted by what it tells of the ink
    and how little noise it has.

    Args:
        colours: uint8, ``(height, width, 3)``.
        dark: whether ink is darker than paper.
        window: pixels; wider than strokes.
    """
    light = (colours if dark else 255 - colours).astype(np.float32) + 1
    contrast = ndimage.gaussian_filter(_project(_contrast(light, window)), 0.8)
    contrast -= np.median(contrast[::2, ::2])
    return Ink(contrast, max(_NOISES * _noise(contrast), _FAINTEST))


def find_drawn_ink(colours: NDArray[np.uint8]) -> Ink | None:
    """Tell ink from the single colour behind it; ``None`` if there is none, as in photographs.

    Args:
        colours: uint8, ``(height, width, 3)``.
    """
    step = max(1, round((colours.shape[0] * colours.shape[1] / _SAMPLE) ** 0.5))
    edges = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    sample = np.concatenate([colours[::step, ::step].reshape(-1, 3), edges[::step]]).astype(
        np.int32
    )
    codes = (sample // 4) @ np.array([64 * 64, 64, 1])
    values, counts = np.unique(codes, return_counts=True)
    paper = np.median(sample[codes == values[counts.argmax()]], axis=0)
    away = np.abs(sample - paper).max(axis=1)
    share = (away <= _FLAT).mean()
    needed = _FLAT_SHARE if min(colours.shape[:2]) > SMALLEST_SIDE else _TINY_FLAT_SHARE
    shaded = ((away > _FLAT) & (away < 0.4 * max(np.quantile(away, 0.98), 1))).mean()
    if share < needed or shaded > 0.5 * (1 - share):
        return None
    squares = sum(np.square(colours[..., c] - np.float32(paper[c])) for c in range(3))
    distance = np.sqrt(squares / 3) / 255
    return Ink(np.asarray(distance, np.float32), max(_FAINTEST, 2 * _FLAT / 255), drawn=True)


def reduce_ink(ink: Ink, reduction: int) -> Ink:
    """Return the same with contrast averaged over squares of ``reduction`` pixels."""
    contrast = np.asarray(Image.fromarray(ink.contrast).reduce(reduction))
    return Ink(contrast, ink.threshold, ink.drawn)


def balance(colours: NDArray[np.uint8]) -> float:
    """Say whether what stands out from smooth light is dark (below 0) or light (above), from -1 to
    1.

    The light is a quadratic surface fitted to most of the pixels (Tukey's biweight, by
    reweighting).

    Args:
        colours: uint8, ``(height, width, 3)``.
    """
    grey = np.asarray(
        Image.fromarray(colours).convert("L").resize((64, 64), Image.Resampling.BOX), np.float64
    )
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values = grey.ravel()
    residuals = values - np.median(values)
    weights = np.ones_like(values)
    for _ in range(8):
        spread = 1.4826 * np.median(np.abs(residuals)) + 1.0
        weights = np.clip(1 - (residuals / (5 * spread)) ** 2, 0, None) ** 2
        weighted = terms * weights[:, None]
        residuals = (
            values - terms @ np.linalg.lstsq(weighted.T @ terms, weighted.T @ values, rcond=None)[0]
        )
    out = np.where(weights < 0.5, residuals, 0.0)
    lighter, darker = np.square(out[out > 0]).sum(), np.square(out[out < 0]).sum()
    return float((lighter - darker) / (lighter + darker + 1e-9))


def _noise(contrast: NDArray[np.float32]) -> float:
    """Return the standard deviation of paper: of the calmer half of the picture's tiles."""
    height, width = (side // 8 * 8 for side in contrast.shape)
    if not (height and width):
        return _LEAST_NOISE
    tiles = (
        contrast[:height, :width]
        .reshape(8, height // 8, 8, width // 8)
        .swapaxes(1, 2)
        .reshape(64, -1)
    )
    spread = 1.4826 * np.median(np.abs(tiles - np.median(tiles, axis=1, keepdims=True)), axis=1)
    return max(float(np.quantile(spread, 0.4)), _LEAST_NOISE)


def _contrast(light: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Return 1 - light / paper, ``(height, width, 3)``, for dark ink; ``light`` is from 1 to
    256.
    """
    height, width = light.shape[:2]
    factor = min(1.0, _COARSE_SIDE / max(height, width))
    small = max(8, round(width * factor)), max(8, round(height * factor))
    reach = 2 * max(1, round(window * factor / 2)) + 1
    result = np.empty_like(light)
    for channel in range(3):
        coarse = np.asarray(
            Image.fromarray(light[..., channel]).resize(small, Image.Resampling.BOX)
        )
        closed = _close(ndimage.uniform_filter(coarse, 3, mode="nearest"), reach)
        paper = ndimage.uniform_filter(closed, 3, mode="nearest")
        # Where the paper ends, the transition to what lies behind it would look like a line.
        low, high = (
            ndimage.minimum_filter(closed, 7, mode="nearest"),
            ndimage.maximum_filter(closed, 7, mode="nearest"),
        )
        whole = np.where(
            low < _BOUNDARY * high, 0.0, 1.0 / np.maximum(paper, _DIM * np.quantile(paper, 0.9))
        )
        full, share = (
            np.asarray(
                Image.fromarray(plane.astype(np.float32)).resize(
                    (width, height), Image.Resampling.BILINEAR
                )
            )
            for plane in (paper, whole)
        )
        result[..., channel] = (full - light[..., channel]) * share
    return result


def _close(light: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Return the grey closing; beyond the picture's edge it is thought to go on, or slopes would
    end in ink there.
    """
    padded = np.pad(light, window, mode="edge")
    closed = ndimage.grey_closing(padded, window, mode="nearest")
    return np.asarray(closed[window:-window, window:-window])


def _project(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weigh the colours: Fisher's discriminant between ink and paper, the colours taken as
    independent.
    """
    sample = channels[::2, ::2].reshape(-1, 3)
    peak = sample.max(axis=1)
    inked = peak >= max(np.quantile(peak, 0.995) * 0.6, 1e-6)
    equal = np.full(3, 1 / 3)
    if not inked.any() or inked.all():
        return np.asarray(channels @ equal, np.float32)
    gain = np.clip(sample[inked].mean(axis=0) - sample[~inked].mean(axis=0), 0, None)
    noise = np.median(np.abs(sample - np.median(sample, axis=0)), axis=0) + 0.01
    weights = gain / noise**2
    total = weights.sum()
    return np.asarray(channels @ (weights / total if total > 0 else equal), np.float32)
