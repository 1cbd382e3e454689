"""Photographs of handwriting whose digits are known: MNIST's, written anew on paper and pictured as
people do.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import paper
from benchmarks.paper import Floats, Story

Tile = tuple[int, int, Floats]  # left, top, and how far ink covers each pixel, 0 to 1
_BICUBIC, _PERSPECTIVE = Image.Resampling.BICUBIC, Image.Transform.PERSPECTIVE
_FINE = 4  # points of an outline's grid per unit, which is a pixel of the digit
_HEIGHT = 20  # of a digit, about, in units
_MEDIA = {
    "paper": 0.6,
    "scan": 0.1,
    "whiteboard": 0.06,
    "blackboard": 0.06,
    "screen": 0.11,
    "transparent": 0.07,
}
_PENS = {
    "paper": {"ballpoint": 0.38, "fine pen": 0.14, "felt pen": 0.22, "marker": 0.1, "pencil": 0.16},
    "scan": {"ballpoint": 0.5, "felt pen": 0.3, "pencil": 0.2},
    "whiteboard": {"felt pen": 0.5, "marker": 0.5},
    "blackboard": {"chalk": 1.0},
}
_PHOTO_FILES = {"JPEG": 0.77, "WebP": 0.07, "PNG": 0.06, "CMYK": 0.03, "greyscale": 0.07}
_FILES = {
    "scan": {"JPEG": 0.25, "greyscale": 0.2, "16 bit": 0.2, "bilevel": 0.2, "palette": 0.15},
    "screen": {"PNG": 0.5, "palette": 0.25, "JPEG": 0.15, "WebP": 0.1},
    "transparent": {"PNG": 1.0},
}
_FRAMES = {"tiny": 0.08, "small": 0.17, "medium": 0.45, "filling": 0.3}
_HEIGHTS = {
    "tiny": (20, 42),
    "small": (28, 90),
    "medium": (45, 190),
    "filling": (70, 420),
}  # of digits in pixels
_LENGTHS = {
    "tiny": 240,
    "small": 380,
    "medium": 600,
    "filling": 1100,
}  # of lines in pixels, at most
_MARGINS = {
    "tiny": (0.1, 0.35),
    "small": (1.5, 5),
    "medium": (0.4, 1.5),
    "filling": (0.08, 0.35),
}  # digit heights
_TURN_BACK = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
_RING = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


@dataclass(frozen=True)
class Photograph:
    """One picture and the truth about it.

    Attributes:
        content: a PNG, JPEG or WebP file.
        digits: what is written, left to right.
        boxes: left, top, right and bottom of each digit's ink in pixels of the upright picture, the
            last two exclusive.
        conditions: what was done to it: medium, frame, pen, kind of file, and whatever befell it.
    """

    content: bytes
    digits: str
    boxes: tuple[tuple[int, int, int, int], ...]
    conditions: tuple[str, ...]


def photographs(
    images: NDArray[np.uint8], labels: NDArray[np.int64], *, count: int, length: int, seed: int
) -> Iterator[Photograph]:
    """Yield ``count`` pictures of ``length`` digits each; no digit is used twice before all were
    used once.

    The images are uint8 ``(n, 28, 28)``, light on black, their labels int64 ``(n,)``, 0 to 9.
    """
    random = np.random.default_rng(seed)
    order = np.concatenate(
        [random.permutation(len(labels)) for _ in range(-(-count * length // len(labels)))]
    )
    for chosen in order[: count * length].reshape(count, length):
        yield photograph(images[chosen], labels[chosen], random)


def photograph(
    digits: NDArray[np.uint8], labels: NDArray[np.int64], random: np.random.Generator
) -> Photograph:
    """Write ``digits``, uint8 ``(n, 28, 28)`` with labels int64 ``(n,)``, in one line, and picture
    it.
    """
    story = Story(random)
    medium, frame = story.choose(_MEDIA), story.choose(_FRAMES)
    pen = paper.PENS[story.choose(_PENS.get(medium, {"brush": 1.0}))]
    height = max(
        18,
        min(float(np.exp(story.between(*np.log(_HEIGHTS[frame])))), _LENGTHS[frame] / len(digits)),
    )
    unit = height / _HEIGHT  # pixels
    stroke = max(2 * unit * story.between(*pen.radius), 1.8 if frame == "tiny" else 1.4)
    outlines = [rewrite(digit, stroke / unit / 2) for digit in digits]
    places, width = _arrange(outlines, story)
    to_plane = _view(medium, unit, width, _MARGINS[frame][1], story)
    tiles = [
        _project(outline, to_plane @ place, unit)
        for outline, place in zip(outlines, places, strict=True)
    ]
    size, right, down = _frame(frame, medium, tiles, height, story)
    boxes = tuple(
        (x + right, y + down, x + right + t.shape[1], y + down + t.shape[0]) for x, y, t in tiles
    )
    coverage = np.zeros(size, np.float32)
    for (x0, y0, x1, y1), (_, _, tile) in zip(boxes, tiles, strict=True):
        coverage[y0:y1, x0:x1] = np.maximum(coverage[y0:y1, x0:x1], tile * story.between(0.9, 1))
    if medium == "transparent":
        ink, unseen = (
            paper.ink_colour(pen, np.ones(3, np.float32), story),
            story.random.random((1, 1, 1)),
        )
        backing = np.where(unseen < 0.4, ink, unseen > 0.7)  # the ink's colour, black or white
        pixels = np.dstack([np.where(coverage[..., None] > 0, ink, backing), coverage])
    else:
        sheet = None
        if medium == "paper" and frame in ("small", "medium") and story.takes("desk", 0.2):
            a, b, c, d = _HEIGHT * random.uniform(0.4, 0.7 * _MARGINS[frame][1], 4)
            sheet = (-a, -_HEIGHT - b, width + c, d)
        pixels = paper.surface(medium, size, _moved(right, down) @ to_plane, sheet, story)
        paper.write(pixels, coverage, pen, stroke, story)
        if medium.startswith(("paper", "white", "black")):
            pixels = paper.expose(pixels * paper.light(size, story), stroke, story)
    content = _encode(story.choose(_FILES.get(medium, _PHOTO_FILES)), pixels, story)
    return Photograph(content, "".join(map(str, labels.tolist())), boxes, tuple(story.names))


def rewrite(digit: NDArray[np.uint8], radius: float) -> Floats:
    """Write a digit, uint8 ``(28, 28)``, with a pen of another radius in pixels, as far as its
    topology stays.

    Returns float32: how deep inside the ink a point lies, in the digit's pixels, negative outside;
    four points a pixel each way, three pixels around the ink.
    """
    whole = Image.fromarray(digit)
    image = Image.fromarray(np.pad(np.asarray(whole.crop(whole.getbbox()), np.float32), 3))
    smooth = (
        np.asarray(image.resize((_FINE * image.width, _FINE * image.height), _BICUBIC))
        / digit.max()
    )
    ink = min((smooth > level for level in (0.4, 0.55)), key=_euler)  # loops open, strokes whole
    core, topology = _thin(ink), _euler(ink)
    rough = np.where(ink, _distance(~ink) - 0.5, 0.5 - _distance(ink)) / _FINE
    depth = next(depth for depth in (_blur(rough), rough) if _euler(depth > 0) == topology)
    wider = radius - float(depth[core].mean())
    if wider > 0:  # and what is white stays more than a pixel wide
        widths = (depth + share * wider for share in (1, 0.8, 0.6, 0.4, 0.2))
        return next(
            (wide for wide in widths if _euler(wide > -0.6) == _euler(wide > 0) == topology), depth
        )
    line = radius - _blur(_distance(core)) / _FINE
    widths = (np.maximum(depth + share * wider - 0.3, line) for share in (1.5, 1, 0.7, 0.4))
    return next((narrow for narrow in widths if _euler(narrow > 0) == topology), depth)


def _distance(to: NDArray[np.bool_]) -> Floats:
    """Measure each point's distance to the nearest True, in points, up to 24."""
    rows = np.arange(len(to))[:, None]
    above = rows - np.maximum.accumulate(np.where(to, rows, -99))
    below = np.minimum.accumulate(np.where(to, rows, 999)[::-1])[::-1] - rows
    squares = np.pad(np.minimum(np.minimum(above, below), 24) ** 2, ((0, 0), (24, 24)), "edge")
    beside = [squares[:, k : k + to.shape[1]] + np.float32((k - 24) ** 2) for k in range(49)]
    return np.asarray(np.sqrt(np.minimum.reduce(beside)), np.float32)


