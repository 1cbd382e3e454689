"""Annotation: a picture with what was read drawn into it."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from mnistlab.data.decode import MOST_PIXELS, load_picture
from mnistlab.files import read_file
from mnistlab.recogniser.parts import Box
from mnistlab.recogniser.reading import Reading

SMALLEST_SIDE, LARGEST_SIDE = 400, 4000
"""Pixels of the longer side below which a picture is drawn enlarged, and above which reduced."""
_SURE, _UNSURE, _CELL, _HALO = "#0072B2", "#D55E00", "#009E73", "white"
"""Blue, vermilion and green of Okabe and Ito (2008), told apart by colour-blind readers; white sets
them off on dark paper."""
_LINE, _LEAST_TEXT, _MOST_TEXT = 1 / 400, 1 / 60, 1 / 12
"""Of the picture's longer side."""
_OF_DIGIT = 0.45
"""Height of the text, of a digit's."""
_PADDING = 0.2
"""Around a label, of its text's height."""


def annotate(source: bytes | Path, reading: Reading) -> bytes:
    """Draw a reading into its picture: a box around each character, and beside it what it is;
    unsure ones with ``?``, ink that was not read with ``?`` alone; tables with their cells.

    Args:
        source: the file's content, or its path.
        reading: what the recogniser returned for it.

    Returns:
        A PNG file: the picture upright, in its own size if its longer side is from 400 to 4000
        pixels, else brought there, small ones by a whole number.

    Raises:
        PictureError: as the recogniser raises it.
    """
    name, content = (
        ("picture", source) if isinstance(source, bytes) else (str(source), read_file(source))
    )
    picture = load_picture(
        content, name, ground="contrast", max_pixels=MOST_PIXELS, longest=LARGEST_SIDE
    )
    canvas = _to_size(picture.image.convert("RGB"))
    _draw(canvas, reading, canvas.width / reading.size[0])
    file = io.BytesIO()
    canvas.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _to_size(image: Image.Image) -> Image.Image:
    longer = max(image.size)
    if longer > LARGEST_SIDE:
        return ImageOps.contain(image, (LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.BOX)
    factor = -(-SMALLEST_SIDE // longer)
    if factor == 1:
        return image
    return image.resize((factor * image.width, factor * image.height), Image.Resampling.NEAREST)


def _draw(canvas: Image.Image, reading: Reading, scale: float) -> None:
    draw, longer = ImageDraw.Draw(canvas), max(canvas.size)
    line = max(1, round(_LINE * longer))
    for table in reading.tables:
        for cell in (cell for row in table.rows for cell in row):
            # Of a table without rulings, only what is blank would not be seen.
            if not cell.groups or cell.box != Box.around(group.box for group in cell.groups):
                draw.rectangle(_grown(cell.box, scale, 0), outline=_CELL, width=line)
    marks = [(one.box, one.text, one.sure) for one in reading.characters]
    marks += [(box, "", False) for box in reading.left_out]
    if not marks:
        return
    boxes = [_grown(box, scale, 2 * line) for box, _, _ in marks]
    wanted = _OF_DIGIT * float(np.median([box.bottom - box.top for box in boxes]))
    size = min(max(wanted, _LEAST_TEXT * longer), _MOST_TEXT * longer)
    font = ImageFont.load_default(size)
    for (_, _, sure), box in zip(marks, boxes, strict=True):
        draw.rectangle(_grown(box, 1, line), outline=_HALO, width=3 * line)
        draw.rectangle(box, outline=_SURE if sure else _UNSURE, width=line)
    taken = list(boxes)
    for (_, text, sure), box in zip(marks, boxes, strict=True):
        label = text if sure else f"{text}?"
        padding = round(_PADDING * size)
        width, height = round(font.getlength(label)) + 2 * padding, round(size) + padding
        place = _free_place(box, (width, height), canvas.size, taken)
        taken.append(place)
        draw.rectangle(place, fill=_SURE if sure else _UNSURE, outline=_HALO, width=line)
        middle = (place.left + place.right) / 2, (place.top + place.bottom) / 2
        draw.text(middle, label, fill="white", font=font, anchor="mm")


def _grown(box: Box, scale: float, by: int) -> Box:
    left, top, right, bottom = (round(side * scale) for side in box)
    return Box(left - by, top - by, right + by, bottom + by)


def _free_place(
    box: Box, size: tuple[int, int], canvas: tuple[int, int], taken: Iterable[Box]
) -> Box:
    """Return where a label covers least: above its box, below, left or right of it, as near as the
    canvas lets it.
    """
    width, height = size
    middle = (box.left + box.right - width) // 2
    corners = (
        (middle, box.top - height),
        (middle, box.bottom),
        (box.left - width, box.top),
        (box.right, box.top),
    )
    places = []
    for left, top in corners:
        x, y = max(0, min(left, canvas[0] - width)), max(0, min(top, canvas[1] - height))
        places.append(Box(x, y, x + width, y + height))
    return min(places, key=lambda place: sum(_shared(place, other) for other in taken))


def _shared(one: Box, other: Box) -> int:
    """Return the area that two boxes share."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    return max(0, width) * max(0, height)
