"""How a page is seen: paper, light, shadows, the edge of the sheet, blur, noise and compression."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mnistlab.rendering.page import Page

_NARROWEST_EDGE, _WIDEST_EDGE = 0.03, 0.25
"""Shares of a picture that lie beyond the sheet's edge."""


def photograph(
    page: Page, *, edge: float = _WIDEST_EDGE, tall: float | None = None
) -> NDArray[np.uint8]:
    """Return the picture of a page, uint8, ``(height, width)``, dark on light or light on dark.

    Characters beyond the sheet's edge are taken from the page.

    Args:
        page: to be seen.
        edge: the largest share of the picture, 0 to 1, that lies beyond an edge of the sheet.
        tall: height of the page's digits in pixels, with which blur grows and below which digits
            would be lost; ``None`` is that of crops, in which some may be.
    """
    rng = page.rng
    if rng.random() < 0.08:
        return _scan(page, whole=tall is not None)
    field = _light(page)
    if rng.random() < 0.12:
        field = _beyond(page, field, edge)
    depth = math.exp(rng.uniform(math.log(0.2), 0))
    pale = rng.uniform(0.35, 1) if rng.random() < 0.5 else 1
    other = rng.uniform(0.4, 1.3) if rng.random() < 0.4 else 1
    image = np.clip(field, 0, 1.4)
    for layer, strength in (
        (page.ink, depth),
        (page.scrap, min(depth * other, 1)),
        (page.printed, depth * pale),
    ):
        image = image * _clear(strength)[layer]
    image = np.clip(image * rng.uniform(0.65, 1.05), 0, 1)
    if rng.random() < 0.28:
        image = 1 - image
    seen = Image.fromarray((image * 255).astype(np.uint8))
    seen = _blur(seen, rng, tall)
    if rng.random() < 0.5:
        level = rng.uniform(1, 4 + 14 * depth * (rng.random() < 0.4))
        noisy = np.asarray(seen, np.float32)
        noisy = noisy + level * rng.standard_normal(noisy.shape, np.float32)
        seen = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    if rng.random() < 0.35:
        file = io.BytesIO()
        seen.save(file, "JPEG", quality=int(rng.integers(25, 92)))
        seen = Image.open(file)
    return np.array(seen, np.uint8)


def _blur(seen: Image.Image, rng: np.random.Generator, tall: float | None) -> Image.Image:
    """Lose sharpness, as far as digits ``tall`` pixels high stand it: out of focus, and reduced."""
    if rng.random() < 0.55:
        blur = float(rng.choice([rng.uniform(0.3, 0.8), rng.uniform(0.6, 1.6)]))
        if tall is not None:
            blur = min(blur * max(1, tall / 50), tall / 14)
        seen = seen.filter(ImageFilter.GaussianBlur(blur))
    if rng.random() < 0.15:
        size, factor = seen.size, rng.uniform(0.45, 0.9)
        if tall is not None:
            factor = min(max(factor, 14 / tall), 1)
        small = max(8, int(size[0] * factor)), max(8, int(size[1] * factor))
        ways = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.NEAREST)
        seen = seen.resize(small, ways[rng.integers(2)]).resize(size, ways[rng.integers(3)])
    return seen


def _clear(strength: float) -> NDArray[np.float32]:
    """Return which share of light each coverage leaves."""
    return 1 - np.arange(256, dtype=np.float32) * np.float32(strength / 255)


def _scan(page: Page, *, whole: bool) -> NDArray[np.uint8]:
    """Return a page as scanners and drawing programs give it: ink on nothing; ``whole`` keeps thin
    strokes.
    """
    cover = np.maximum(np.maximum(page.ink, page.scrap), page.printed)
    if page.rng.random() < 0.6:
        threshold = page.rng.uniform(70, 180)
        if whole:
            threshold = min(threshold, 0.4 * float(page.ink.max()))
        cover = np.where(cover > threshold, np.uint8(255), np.uint8(0))
    image = cover
    return image if page.rng.random() < 0.5 else 255 - image


def _light(page: Page) -> NDArray[np.float32]:
    rng = page.rng
    x = np.linspace(0, 1, page.width, dtype=np.float32)[None]
    y = np.linspace(0, 1, page.height, dtype=np.float32)[:, None]
    slope = abs(rng.normal(0, 0.2))
    field = slope * ((x - rng.random()) * rng.normal() + (y - rng.random()) * rng.normal())
    field = 1 + np.clip(field, -0.6, 0.4)
    if rng.random() < 0.25:
        a, b, c = rng.normal(), rng.normal(), rng.uniform(0.2, 0.8)
        away = (a * (x - c) + b * (y - c)) * (page.width / math.hypot(a, b) / rng.uniform(0.7, 12))
        field = field * (1 - rng.uniform(0.1, 0.5) / (1 + np.exp(-np.clip(away, -30, 30))))
    if rng.random() < 0.3:
        rough = int(rng.choice([2, 4, 8]))
        size = page.height // rough + 1, page.width // rough + 1
        grain = rng.standard_normal(size, np.float32) * np.float32(rng.uniform(0.01, 0.06))
        whole = Image.fromarray(grain).resize((page.width, page.height), Image.Resampling.BILINEAR)
        field = field + np.asarray(whole)
    return field.astype(np.float32)


def _beyond(page: Page, field: NDArray[np.float32], most: float) -> NDArray[np.float32]:
    """Show the sheet's edge, and what it lies on, if there is room for it."""
    rng = page.rng
    if most < _NARROWEST_EDGE:
        return field
    x, y = np.arange(page.width)[None], np.arange(page.height)[:, None]
    along, size = (x, page.width) if rng.random() < 0.5 else (y, page.height)
    share = rng.uniform(_NARROWEST_EDGE, most)
    beyond = np.broadcast_to(
        along < share * size if rng.random() < 0.5 else along > (1 - share) * size, field.shape
    )
    for layer in (page.ink, page.scrap, page.printed):
        layer[beyond] = 0
    page.characters[:] = [one for one in page.characters if not beyond[_middle(page, one)]]
    return np.where(beyond, np.float32(rng.uniform(0, 0.9)), field)


def _middle(page: Page, one: tuple[float, ...]) -> tuple[int, int]:
    row, column = int(one[2] + one[4]) // 2, int(one[1] + one[3]) // 2
    return min(max(row, 0), page.height - 1), min(max(column, 0), page.width - 1)
