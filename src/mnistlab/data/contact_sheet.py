"""A contact sheet: some images of every class in one picture, so that data can be looked at before
it is used.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnistlab.data.dataset import Dataset, Split

_SCALE = 2
_GAP = 4
_LABEL_WIDTH = 112
_INK, _PAPER = 235, 24


def contact_sheet(dataset: Dataset, split: Split, *, per_class: int = 16) -> Image.Image:
    """Draw one row a class: its name, then its first images.

    Args:
        dataset: names the classes.
        split: the split of ``dataset`` to show.
        per_class: images in a row, at least 1.

    Returns:
        A grey picture; images stand at twice their size.
    """
    height, width = (side * _SCALE for side in dataset.image_size)
    sheet_size = (
        _LABEL_WIDTH + per_class * (width + _GAP),
        len(dataset.classes) * (height + _GAP) + _GAP,
    )
    sheet = Image.new("L", sheet_size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=16)
    for label, name in enumerate(dataset.classes):
        top = _GAP + label * (height + _GAP)
        draw.text((8, top + height // 2), name, fill=_INK, font=font, anchor="lm")
        for column, index in enumerate(np.flatnonzero(split.labels == label)[:per_class]):
            tile = Image.fromarray(split.images[index]).resize(
                (width, height), Image.Resampling.NEAREST
            )
            sheet.paste(tile, (_LABEL_WIDTH + column * (width + _GAP), top))
    return sheet
