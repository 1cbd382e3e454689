"""Card: a reading as HTML, for notebooks: what was read of each character, and how sure that is."""

import base64
import io
from html import escape
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from mnistlab.recogniser.parts import Character, Line
    from mnistlab.recogniser.reading import Reading

_SCALE, _LIKELY = 2, 3


def reading_card(reading: "Reading") -> str:
    """Return a fragment of HTML that needs nothing else: rows of characters, unsure ones marked
    with a question mark, and below them what else makes the reading unsure.
    """
    notes = "".join(f"<p>{escape(note)}</p>" for note in reading.notes)
    if not reading.lines:
        return f"<p>no digit</p>{notes}"
    lines = "".join(map(_line, reading.lines))
    return (
        f"<div><strong style='font-size:1.3em;white-space:pre'>{reading.text}</strong>"
        f" ({100 * reading.confidence:.1f} %){lines}{notes}</div>"
    )


def _line(line: "Line") -> str:
    groups = "".join(
        f"<div style='display:flex;gap:.6em'>{''.join(map(_figure, group.characters))}</div>"
        for group in line.groups
    )
    return f"<div style='display:flex;flex-wrap:wrap;gap:.4em 2em;margin-top:.4em'>{groups}</div>"


def _figure(one: "Character") -> str:
    doubt = "" if one.sure else "?"
    likely = ", ".join(f"{text}: {100 * share:.1f} %" for text, share in one.likely[:_LIKELY])
    height, width = (side * _SCALE for side in one.pixels.shape)
    return (
        f"<figure style='margin:0;text-align:center' title='{likely}'><img"
        f" alt='{one.text}' width='{width}' height='{height}' style='image-rendering:pixelated'"
        f" src='{_png(one)}'><figcaption>{one.text}{doubt} {100 * one.confidence:.0f}"
        " %</figcaption></figure>"
    )


def _png(one: "Character") -> str:
    file = io.BytesIO()
    Image.fromarray(one.pixels).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
