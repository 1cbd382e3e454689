"""ContactSheet: some images of every class in one picture, to look at data before using them."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnistlab.data.dataset import Dataset, Split
from mnistlab.data.png import to_pillow
from mnistlab.fonts import Font, escape, lacks, spell
from mnistlab.text import printable, shorten

_SCALE = 2
_GAP = 4
_LABEL_WIDTH, _MARGIN, _LONGEST = 112, 8, 40
"""Pixels of the names' column at least and beside a name; letters of a name at most."""
_FONT_SIZE = 16
_INK, _PAPER = 235, 24


def contact_sheet(dataset: Dataset, split: Split, *, per_class: int = 16) -> Image.Image:
    """Draw one row per class: its name, then its first images.

    Args:
        dataset: names the classes.
        split: the split of ``dataset`` to show.
        per_class: images in a row, at least 1.

    Returns:
        A picture, in colour if the images are; images are shown at twice their size.
    """
    height, width = (side * _SCALE for side in dataset.image_size)
    labels = [_label(name) for name in dataset.classes]
    widest = max(math.ceil(font.getlength(text)) for text, font in labels)
    label_width = max(_LABEL_WIDTH, widest + 2 * _MARGIN)
    sheet_size = (
        label_width + per_class * (width + _GAP),
        len(dataset.classes) * (height + _GAP) + _GAP,
    )
    coloured = dataset.channels > 1
    sheet = Image.new("RGB" if coloured else "L", sheet_size, (_PAPER,) * 3 if coloured else _PAPER)
    draw = ImageDraw.Draw(sheet)
    for label, (text, font) in enumerate(labels):
        top = _GAP + label * (height + _GAP)
        draw.text(
            (_MARGIN, top + height // 2),
            text,
            fill=(_INK,) * 3 if coloured else _INK,
            font=font,
            anchor="lm",
        )
        for column, index in enumerate(np.flatnonzero(split.labels == label)[:per_class]):
            tile = to_pillow(split.images[index]).resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(tile, (label_width + column * (width + _GAP), top))
    return sheet


def _label(name: str) -> tuple[str, Font]:
    """Return a class's name as it can be drawn, and the font that draws it."""
    usual = ImageFont.load_default(size=_FONT_SIZE)
    shown = shorten(printable(name), _LONGEST)
    text, file = spell(shown, lacks(usual, shown))
    font: Font = ImageFont.truetype(str(file), _FONT_SIZE) if file else usual
    # One font draws the whole name.
    return escape(text, lacks(font, text)), font
