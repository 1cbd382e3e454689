"""Paper, boards and screens, the ink on them, the light they stand in and the camera that pictures
them.

Colours are float32 red, green and blue, 0 (black) to 1 (white). A page is measured in units of
which a digit is about 20 high; its baseline is at 0, downwards is positive.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Floats = NDArray[np.floating[Any]]
Sides = tuple[float, float, float, float]
_SHEETS = {
    "white": ((0.97, 0.97, 0.96), (0.94, 0.95, 0.97)),
    "cream": ((0.97, 0.94, 0.85), (0.95, 0.91, 0.79)),
    "grey paper": ((0.83, 0.82, 0.8), (0.74, 0.74, 0.74)),
    "coloured paper": (
        (0.98, 0.9, 0.45),
        (0.97, 0.74, 0.78),
        (0.7, 0.86, 0.95),
        (0.75, 0.92, 0.7),
        (0.76, 0.63, 0.47),
    ),
}
_SHARES = dict(zip(_SHEETS, (0.6, 0.14, 0.1, 0.16), strict=True))
_RULES = (
    (0.9, 0.35, 0.1),
    (0.5, 0.5, 0.5),
    (0.3, 0.8, 1),
    (0.6, 0.5, 0.2),
)  # what printed lines take of each colour
_BOARDS = ((0.15, 0.23, 0.19), (0.1, 0.1, 0.11), (0.2, 0.22, 0.25))
_DESKS = (
    (0.45, 0.3, 0.19),
    (0.2, 0.15, 0.12),
    (0.62, 0.48, 0.33),
    (0.3, 0.3, 0.32),
    (0.13, 0.14, 0.17),
)
_SCREENS = (
    (1, 1, 1),
    (1, 1, 1),
    (0, 0, 0),
    (0.12, 0.12, 0.14),
    (0.93, 0.93, 0.95),
    (0.98, 0.93, 0.7),
    (0.1, 0.2, 0.4),
)
_INKS = {
    "black": (0.08, 0.08, 0.09),
    "blue": (0.1, 0.16, 0.52),
    "red": (0.72, 0.1, 0.13),
    "green": (0.06, 0.42, 0.2),
    "grey": (0.2, 0.2, 0.21),
}
_LIGHT_INKS = (
    (0.95, 0.95, 0.93),
    (0.95, 0.95, 0.93),
    (0.97, 0.9, 0.5),
    (0.95, 0.72, 0.76),
    (0.6, 0.85, 0.95),
)
_COMMON = {"black": 0.42, "blue": 0.38, "red": 0.11, "green": 0.09}


class Pen(NamedTuple):
    """What is written with; ranges are lowest and highest."""

    radius: tuple[float, float]  # of its stroke, in units
    density: tuple[float, float]  # the share of light that a stroke takes away
    roughness: float  # how far the surface's grain breaks a stroke up, 0 to 1
    inks: Mapping[str, float]  # its colours' weights


PENS = {
    "ballpoint": Pen((0.5, 0.85), (0.82, 0.96), 0.2, _COMMON),
    "fine pen": Pen((0.36, 0.55), (0.9, 1), 0.05, _COMMON),
    "felt pen": Pen((0.85, 1.5), (0.85, 1), 0.05, _COMMON),
    "marker": Pen((1.5, 2.4), (0.85, 1), 0.02, _COMMON),
    "pencil": Pen((0.5, 0.9), (0.66, 0.84), 0.45, {"grey": 1}),
    "chalk": Pen((0.9, 1.6), (0.85, 1), 0.4, {}),
    "brush": Pen((0.5, 2.3), (1, 1), 0, _COMMON),
}


class Story:
    """The random choices behind one picture, and the names of those that were taken."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.names: list[str] = []

    def takes(self, name: str, probability: float) -> bool:
        """Decide whether something happens, and note it if so."""
        if self.random.random() >= probability:
            return False
        self.names.append(name)
        return True

    def choose(self, weights: Mapping[str, float]) -> str:
        """Choose one name by weight, and note it."""
        shares = np.array(list(weights.values()))
        self.names.append(str(self.random.choice(list(weights), p=shares / shares.sum())))
        return self.names[-1]

    def pick(self, colours: tuple[tuple[float, float, float], ...]) -> Floats:
        """Pick one colour evenly."""
        return np.array(colours[self.random.integers(len(colours))], np.float32)

    def between(self, low: float, high: float) -> float:
        """Draw a number evenly."""
        return float(self.random.uniform(low, high))

    def grain(self, shape: tuple[int, ...], cell: float) -> Floats:
        """Draw smooth noise of variance about 1 in the first two of ``shape``, with bumps ``cell``
        pixels wide.
        """
        height, width, *_ = shape
        coarse = (max(2, round(height / cell)), max(2, round(width / cell)))
        drawn = Image.fromarray(self.random.standard_normal(coarse, np.float32))
        return np.asarray(drawn.resize((width, height), Image.Resampling.BICUBIC)) * np.float32(1.3)


