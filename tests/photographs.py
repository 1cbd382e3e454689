"""Photographs of three kinds of things, drawn: in colour, of different sizes, in nested folders."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

CLASSES = ("ladybird", "leaf", "shell")
_GROUNDS = ((70, 120, 50), (110, 85, 60), (205, 190, 150), (95, 110, 125))
_PLACES = ("garden", "garden/may", "woods")


def photograph(kind, random):
    """Draw one: the thing anywhere, at any angle, on any of four grounds, with grain."""
    width, height = (int(side) for side in random.integers(60, 220, 2))
    grain = random.normal(0, 14, (height, width, 3))
    ground = np.clip(np.array(_GROUNDS[random.integers(4)]) + grain, 0, 255).astype(np.uint8)
    picture = Image.fromarray(ground)
    side = int(min(width, height) * random.uniform(0.5, 0.8))
    thing = Image.new("RGBA", (side, side))
    _DRAW[kind](ImageDraw.Draw(thing), side, random)
    thing = thing.rotate(random.uniform(0, 360), Image.Resampling.BILINEAR)
    at = [int(random.integers(0, space - side + 1)) for space in (width, height)]
    picture.paste(thing, tuple(at), thing)
    return picture.filter(ImageFilter.GaussianBlur(random.uniform(0, 1.2)))


def write_photographs(folder, count, seed=0):
    """Write as many photographs, a third of each class, in folders within the classes'."""
    random = np.random.default_rng(seed)
    for number in range(count):
        kind = CLASSES[number % len(CLASSES)]
        place = folder / kind / _PLACES[random.integers(len(_PLACES))]
        place.mkdir(parents=True, exist_ok=True)
        photograph(kind, random).save(place / f"IMG_{number:04}.jpg", quality=85)


def _ladybird(draw, side, random):
    red = (int(random.integers(170, 230)), int(random.integers(20, 60)), 30)
    draw.ellipse((side * 0.15, side * 0.2, side * 0.85, side * 0.9), fill=red)
    draw.ellipse((side * 0.35, side * 0.08, side * 0.65, side * 0.3), fill=(25, 20, 20))
    draw.line((side / 2, side * 0.25, side / 2, side * 0.9), fill=(25, 20, 20), width=side // 24)
    for x, y in ((0.33, 0.45), (0.67, 0.45), (0.33, 0.7), (0.67, 0.7)):
        r = side * 0.07
        spot = (side * x - r, side * y - r, side * x + r, side * y + r)
        draw.ellipse(spot, fill=(25, 20, 20))


def _leaf(draw, side, random):
    green = (int(random.integers(30, 90)), int(random.integers(130, 190)), 45)
    draw.ellipse((side * 0.3, 0, side * 0.7, side * 0.95), fill=green)
    draw.line((side / 2, 0, side / 2, side), fill=(200, 215, 130), width=max(1, side // 30))
    for y in np.linspace(0.2, 0.8, 4):
        for x in (0.36, 0.64):
            vein = (side / 2, side * y, side * x, side * (y - 0.08))
            draw.line(vein, fill=(200, 215, 130), width=max(1, side // 40))


def _shell(draw, side, random):
    beige = (235, int(random.integers(205, 225)), int(random.integers(170, 200)))
    draw.pieslice((side * 0.05, side * 0.1, side * 0.95, side * 1.0), 200, 340, fill=beige)
    for angle in np.radians(np.linspace(205, 335, 8)):
        end = (side / 2 + side * 0.44 * np.cos(angle), side * 0.55 + side * 0.44 * np.sin(angle))
        draw.line((side / 2, side * 0.55, *end), fill=(150, 110, 90), width=max(1, side // 40))


_DRAW = {"ladybird": _ladybird, "leaf": _leaf, "shell": _shell}
