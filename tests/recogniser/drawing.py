"""Handwriting on paper, drawn by script."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.server.handwriting import write

_FINE = 4


def cover(text, size=(200, 200), height=120, pen=12, at=None):
    """How far ink covers each pixel, float64 ``(height, width)``, 0 to 1; several lines are parted
    by a blank."""
    canvas = Image.new("L", (_FINE * size[0], _FINE * size[1]), 0)
    draw, lines = ImageDraw.Draw(canvas), text.split()
    wide = height * (0.95 * max(map(len, lines)) - 0.25)
    left, top = at or ((size[0] - wide) / 2, (size[1] - height * (1.6 * len(lines) - 0.6)) / 2)
    for row, line in enumerate(lines):
        for stroke in write(line, left, top + 1.6 * height * row, height):
            points = [(_FINE * x, _FINE * y) for x, y in stroke]
            draw.line(points, fill=255, width=round(_FINE * pen), joint="curve")
            for x, y in (points[0], points[-1]):
                reach = _FINE * pen / 2
                draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)
    return np.asarray(canvas.reduce(_FINE), np.float64) / 255


def paint(coverage, ink=(30, 30, 30), paper=(240, 240, 240)):
    """A picture, float64 ``(height, width, 3)``, 0 to 255; ``paper`` is a colour or such a
    picture."""
    share = coverage[..., None]
    return np.asarray(paper, np.float64) * (1 - share) + np.asarray(ink, np.float64) * share


def pixels(picture, noise=0.0, seed=0):
    """As eight bits, with a camera's noise."""
    rough = (
        picture + np.random.default_rng(seed).normal(0, noise, picture.shape) if noise else picture
    )
    return np.clip(np.round(rough), 0, 255).astype(np.uint8)


def drawn(text="5", **how):
    """Dark on light: uint8 ``(height, width, 3)``."""
    return pixels(paint(cover(text, **how)))


def sheet(rows, wide=190):
    """Numbers in rows and columns, without rulings; empty texts leave blanks."""
    size = (wide * len(rows[0]) + 40, 100 * len(rows) + 40)
    ink = np.zeros(size[::-1])
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            if text.strip():
                at = (30 + wide * column, 30 + 100 * row)
                ink = np.maximum(ink, cover(text, size=size, height=44, pen=5, at=at))
    return pixels(paint(ink))


def blurred(picture, radius):
    return np.asarray(
        Image.fromarray(pixels(picture)).filter(ImageFilter.GaussianBlur(radius)), np.float64
    )


def encode(picture, form="PNG", **options):
    """A file's content, of an array or a Pillow image."""
    content = io.BytesIO()
    # A copy, since saving leaves the encoder's settings on the image.
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture.copy()).save(
        content, form, **options
    )
    return content.getvalue()