def surface(
    medium: str, size: tuple[int, int], to_picture: Floats, sheet: Sides | None, story: Story
) -> Floats:
    """Draw what is written on, evenly lit: float32 ``(height, width, 3)``.

    Args:
        medium: ``paper``, ``scan``, ``whiteboard``, ``blackboard`` or ``screen``.
        size: height and width in pixels.
        to_picture: ``(3, 3)``, from the page's homogeneous coordinates (x, y, 1) to the pixels'.
        sheet: the sheet's left, top, right and bottom on the page, if its edges show.
        story: makes the choices.
    """
    side = max(size)
    if medium == "screen":
        return np.broadcast_to(story.pick(_SCREENS), (*size, 3)).copy()
    if medium == "blackboard":
        chalk_dust = 0.035 * story.grain(size, side / 4) + 0.015 * story.grain(size, side / 40)
        texture = chalk_dust + 0.01 * story.grain(size, 1.5)
        return np.asarray(np.maximum(story.pick(_BOARDS) + texture[..., None], 0.02))
    if medium == "whiteboard":
        smudges = 1 + story.between(0, 0.02) * story.grain(size, side / 6)
        return np.array((0.9, 0.92, 0.93), np.float32) * smudges[..., None]
    kind = story.choose(_SHARES)
    texture = (
        1
        + story.between(0.003, 0.015) * story.grain(size, 1.6)
        + story.between(0, 0.012) * story.grain(size, 6)
    )
    if story.takes("fibres", 0.15):
        strands = np.abs(story.grain(size, 7)) + np.abs(
            story.grain(size, 2.5)
        )  # thin where both are near nought
        texture -= story.between(0.03, 0.1) * np.clip(1 - 4 * strands, 0, 1)
    pixels = story.pick(_SHEETS[kind]) * texture[..., None]
    rules = story.random.random() < 0.32 and kind != "coloured paper"
    if not rules and sheet is None:
        return pixels
    to_page = np.linalg.inv(to_picture)
    right, down = _page_coordinates(size, to_page)
    pixel = float(np.sqrt(abs(np.linalg.det(to_page[:2, :2] / to_page[2, 2]))))  # its side in units
    if rules:
        faint = story.between(0.3, 0.42) * story.pick(_RULES)
        pixels *= 1 - _printed_lines(right, down, pixel, story)[..., None] * faint
    if sheet is None:
        return pixels
    inside = np.minimum(
        np.minimum(right - sheet[0], sheet[2] - right), np.minimum(down - sheet[1], sheet[3] - down)
    )
    streaks = story.grain((size[0], 8), 3)[:, :1] + story.grain(size, 30)
    shade = (1 + 0.06 * streaks) * (
        1 - 0.5 * np.exp(np.minimum(inside, 0) / story.between(0.5, 2.5))
    )
    cover = np.clip(inside / pixel + 0.5, 0, 1)[..., None]
    top = story.pick(_DESKS) * np.maximum(shade, 0.05)[..., None]
    return np.asarray(pixels * cover + top * (1 - cover))


def _page_coordinates(size: tuple[int, int], to_page: Floats) -> tuple[Floats, Floats]:
    x, y = (
        np.arange(size[1], dtype=np.float32) + 0.5,
        np.arange(size[0], dtype=np.float32)[:, None] + 0.5,
    )
    right, down, over = (
        np.float32(a) * x + (np.float32(b) * y + np.float32(c)) for a, b, c in to_page
    )
    return right / over, down / over


def _printed_lines(right: Floats, down: Floats, pixel: float, story: Story) -> Floats:
    """Rule the page or square it, 0 to 1 a pixel; the writing stands on a line, more or less."""
    half = max(story.between(0.12, 0.3), 0.5 * pixel)

    def stripes(place: Floats, pitch: float) -> Floats:
        distance = np.abs((place / pitch + 0.5) % 1 - 0.5) * pitch
        return np.asarray(np.clip((half - distance) / pixel + 0.5, 0, 1))

    down = down - story.between(-1, 2.5)
    if story.takes("ruled", 0.55):
        return stripes(down, story.between(23, 36))
    story.names.append("squared")
    pitch = story.between(9, 13) if story.random.random() < 0.6 else story.between(22, 28)
    return np.maximum(stripes(down, pitch), stripes(right - story.between(0, pitch), pitch))


def ink_colour(pen: Pen, background: Floats, story: Story) -> Floats:
    """Choose a colour, float32 ``(3,)``: dark on a light background, light on a dark one."""
    if background.mean() < 0.45:
        story.names.append("light on dark")
        return story.pick(_LIGHT_INKS)
    colour = np.array(_INKS[story.choose(pen.inks)], np.float32)
    return np.clip(colour + story.random.normal(0, 0.03, 3).astype(np.float32), 0.01, 0.8)


