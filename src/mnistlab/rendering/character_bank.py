"""A bank of written characters as distance fields.

Each character's image is kept as the distance of every point to the middle of its strokes and to
their outline. Any pen, size and slant of it is then one affine look-up and one clip.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

SIDE = 64
"""Of a field, in pixels; MNIST's digits are enlarged to twice their size."""
UNIT = 8
"""Of a field, steps of value for one pixel of distance."""
MIDDLE = 128
"""Value of an outline field on the outline; less is inside."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
UNMISTAKABLE = "AEFHJKMNPRTUVWXYacdefhkmnprtuvwxy&?#@"
"""Letters that could not be a digit or a sign where they stand alone."""
_ALL_LETTERS = "".join(dict.fromkeys(LETTERS + UNMISTAKABLE))
_FONTS = (
    *("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Italic", "DejaVuSansMono"),
    *("DejaVuSans-Bold", "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol"),
    *("cmr10", "cmss10", "cmti10", "cmtt10", "cmb10"),
)
_INK = 120
_VERSION = 3


@dataclass(frozen=True, eq=False)
class CharacterBank:
    """Characters to write with.

    Attributes:
        line: uint8, ``(n, 64, 64)``, distance to the middle of the strokes in eighths of a pixel.
        outline: uint8, ``(n, 64, 64)``, 128 on the outline, 8 more for each pixel outside.
        boxes: float32, ``(n, 4)``, left, top, right and bottom of the ink.
        labels: int64, ``(n,)``, 0 to 9 of digits.
        digits: how many of them are digits; they come first.
        letters: the letter of each of the others.
        heights: float32, of each of the others, its font's digits being 1 high; and how far below
            the line that it stands on its ink ends, ``(n - digits, 2)``.
    """

    line: NDArray[np.uint8]
    outline: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    digits: int
    letters: str
    heights: NDArray[np.float32]

    def letter(self, rng: np.random.Generator, among: str) -> int:
        """Return the place of a random letter of ``among``, in a random font."""
        letter = among[rng.integers(len(among))]
        font = int(rng.integers(len(_FONTS)))
        return self.digits + font * len(_ALL_LETTERS) + _ALL_LETTERS.index(letter)


def font(rng: np.random.Generator, size: int) -> ImageFont.FreeTypeFont:
    """Return a random font for printed text; ``size`` in pixels."""
    return _font(_FONTS[rng.integers(len(_FONTS))], size)


def load_bank(images: NDArray[np.uint8], labels: NDArray[np.int64], cache: Path) -> CharacterBank:
    """Return the bank of labelled digits and of the letters of matplotlib's fonts.

    Args:
        images: uint8, ``(n, 28, 28)``, light on black.
        labels: int64, ``(n,)``.
        cache: a folder; the bank is kept there, since making it takes a minute for 20,000 digits.
    """
    file = cache / f"characters-{_VERSION}-{len(images)}-{hash_of(images)}.npz"
    if not file.exists():
        _save(_build(images, labels), file)
    with np.load(file) as held:
        return CharacterBank(
            held["line"],
            held["outline"],
            held["boxes"],
            held["labels"],
            int(held["digits"]),
            _ALL_LETTERS * len(_FONTS),
            held["heights"],
        )


def hash_of(images: NDArray[np.uint8]) -> str:
    """Return eight hexadecimal digits that tell other images from these."""
    import hashlib

    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()[:8]


def _save(bank: CharacterBank, file: Path) -> None:
    import io

    from mnistlab.runs.atomic import write_atomically

    content = io.BytesIO()
    np.savez(
        content,
        line=bank.line,
        outline=bank.outline,
        boxes=bank.boxes,
        labels=bank.labels,
        digits=bank.digits,
        heights=bank.heights,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, content.getvalue())


def _build(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> CharacterBank:
    drawn = np.zeros((len(images) + len(_FONTS) * len(_ALL_LETTERS), SIDE, SIDE), np.uint8)
    for image, place in zip(images, drawn, strict=False):
        larger = Image.fromarray(image).resize((56, 56), Image.Resampling.BICUBIC)
        place[4:60, 4:60] = np.asarray(larger)
    heights = np.empty((len(drawn) - len(images), 2), np.float32)
    for index, (name, letter) in enumerate((n, c) for n in _FONTS for c in _ALL_LETTERS):
        heights[index] = _draw_letter(_font(name, 52), letter, drawn[len(images) + index])
    ink = drawn > _INK
    core = np.concatenate([_thin(part) for part in np.array_split(ink, len(ink) // 500 + 1)])
    line, outline = np.empty_like(drawn), np.empty_like(drawn)
    boxes = np.empty((len(drawn), 4), np.float32)
    for k, written in enumerate(ink):
        distance = ndimage.distance_transform_edt
        line[k] = np.minimum(UNIT * distance(~core[k]), 255)
        signed = distance(~written) - distance(written)
        outline[k] = np.clip(MIDDLE + UNIT * signed, 0, 255)
        rows, columns = np.nonzero(written)
        boxes[k] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    letters = _ALL_LETTERS * len(_FONTS)
    return CharacterBank(line, outline, boxes, labels, len(images), letters, heights)


def _draw_letter(
    face: ImageFont.FreeTypeFont, letter: str, place: NDArray[np.uint8]
) -> tuple[float, float]:
    """Draw a letter into a field; return its height and how far below the line it ends."""
    digit = face.getbbox("8", anchor="ls")
    tall = digit[3] - digit[1]
    left, top, right, bottom = face.getbbox(letter, anchor="ls")
    image = Image.new("L", (SIDE, SIDE))
    at = (SIDE - right + left) // 2 - left, (SIDE - bottom + top) // 2 - top
    ImageDraw.Draw(image).text(at, letter, 255, face, anchor="ls")
    place[:] = np.asarray(image)
    return (bottom - top) / tall, bottom / tall


_LOADED: dict[tuple[str, int], ImageFont.FreeTypeFont] = {}


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    if (name, size) not in _LOADED:
        import matplotlib

        folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        _LOADED[name, size] = ImageFont.truetype(folder / f"{name}.ttf", size)
    return _LOADED[name, size]


def _thin(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin a stack of images to lines one pixel wide (Zhang and Suen, 1984)."""
    ink = ink.copy()
    active = np.arange(len(ink))
    around = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
    while len(active):
        now, changed = ink[active], np.zeros(len(active), bool)
        for side in (0, 1):
            near = [np.roll(now, shift, (1, 2)) for shift in around]
            count = np.sum(near, 0, np.int8)
            rises = np.sum(
                [~a & b for a, b in zip(near, near[1:] + near[:1], strict=True)], 0, np.int8
            )
            n, e, s, w = near[::2]
            keep = (n & e & s) | (e & s & w) if side == 0 else (n & e & w) | (n & s & w)
            gone = now & (count >= 2) & (count <= 6) & (rises == 1) & ~keep
            now &= ~gone
            changed |= gone.any((1, 2))
        ink[active] = now
        active = active[changed]
    return ink