def _blur(values: Floats) -> Floats:
    for axis in (0, 1) * 6:
        values = (2 * values + np.roll(values, 1, axis) + np.roll(values, -1, axis)) / 4
    return values


def _thin(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin strokes to lines one point wide (Zhang and Suen, 1984)."""
    before = np.zeros_like(ink)
    while (before != ink).any():
        before = ink
        for side in (0, 4):
            ring = [
                np.roll(ink, (-down, -right), (0, 1)) for down, right in _RING
            ]  # clockwise from above
            around = np.sum(ring, axis=0, dtype=np.int8)
            rises = np.sum(
                [~a & b for a, b in zip(ring, ring[1:] + ring[:1], strict=True)],
                axis=0,
                dtype=np.int8,
            )
            up, right, down, left = (ring[k - side] for k in (0, 2, 4, 6))
            free = ~(up & right & down) & ~(right & down & left)
            ink = ink & ~((around >= 2) & (around <= 6) & (rises == 1) & free)
    return ink


def _euler(ink: NDArray[np.bool_]) -> int:
    """Count the pieces of ink, less the holes in them."""
    ink = np.pad(ink, 1).astype(np.int64)
    corners = ink[:-1, :-1] + 2 * ink[:-1, 1:] + 4 * ink[1:, :-1] + 8 * ink[1:, 1:]
    quads = np.bincount(corners.ravel(), minlength=16)
    return (
        int(quads[[1, 2, 4, 8]].sum() - quads[[7, 11, 13, 14]].sum() - 2 * quads[[6, 9]].sum()) // 4
    )


def _moved(right: float, down: float) -> Floats:
    return np.array([[1, 0, right], [0, 1, down], [0, 0, 1]], np.float64)


def _arrange(outlines: list[Floats], story: Story) -> tuple[list[Floats], float]:
    """Set digits on a baseline: the matrix from each outline's points to the page, and the line's
    width in units.
    """
    random, count, edge, end = story.random, len(outlines), np.full(80, -np.inf), 0.0
    gaps = np.clip(story.between(2.5, 7) * np.exp(random.normal(0, 0.3, count)), 1.5, 12)
    if count > 1 and story.takes("nearly touching", 0.15):
        gaps[random.integers(1, count)] = story.between(0.7, 1.4)
    touching = random.integers(1, count) if count > 1 and random.random() < 0.2 else 0
    places: list[Floats] = []
    for outline, gap in zip(outlines, gaps, strict=True):
        rows, columns = np.nonzero(outline > 0)
        scale = story.between(0.87, 1.13) / _FINE
        drop = random.normal(0, 0.7) - scale * rows.max()
        heights, left, right = (
            np.floor(rows * scale + drop).astype(int) + 60,
            np.full(80, np.inf),
            np.full(80, -np.inf),
        )
        np.minimum.at(left, heights, columns * scale)
        np.maximum.at(right, heights, columns * scale)
        apart = left - edge
        shift = max(gap - apart.min(), end - left.min() - 3) if places else -left.min()
        if (
            len(places) == touching > 0 and np.sum(apart < apart.min() + 1.5) < 6
        ):  # else they would become one stroke
            shift = max(-0.3 - apart.min(), end - left.min() - 9)
            story.names.append("touching")
        edge, end = np.maximum(edge, right + shift), float(right.max() + shift)
        places.append(_moved(shift, drop) @ np.diag([scale, scale, 1]))
    return places, end


def _view(medium: str, unit: float, width: float, reach: float, story: Story) -> Floats:
    """Look at the page: the matrix from it to the picture's plane, whose place is not settled
    yet.
    """
    turn, tilt = (
        story.random.normal(0, np.radians({"scan": 1.5, "screen": 3}.get(medium, 4))),
        np.zeros(2),
    )
    if medium.startswith(("paper", "white", "black")) and story.takes("perspective", 0.4):
        tilt = story.random.uniform(-0.2, 0.2, 2) / (width / 2 + reach * _HEIGHT)
    turned = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [*tilt, 1]]
    )
    return np.asarray(np.diag([unit, unit, 1]) @ turned @ _moved(-width / 2, _HEIGHT / 2))


def _project(outline: Floats, to_plane: Floats, unit: float) -> Tile:
    rows, columns = np.nonzero(outline > 0)
    corners = [
        (x, y, 1)
        for x in (columns.min() - 2, columns.max() + 3)
        for y in (rows.min() - 2, rows.max() + 3)
    ]
    x, y, over = to_plane @ np.transpose(corners)
    left, top = int(np.floor((x / over).min())), int(np.floor((y / over).min()))
    size = int(np.ceil((x / over).max())) - left, int(np.ceil((y / over).max())) - top
    back = np.linalg.inv(to_plane) @ _moved(left, top)
    perspective = (back / back[2, 2]).ravel()[:8].tolist()
    drawn = Image.fromarray(outline).transform(
        size, _PERSPECTIVE, perspective, _BICUBIC, fillcolor=-9
    )
    coverage = np.clip(np.asarray(drawn, np.float32) * np.float32(unit) + np.float32(0.5), 0, 1)
    down, right = (np.flatnonzero((coverage > 0.3).any(axis)) for axis in (1, 0))
    return (
        left + int(right[0]),
        top + int(down[0]),
        coverage[down[0] : down[-1] + 1, right[0] : right[-1] + 1],
    )


def _frame(
    frame: str, medium: str, tiles: list[Tile], height: float, story: Story
) -> tuple[tuple[int, int], int, int]:
    """Choose the picture's height and width in pixels, and how far right and down the plane's
    origin lies in it.
    """
    random = story.random
    margins = height * random.uniform(
        *_MARGINS[frame], (2, 2)
    )  # before and after the ink, across and down
    start = np.min([(x, y) for x, y, _ in tiles], axis=0)
    extent = (
        np.max([(x + tile.shape[1], y + tile.shape[0]) for x, y, tile in tiles], axis=0) - start
    )
    least = np.array([28.0, 28.0])
    if frame != "filling" and (frame != "tiny" or len(tiles) == 1):
        ratio = (
            1
            if medium in ("screen", "transparent") or frame == "tiny"
            else random.choice((1, 4 / 3, 3 / 4))
        )
        least = np.maximum(least, (extent + margins.sum(1))[::-1] * (ratio, 1 / ratio))
    margins += np.maximum(least - extent - margins.sum(1), 0)[:, None] * random.dirichlet((1, 1), 2)
    if story.takes("touching border", 0.08):
        axis = random.integers(2)
        margins[axis] = margins[axis].sum() * np.eye(2)[random.integers(2)]
    whole = np.ceil(margins).astype(int)
    (width, tall), (right, down) = (extent + whole.sum(1)).tolist(), (whole[:, 0] - start).tolist()
    return (tall, width), right, down


def _encode(kind: str, pixels: Floats, story: Story) -> bytes:
    image, exif = Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8)), Image.Exif()
    grey, buffer = np.asarray(image.convert("L")), io.BytesIO()
    if kind in ("JPEG", "WebP") and story.takes("exif", 0.15):
        exif[0x0112] = int(story.random.choice(list(_TURN_BACK)))
        image = image.transpose(_TURN_BACK[exif[0x0112]])
    elif kind == "CMYK":
        image = image.convert("CMYK")
    elif kind == "palette":
        image = image.quantize(int(story.random.choice((16, 64, 256))), Image.Quantize.FASTOCTREE)
    elif kind in ("greyscale", "bilevel", "16 bit"):
        values = {
            "greyscale": grey,
            "bilevel": grey > 0.64 * np.median(grey),
            "16 bit": grey.astype(np.uint16) * 257,
        }
        image = Image.fromarray(values[kind])
    form = "WEBP" if kind == "WebP" else "JPEG" if kind in ("JPEG", "CMYK", "greyscale") else "PNG"
    image.save(
        buffer, form, quality=int(story.between(35, 96)), exif=exif, compress_level=2, method=2
    )
    return buffer.getvalue()