def write(pixels: Floats, coverage: Floats, pen: Pen, stroke: float, story: Story) -> None:
    """Lay ink on a surface, in place: it filters the light of paper, and hides a board or a screen.

    Args:
        pixels: the surface, ``(height, width, 3)``.
        coverage: how far ink covers each pixel, ``(height, width)``, 0 to 1.
        pen: its colour and its texture.
        stroke: the width of a stroke in pixels.
        story: makes the choices, and knows the medium.
    """
    rows, columns = (np.flatnonzero(coverage.any(axis)) for axis in (1, 0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    density = story.between(*pen.density) * coverage[part]
    if pen.roughness:
        gaps = np.maximum(story.grain(density.shape, max(1.2, 0.09 * stroke)), 0) * story.between(
            0.4, 1
        )
        pressure = 0.25 * story.grain(density.shape, 3 * stroke + 2)
        density *= np.clip(1 - pen.roughness * (gaps + pressure), 0.25, 1)
    colour, filtering = ink_colour(pen, pixels[part], story), story.names[0] in ("paper", "scan")
    pixels[part] *= 1 - density[..., None] * (1 - colour if filtering else 1)
    if not filtering:
        pixels[part] += density[..., None] * colour


def light(size: tuple[int, int], story: Story) -> Floats:
    """Draw how strongly each pixel is lit, float32 ``(height, width, 1)``, about 1."""
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    field, angle = np.ones_like(x), story.between(0, 2 * np.pi)
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    if story.takes("uneven light", 0.45):
        field *= 1 + story.between(0.1, 0.35) * along
    if story.takes("vignette", 0.2):
        field *= 1 - story.between(0.1, 0.22) * (x**2 + y**2)
    if story.takes("shadow", 0.2):
        edge = story.between(-0.5, 0.5) + story.between(-0.4, 0.4) * across**2 - along
        if story.random.random() < 0.35:  # of an arm that reaches in
            edge = story.between(0.3, 0.6) - np.hypot(
                (along - 1.3) / 2, across - story.between(-0.5, 0.5)
            )
        steepness = 1 / story.between(0.02, 0.2)
        field *= 1 - story.between(0.25, 0.55) * (0.5 + 0.5 * np.tanh(edge * steepness))
    if story.takes("crease", 0.08):
        beyond = across - story.between(-0.7, 0.7)
        field *= 1 + story.between(0.05, 0.14) * np.tanh(beyond / 0.025) * np.exp(
            -np.abs(beyond) / 0.4
        )
    lit = Image.fromarray(field.astype(np.float32)).resize(size[::-1], Image.Resampling.BICUBIC)
    return np.asarray(lit)[..., None]


def expose(pixels: Floats, stroke: float, story: Story) -> Floats:
    """Picture what is seen: white balance, exposure, blur and noise; the same shape, 0 to 1.

    Blur stays below ``stroke``, the width of a stroke in pixels.
    """
    tint = (
        story.random.choice((-1, 1)) * story.between(0.08, 0.2)
        if story.takes("colour cast", 0.3)
        else 0.0
    )
    dim = story.names[0] != "blackboard" and story.takes("underexposed", 0.14)
    gain = story.between(0.5, 0.72) if dim else story.between(0.8, 1.04)
    pixels = pixels * np.array([gain * (1 + tint / 2), gain, gain * (1 - tint)], np.float32)
    if story.takes("motion blur", 0.1):
        pixels = _smear(
            pixels, round(story.between(0.4, 0.8) * stroke + 1.5), story.between(0, np.pi)
        )
    lens: ImageFilter.MultibandFilter = ImageFilter.Kernel(
        (3, 3), (1, 2, 1, 2, story.between(4, 30), 2, 1, 2, 1)
    )
    if story.takes("defocus", 0.2):
        lens = ImageFilter.GaussianBlur(min(story.between(0.2, 0.4) * stroke + 0.3, 9))
    image = Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8)).filter(lens)
    if story.takes("sharpened", 0.15):
        image = image.filter(ImageFilter.UnsharpMask(1.5, 90, 2))
    pixels = np.asarray(image, np.float32) / 255
    noise, strength = (
        story.random.standard_normal((*pixels.shape[:2], 1), np.float32),
        story.between(0.003, 0.012),
    )
    if story.takes("noise", 0.25):
        strength = min(story.between(0.02, 0.06), 0.012 + 0.009 * stroke)
        noise = noise + np.stack(
            [story.grain(pixels.shape, 2.5) for _ in range(3)], -1
        ) * np.float32(0.6)
    return np.clip(pixels + strength * np.sqrt(pixels * 0.7 + 0.05) * noise, 0, 1)


def _smear(pixels: Floats, steps: int, angle: float) -> Floats:
    height, width, _ = pixels.shape
    padded = np.pad(pixels, ((steps, steps), (steps, steps), (0, 0)), "edge")
    ways = {
        (round(np.sin(angle) * way), round(np.cos(angle) * way))
        for way in range(-(steps // 2), steps - steps // 2)
    }
    corners = [(steps + down, steps + right) for down, right in sorted(ways)]
    total = sum(padded[top : top + height, left : left + width] for top, left in corners)
    return np.asarray(total / np.float32(len(corners)), np.float32)
